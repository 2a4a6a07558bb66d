"""Which shapes a plan is built for: one dynamic profile, from the smallest slices to the largest.

TensorRT chooses its kernels at the optimum and promises to run everything between minimum and maximum.
"""

from __future__ import annotations

from dataclasses import dataclass

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

    def holds(self, size: Size) -> bool:
        """Whether slices of (H, W) fit."""
        return size[0] <= self.largest[0] and size[1] <= self.largest[1]


LARGEST: Size = (1024, 1024)
PROFILES = {
    Plane.AXIAL: Profile(8, (448, 384), LARGEST),
    Plane.CORONAL: Profile(8, (192, 384), LARGEST),
    Plane.SAGITTAL: Profile(8, (192, 448), LARGEST),
}
"""A head of 512 x 512 pixels and 1 mm slices, cut to its box, at best; the largest matrix of a scanner at most."""
