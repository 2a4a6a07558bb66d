"""Golden cases: small pieces of heads and what the float32 reference makes of them, so that any engine can be checked
anywhere.

A case is one .npz: `hu` int16 (Z, Y, X), and per plane `axial`, `coronal`, `sagittal` uint8 (2, Z, Y, X), the
reference's probabilities times 255, rounded, classes (IS, IH). An engine passes if, in every plane, its mean absolute
error and the share of voxels on the other side of that plane's coefficient stay within the manifest's tolerance.
Probabilities of an exact half-precision engine differ by 0.003 at most; bf16, which the appliance's processors
compute in, by ten times that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.probabilities import plane_probability
from runtime.bundle import Spec
from runtime.compute import CPU, Compute
from runtime.engines.base import Ensemble
from runtime.errors import StrokeboxError
from runtime.planes import Plane
from training.heads import LabelledHead

SIZE = (32, 64, 64)
HU_RANGE = (-100, 300)
HU_STEP = 4
"""Golden voxels are clipped to that range, well outside every window, and rounded to this step: they pack small."""
MEAN_ERROR = 0.01
FLIPPED_SHARE = 0.01


class GoldenMismatch(StrokeboxError):
    """An engine computes something else than the reference."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldenCase:
    """hu: int16 (Z, Y, X); expected: per plane uint8 (2, Z, Y, X), probability * 255."""

    hu: NDArray[np.int16]
    expected: Mapping[Plane, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one plane: mean absolute error of the probabilities, and the share of voxels on the other side of k."""

    mean_error: float
    flipped_share: float


def make_case(head: LabelledHead, reference: Ensemble, spec: Spec) -> GoldenCase:
    """The piece of `head` around its lesion, through the float32 reference.

    ValueError for a healthy head, and for a patient's.
    """
    if head.seed is None:
        raise ValueError("a golden case is made of a phantom: a patient's voxels never leave with a bundle")
    voxels = np.argwhere(head.labels)
    if not len(voxels):
        raise ValueError("a golden case shows a lesion")
    box = []
    for middle, size, length in zip(np.median(voxels, axis=0), head.hu.shape, SIZE, strict=True):
        start = int(np.clip(middle - length // 2, 0, max(size - length, 0)))
        box.append(slice(start, start + length))
    hu = (np.clip(head.hu[tuple(box)], *HU_RANGE) // HU_STEP * HU_STEP).astype(np.int16)
    expected = {
        plane: np.rint(plane_probability(hu, plane, reference, spec.windows).astype(np.float32) * 255).astype(np.uint8)
        for plane in Plane
    }
    return GoldenCase(hu, expected)


def save_case(case: GoldenCase, path: Path) -> None:
    axial, coronal, sagittal = (case.expected[plane] for plane in Plane)
    np.savez_compressed(path, hu=case.hu, axial=axial, coronal=coronal, sagittal=sagittal)


def open_case(path: Path) -> GoldenCase:
    with np.load(path, allow_pickle=False) as stored:
        return GoldenCase(stored["hu"], {plane: stored[plane.value] for plane in Plane})


def check_case(case: GoldenCase, ensemble: Ensemble, spec: Spec, compute: Compute = CPU) -> dict[Plane, Agreement]:
    """How well the entered `ensemble`, which `compute` fits, agrees with the case. GoldenMismatch beyond tolerance."""
    agreements = {}
    for plane in Plane:
        computed = plane_probability(case.hu, plane, ensemble, spec.windows, compute).astype(np.float32)
        expected = case.expected[plane] / np.float32(255)
        flipped = (computed > spec.coefficients[plane]) != (expected > spec.coefficients[plane])
        agreement = Agreement(float(np.abs(computed - expected).mean()), float(flipped.mean()))
        if agreement.mean_error > MEAN_ERROR or agreement.flipped_share > FLIPPED_SHARE:
            raise GoldenMismatch(f"The {plane.value} engines differ from the reference: {agreement}.")
        agreements[plane] = agreement
    return agreements
