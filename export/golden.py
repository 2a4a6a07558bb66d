"""Golden cases are made here, of phantoms and by the float32 reference; what they are and how engines are held to them:
runtime/golden.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.probabilities import member_probabilities
from runtime.bundle import Spec
from runtime.engines.base import Ensemble
from runtime.errors import UsageError
from runtime.golden import Agreement, GoldenCase
from runtime.planes import Plane
from training.heads import LabelledHead

SIZE = (64, 128, 128)
"""Of a piece, (Z, Y, X): in smaller ones good networks, used to whole heads, have marked nothing."""
HU_RANGE = (-100, 300)
HU_STEP = 4
"""Golden voxels are clipped to that range, well outside every window, and rounded to this step: they pack small."""


def make_cases(heads: Sequence[LabelledHead], reference: Ensemble, spec: Spec) -> list[GoldenCase]:
    """A case of each head: the piece around its lesion, through each network of the float32 reference.

    ValueError for a healthy head, and for a patient's. UsageError where a network could fall silent unnoticed.
    """
    cases, told = [], set()
    for head in heads:
        hu, expected = _piece(head), {}
        for plane, networks in member_probabilities(hu, reference, spec.windows).items():
            count, k = len(networks), spec.coefficients[plane]
            alone = [one.astype(np.float32) for one in networks]
            whole = np.asarray(sum(alone) / np.float32(count))
            told |= {
                (plane, number)
                for number, one in enumerate(alone)
                if not Agreement.of(whole - one / np.float32(count), whole, k).is_tolerated
            }
            expected[plane] = np.rint(whole * 255).astype(np.uint8)
        cases.append(GoldenCase(hu, expected))
    every = [(plane, number) for plane in Plane for number in range(len(reference.members[plane]))]
    if untold := ", ".join(f"{plane.value} {number}" for plane, number in every if (plane, number) not in told):
        raise UsageError(
            f"No golden case tells a box that one of these networks gives no answer: {untold}. They see too little "
            "of the lesions of these heads. Give --golden-heads DIR with larger ones, or leave these networks out."
        )
    return cases


def _piece(head: LabelledHead) -> NDArray[np.int16]:
    """int16 HU, at most SIZE."""
    if head.seed is None:
        raise ValueError("a golden case is made of a phantom: a patient's voxels never leave with a bundle")
    voxels = np.argwhere(head.labels)
    if not len(voxels):
        raise ValueError("a golden case shows a lesion")
    box = []
    for middle, size, length in zip(np.median(voxels, axis=0), head.hu.shape, SIZE, strict=True):
        start = int(np.clip(middle - length // 2, 0, max(size - length, 0)))
        box.append(slice(start, start + length))
    return (np.clip(head.hu[tuple(box)], *HU_RANGE) // HU_STEP * HU_STEP).astype(np.int16)


def save_case(case: GoldenCase, path: Path) -> None:
    axial, coronal, sagittal = (case.expected[plane] for plane in Plane)
    np.savez_compressed(path, hu=case.hu, axial=axial, coronal=coronal, sagittal=sagittal)
