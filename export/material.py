"""What a bundle may hold of the heads it was made with: it goes to other hospitals, so no pseudonyms, and voxels of
phantoms only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from runtime.classification import StrokeClass
from runtime.errors import UsageError
from training.checkpoint import Checkpoint
from training.heads import LabelledHead
from training.material import Material

MAKE_SOME = "python -m training prepare-phantoms validation 4 --out DIR"


def materials_of(checkpoints: Sequence[Checkpoint]) -> dict[str, dict[str, Material]]:
    """Of the checkpoints that were taken back from released bundles: by bundle, what it says, by purpose."""
    return {
        one.released.bundle: {purpose: Material.from_json(of) for purpose, of in one.released.heads.items()}
        for one in checkpoints
        if one.released
    }


def without_order(heads: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A calibration's heads for a manifest: phantoms as they come, patients by their figures.

    So the patients' order says nothing of who they are.
    """
    phantoms = [head for head in heads if head["seed"] is not None]
    patients = [head for head in heads if head["seed"] is None]
    return [*phantoms, *sorted(patients, key=lambda head: json.dumps(head, sort_keys=True))]


def what_on(materials: Sequence[Material]) -> str:
    """One phrase for all of them."""
    if not any(material.patients for material in materials):
        return "synthetic heads (phantom/); no images of patients"
    if not any(material.seeds for material in materials):
        return "heads of patients"
    return "synthetic heads (phantom/) and heads of patients"


def golden_heads(heads: Sequence[LabelledHead]) -> list[LabelledHead]:
    """For each class the phantom with the most of it, to make a golden case of.

    UsageError where there is none: patients' voxels stay here.
    """
    phantoms = [head for head in heads if head.seed is not None]
    found = [
        max((head for head in phantoms if head.stroke is stroke), key=_labelled, default=None) for stroke in StrokeClass
    ]
    missing = [stroke.value for stroke, head in zip(StrokeClass, found, strict=True) if head is None]
    if missing:
        raise UsageError(
            f"No synthetic head with {' or '.join(missing)} for the golden cases, which hold voxels of a head and are "
            f"never made of a patient's. Make some with `{MAKE_SOME}` and give --golden-heads DIR."
        )
    return [head for head in found if head is not None]


def _labelled(head: LabelledHead) -> int:
    return int(np.count_nonzero(head.labels))
