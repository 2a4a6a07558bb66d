"""Golden cases: small pieces of heads and what the float32 reference makes of them, so that any engine can be checked
anywhere.

A case is one .npz: `hu` int16 (Z, Y, X), and per plane `axial`, `coronal`, `sagittal` uint8 (2, Z, Y, X), the
reference's probabilities times 255, rounded, classes (IS, IH). An engine passes if, in every plane, its mean absolute
error, the share of voxels on the other side of that plane's coefficient, and the error's share of what is seen stay
within the manifest's tolerance. Probabilities of an exact half-precision engine differ by 0.003 at most; bf16, which
the appliance's processors compute in, by ten times that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Spec
from runtime.compute import CPU, Compute
from runtime.engines.base import Ensemble
from runtime.errors import GoldenMismatch
from runtime.fusion import plane_probability
from runtime.planes import Plane

MEAN_ERROR = 0.01
FLIPPED_SHARE = 0.01
ERROR_SHARE = 0.05
SEEN = 0.1
"""Probabilities above it are what networks see; what is below weighs much in all and says little."""
SEEN_VOXELS = 100.0
"""Probabilities that add up to less than this are too few to tell a share of."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldenCase:
    """hu: int16 (Z, Y, X); expected: per plane uint8 (2, Z, Y, X), probability * 255."""

    hu: NDArray[np.int16]
    expected: Mapping[Plane, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one plane: mean absolute error of the probabilities, the share of voxels on the other side of k, and the
    error's share of what is seen by either."""

    mean_error: float
    flipped_share: float
    error_share: float

    @classmethod
    def of(cls, computed: NDArray[np.float32], expected: NDArray[np.float32], k: float) -> Agreement:
        """Probabilities (2, Z, Y, X) of both, and the plane's coefficient."""
        flipped = (computed > k) != (expected > k)
        error = np.abs(computed - expected)
        larger = np.maximum(computed, expected)
        seen = larger > SEEN
        in_all = float(larger[seen].sum())
        error_share = float(error[seen].sum()) / in_all if in_all >= SEEN_VOXELS else 0.0
        return cls(float(error.mean()), float(flipped.mean()), error_share)

    @property
    def is_tolerated(self) -> bool:
        tolerated = (
            (self.mean_error, MEAN_ERROR),
            (self.flipped_share, FLIPPED_SHARE),
            (self.error_share, ERROR_SHARE),
        )
        return all(found <= limit for found, limit in tolerated)


def open_case(path: Path) -> GoldenCase:
    """As export/golden.py saved it. OSError, KeyError, ValueError where it is none."""
    with np.load(path, allow_pickle=False) as stored:
        return GoldenCase(stored["hu"], {plane: stored[plane.value] for plane in Plane})


def check_case(case: GoldenCase, ensemble: Ensemble, spec: Spec, compute: Compute = CPU) -> dict[Plane, Agreement]:
    """How well the entered `ensemble`, which `compute` fits, agrees with the case. GoldenMismatch beyond tolerance."""
    agreements = {}
    for plane in Plane:
        computed = plane_probability(case.hu, plane, ensemble, spec.windows, compute).astype(np.float32)
        agreement = Agreement.of(computed, case.expected[plane] / np.float32(255), spec.coefficients[plane])
        if not agreement.is_tolerated:
            raise GoldenMismatch(f"The {plane.value} engines differ from the reference: {agreement}.")
        agreements[plane] = agreement
    return agreements
