"""Specks: marked areas too small to be a lesion, which the engines' spec leaves out of the mask.

The paper has no such rule, and 0 ml in the spec turns it off; docs/adr/0008 says why a box needs it. Removes and
counts; what the report says of it is a flag's business (runtime/codes.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from runtime.classification import StrokeClass

_TOUCHING = np.ones((3, 3, 3), dtype=np.int_)
"""Voxels are connected across faces, edges and corners, as in lesions.py."""


@dataclass(frozen=True, slots=True)
class Specks:
    """What was left out of one class: how many areas, and their volume together."""

    stroke: StrokeClass
    count: int
    volume_ml: float

    def __str__(self) -> str:
        return f"{self.stroke.value}: {self.count}, together {self.volume_ml:.2f} ml."


def numbered_areas(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """int32 (Z, Y, X): the connected areas of `mask`, numbered from 1; 0 outside."""
    numbered, _ = ndimage.label(mask, structure=_TOUCHING)
    return np.asarray(numbered, dtype=np.int32)


def areas_ml(mask: NDArray[np.bool_], voxel_ml: float) -> NDArray[np.float64]:
    """The volume of each connected area of `mask` (Z, Y, X), float64 (n,) in ml, by its number."""
    return np.bincount(numbered_areas(mask).ravel())[1:] * voxel_ml


def without_specks(
    labels: NDArray[np.uint8], voxel_ml: float, smallest_ml: float
) -> tuple[NDArray[np.uint8], tuple[Specks, ...]]:
    """`labels` uint8 (Z, Y, X) without the areas of a class below `smallest_ml`, and what was left out."""
    kept = labels.copy()
    specks = []
    for stroke in StrokeClass:
        numbered = numbered_areas(labels == stroke.label)
        ml = np.bincount(numbered.ravel()) * voxel_ml
        small = ml < smallest_ml
        small[0] = False
        if small.any():
            kept[small[numbered]] = 0
            specks.append(Specks(stroke, int(small.sum()), float(ml[small].sum())))
    return kept, tuple(specks)
