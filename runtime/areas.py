"""Areas of the mask that count: large enough, and with evidence enough of their own, to be a lesion.

The paper has no such rule, and the spec's zeros turn it off; docs/adr/0008 says why a box needs it. What was left out
is counted; what the report says of it is a flag's business (runtime/codes.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.count import counted


def connected(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """The connected areas of `mask` (Z, Y, X), numbered from 1 (0 outside), and how many there are.

    Voxels are connected across faces, edges and corners (26 neighbours).
    """
    numbered, count = ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=np.int_))
    return numbered.astype(np.int32, copy=False), count


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """The connected areas of one class.

    numbered: int32 (Z, Y, X), from 1; 0 outside
    ml, whole_ml, evidence: float64 (n,), by number less one; whole_ml is with what touches the area of the other class;
    evidence is the mean of V over the area's voxels above the voxel cut-off, 0 where there is none: the paper's measure
    of a patient, taken of an area
    """

    stroke: StrokeClass
    numbered: NDArray[np.int32]
    ml: NDArray[np.float64]
    whole_ml: NDArray[np.float64]
    evidence: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        stroke: StrokeClass,
        labels: NDArray[np.uint8],
        v: NDArray[np.float32],
        voxel_ml: float,
        voxel_cutoff: float,
    ) -> Areas:
        """labels: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH; v: float32 (2, Z, Y, X), classes (IS, IH)."""
        numbered, count = connected(labels == stroke.label)
        marked, _ = connected(labels > 0)
        inside = numbered > 0
        belongs = np.zeros(count + 1, dtype=np.intp)
        belongs[numbered[inside]] = marked[inside]
        numbers, values = numbered[inside], v[stroke.channel][inside].astype(np.float64)
        strong = values > voxel_cutoff
        strong_voxels = np.bincount(numbers[strong], minlength=count + 1)[1:]
        sums = np.bincount(numbers[strong], weights=values[strong], minlength=count + 1)[1:]
        voxels = np.bincount(numbers, minlength=count + 1)[1:]
        return cls(
            stroke,
            numbered,
            ml=np.asarray(voxels * voxel_ml, dtype=np.float64),
            whole_ml=np.asarray(np.bincount(marked.ravel())[belongs[1:]] * voxel_ml, dtype=np.float64),
            evidence=sums / np.maximum(strong_voxels, 1),
        )

    def count(self, smallest_ml: float, cutoff: float) -> NDArray[np.bool_]:
        """bool (n,): which of them count."""
        return (self.whole_ml >= smallest_ml) & (self.evidence >= cutoff)

    def mask(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """bool (Z, Y, X): the voxels of the areas that `chosen`, bool (n,), names."""
        return np.asarray(np.concatenate(([False], chosen))[self.numbered])


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Of one class: how many areas were left out, and their volume together."""

    stroke: StrokeClass
    areas: int
    volume_ml: float

    def __str__(self) -> str:
        return f"{self.stroke.value}: {counted(self.areas, 'area')}, {self.volume_ml:.2f} ml in all."


def those_that_count(
    labels: NDArray[np.uint8], v: NDArray[np.float32], voxel_ml: float, spec: Spec
) -> tuple[NDArray[np.uint8], tuple[LeftOut, ...]]:
    """`labels` without the areas that don't count, and what was left out. Shapes and dtypes as in Areas.of."""
    if not spec.smallest_lesion_ml and not any(spec.area_cutoffs.values()):
        return labels, ()  # every area counts: nothing to measure
    kept = labels.copy()
    left_out = []
    for stroke in StrokeClass:
        areas = Areas.of(stroke, labels, v, voxel_ml, spec.voxel_cutoff)
        doubtful = ~areas.count(spec.smallest_lesion_ml, spec.area_cutoffs[stroke])
        if doubtful.any():
            kept[areas.mask(doubtful)] = 0
            left_out.append(LeftOut(stroke, int(doubtful.sum()), float(areas.ml[doubtful].sum())))
    return kept, tuple(left_out)
