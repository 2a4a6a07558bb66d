"""Which shapes a plan is built for: one dynamic profile, from the smallest slices to the largest.

TensorRT chooses its kernels at the optimum and promises to run everything between minimum and maximum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runtime.engines.base import SIZE_MULTIPLE
from runtime.planes import Plane

Size = tuple[int, int]
"""(H, W) in pixels."""


@dataclass(frozen=True, slots=True)
class Profile:
    """batch: the most slices at a time, and the optimum; optimum, largest: (H, W), multiples of 32. ValueError else."""

    batch: int
    optimum: Size
    largest: Size

    def __post_init__(self) -> None:
        sides = (*self.optimum, *self.largest)
        if self.batch < 1 or any(side < SIZE_MULTIPLE or side % SIZE_MULTIPLE for side in sides):
            raise ValueError(f"a profile needs a batch from 1 and sides that are multiples of {SIZE_MULTIPLE}")
        if self.optimum[0] > self.largest[0] or self.optimum[1] > self.largest[1]:
            raise ValueError("the largest size of a profile can't be below its optimum")

    def shapes(self, channels: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """(N, C, H, W) at least, at best, at most."""
        return (
            (1, channels, SIZE_MULTIPLE, SIZE_MULTIPLE),
            (self.batch, channels, *self.optimum),
            (self.batch, channels, *self.largest),
        )


LARGEST: Size = (1024, 1024)
BATCH = 8
PROFILES = {
    Plane.AXIAL: Profile(BATCH, (448, 384), LARGEST),
    Plane.CORONAL: Profile(BATCH, (192, 384), LARGEST),
    Plane.SAGITTAL: Profile(BATCH, (192, 448), LARGEST),
}
"""A head of 512 x 512 pixels and 1 mm slices, cut to its box, at best; the largest matrix of a scanner at most."""


def profiles_of(crop_sizes: Mapping[str, Any]) -> dict[Plane, Profile]:
    """Every plane's, from a manifest's `crop_sizes`: plane -> {optimum: [H, W], largest: [H, W]}, all of it optional.

    TypeError or ValueError where they can't be right.
    """
    sizes = dict(crop_sizes)
    profiles = {plane: _profile(dict(sizes.pop(plane.value, {})), PROFILES[plane]) for plane in Plane}
    if sizes:
        raise ValueError(f"crop_sizes are of {', '.join(plane.value for plane in Plane)}, not of {', '.join(sizes)}")
    return profiles


def _profile(sizes: Mapping[str, Any], default: Profile) -> Profile:
    optimum, largest = (
        (int(height), int(width))
        for height, width in (sizes.get("optimum", default.optimum), sizes.get("largest", default.largest))
    )
    return Profile(default.batch, optimum, largest)
