"""What heads a network was made with, as a bundle may say it: how many, and of what; of a patient nothing else.

A bundle goes to other hospitals. Seeds of phantoms are in it, so that they can be made again; pseudonyms, and voxels of
a patient's head, are not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.classification import StrokeClass
from runtime.errors import UsageError
from training.checkpoint import Checkpoint
from training.heads import LabelledHead

MAKE_SOME = "python -m training prepare-phantoms validation 4 --out DIR"


@dataclass(frozen=True, slots=True)
class Material:
    """Heads for one purpose. ValueError where there is none, or phantoms without seeds.

    synthetic: how many phantoms; None where a record only tells their seeds
    seeds: the lowest and the highest of the phantoms; None without any
    patients: how many, each once, however many heads are theirs
    """

    synthetic: int | None
    seeds: tuple[int, int] | None
    patients: int

    def __post_init__(self) -> None:
        if (self.synthetic == 0) != (self.seeds is None) or self.patients < 0:
            raise ValueError("phantoms have seeds, and only phantoms")
        if not self.seeds and not self.patients:
            raise ValueError("there is no head")

    @classmethod
    def of(cls, heads: Sequence[LabelledHead]) -> Material:
        """What these heads are."""
        seeds = {head.seed for head in heads if head.seed is not None}
        patients = {head.patient for head in heads if head.patient is not None}
        return cls(len(seeds), (min(seeds), max(seeds)) if seeds else None, len(patients))

    @classmethod
    def of_calibration(cls, calibration: Mapping[str, Any]) -> Material:
        """What the heads of a calibration's document are; those without a seed are patients."""
        every = [head["seed"] for head in calibration["heads"]]
        seeds = [seed for seed in every if seed is not None]
        return cls(len(seeds), (min(seeds), max(seeds)) if seeds else None, len(every) - len(seeds))

    @classmethod
    def from_json(cls, document: Any) -> Material:
        """From a manifest; also from one of 0.2.0 or before, a list of the lowest and the highest seed.

        KeyError, TypeError and ValueError where it is none.
        """
        if isinstance(document, list):
            low, high = document
            return cls(None, (low, high), 0)
        seeds = document["seeds"]
        return cls(document["synthetic"], (seeds[0], seeds[1]) if seeds else None, document["patients"])

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        seeds = list(self.seeds) if self.seeds else None
        return {"synthetic": self.synthetic, "seeds": seeds, "patients": self.patients}

    def __str__(self) -> str:
        parts = []
        if self.seeds:
            count = "" if self.synthetic is None else f"{self.synthetic} "
            parts.append(f"{count}synthetic heads, seeds {self.seeds[0]} to {self.seeds[1]}")
        if self.patients:
            parts.append(f"heads of {self.patients} patient{'s' if self.patients > 1 else ''}")
        return ", and ".join(parts)


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
    """For each class a phantom to make a golden case of. UsageError where there is none: patients' voxels stay here."""
    phantoms = [head for head in heads if head.seed is not None]
    found = [next((head for head in phantoms if head.stroke is stroke), None) for stroke in StrokeClass]
    missing = [stroke.value for stroke, head in zip(StrokeClass, found, strict=True) if head is None]
    if missing:
        raise UsageError(
            f"No synthetic head with {' or '.join(missing)} for the golden cases, which hold voxels of a head and are "
            f"never made of a patient's. Make some with `{MAKE_SOME}` and give --golden-heads DIR."
        )
    return [head for head in found if head is not None]
