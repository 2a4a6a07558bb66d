"""The sizes of slices that a bundle's networks will meet, from heads: plans for a GPU are fastest at the usual one."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from runtime.engines.base import SIZE_MULTIPLE
from runtime.engines.profile import LARGEST
from runtime.planes import Plane


def crop_sizes(shapes: Sequence[tuple[int, ...]]) -> dict[str, dict[str, list[int]]]:
    """The manifest's `crop_sizes` for heads of these (Z, Y, X), cropped as the appliance crops them.

    Per plane the median height and width, rounded up to what networks take, and the largest that a scanner makes.
    """
    sizes = {}
    for plane in Plane:
        sides = [_up(median(shape[axis] for shape in shapes)) for axis in range(3) if axis != plane.axis]
        largest = [max(side, limit) for side, limit in zip(sides, LARGEST, strict=True)]
        sizes[plane.value] = {"optimum": sides, "largest": largest}
    return sizes


def _up(side: float) -> int:
    return -int(-side // SIZE_MULTIPLE) * SIZE_MULTIPLE
