"""The smallest lesion of the manifest (docs/adr/0008): which areas of the mask are too small to be one.

One number for both classes. It may empty the masks of healthy heads, but never at the price of a stroke's whole mask
unless that is worth it: each head counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import LARGEST_SPECK_ML
from runtime.classification import StrokeClass
from runtime.specks import areas_ml, numbered_areas

GRID_ML = tuple(round(0.05 * step, 2) for step in range(11))
assert GRID_ML[-1] == LARGEST_SPECK_ML


@dataclass(frozen=True, slots=True)
class LargestArea:
    """Of one head's mask, in ml: a healthy head's largest area of any class, or, of a stroke's own class, the largest
    that touches the truth; 0 where there is none.
    """

    stroke: StrokeClass | None
    ml: float

    @classmethod
    def of(
        cls, labels: NDArray[np.uint8], truth: NDArray[np.uint8], stroke: StrokeClass | None, voxel_ml: float
    ) -> LargestArea:
        """labels, truth: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH."""
        if stroke is None:
            areas = [areas_ml(labels == one.label, voxel_ml) for one in StrokeClass]
            return cls(None, max((float(ml.max()) for ml in areas if ml.size), default=0.0))
        numbers = numbered_areas(labels == stroke.label)
        touching = np.unique(numbers[truth == stroke.label])
        ml = np.bincount(numbers.ravel()) * voxel_ml
        return cls(stroke, float(ml[touching[touching > 0]].max(initial=0.0)))

    def is_marked(self, smallest_ml: float) -> bool:
        """Whether the area stays in the mask."""
        return 0 < self.ml >= smallest_ml


def choose_smallest(heads: Sequence[LargestArea], grid_ml: Iterable[float] = GRID_ML) -> float:
    """The value of the grid that leaves most heads right: healthy masks empty, strokes marked; the smallest such."""
    return max(grid_ml, key=lambda ml: (sum(head.is_marked(ml) is (head.stroke is not None) for head in heads), -ml))
