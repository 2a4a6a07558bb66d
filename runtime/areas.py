"""Areas of the mask that count: large enough, and with evidence enough of their own, to be a lesion.

The paper has no such rule, and the spec's zeros turn it off; docs/adr/0008 says why a box needs it. What was left out
is counted; what the report says of it is a flag's business (runtime/codes.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.compute import CPU, Compute
from runtime.count import counted
from runtime.volume import Box


def connected(mask: Any, compute: Compute = CPU) -> tuple[Any, int]:
    """The connected areas of `mask` (Z, Y, X), numbered from 1 (0 outside) as int32, and how many there are.

    Voxels are connected across faces, edges and corners (26 neighbours). In the order of their first voxels.
    """
    numbered, count = compute.ndimage.label(mask, structure=np.ones((3, 3, 3), dtype=np.int_))
    return numbered.astype(np.int32, copy=False), int(count)


@dataclass(frozen=True, slots=True, eq=False)
class Areas:
    """The connected areas of one class.

    numbered: int32 (Z, Y, X) of the Compute's library, from 1; 0 outside
    ml, whole_ml, evidence: float64 (n,), by number less one; whole_ml is with what touches the area of the other class;
    evidence is the mean of V over the area's voxels above the voxel cut-off, 0 where there is none: the paper's measure
    of a patient, taken of an area
    """

    stroke: StrokeClass
    numbered: Any
    ml: NDArray[np.float64]
    whole_ml: NDArray[np.float64]
    evidence: NDArray[np.float64]
    compute: Compute

    @classmethod
    def of(
        cls, stroke: StrokeClass, labels: Any, v: Any, voxel_ml: float, voxel_cutoff: float, compute: Compute = CPU
    ) -> Areas:
        """labels: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH; v: float32 (2, Z, Y, X), classes (IS, IH)."""
        xp = compute.xp
        numbered, count = connected(labels == stroke.label, compute)
        marked, _ = connected(labels > 0, compute)
        inside = xp.flatnonzero(numbered)
        numbers, wholes = numbered.ravel()[inside], marked.ravel()[inside]
        belongs = xp.zeros(count + 1, dtype=xp.intp)
        belongs[numbers] = wholes  # all voxels of an area say the same
        values = v[stroke.channel].ravel()[inside].astype(xp.float64)
        strong = xp.flatnonzero(values > voxel_cutoff)
        strong_voxels = xp.bincount(numbers[strong], minlength=count + 1)
        sums = xp.bincount(numbers[strong], weights=values[strong], minlength=count + 1)
        voxels = xp.bincount(numbers, minlength=count + 1)
        whole_voxels = xp.bincount(marked.ravel())[belongs]
        measures = xp.stack([voxels * voxel_ml, whole_voxels * voxel_ml, sums / xp.maximum(strong_voxels, 1)])
        ml, whole_ml, evidence = compute.to_host(measures[:, 1:])
        return cls(stroke, numbered, ml, whole_ml, evidence, compute)

    def count(self, smallest_ml: float, cutoff: float) -> NDArray[np.bool_]:
        """bool (n,): which of them count."""
        return (self.whole_ml >= smallest_ml) & (self.evidence >= cutoff)

    def mask(self, chosen: NDArray[np.bool_]) -> Any:
        """bool (Z, Y, X) of the Compute's library: the voxels of the areas that `chosen`, bool (n,), names."""
        return self.compute.upload(np.concatenate(([False], chosen)))[self.numbered]


_SMALLEST_TOLD_ML = 0.01


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Of one class: how many areas were left out, and their volume together."""

    stroke: StrokeClass
    areas: int
    volume_ml: float

    def __str__(self) -> str:
        volume = f"{self.volume_ml:.2f}" if self.volume_ml >= _SMALLEST_TOLD_ML else f"less than {_SMALLEST_TOLD_ML}"
        return f"{self.stroke.value}: {counted(self.areas, 'area')}, {volume} ml in all."


def those_that_count(
    labels: Any, v: Any, voxel_ml: float, spec: Spec, compute: Compute = CPU
) -> tuple[Any, tuple[LeftOut, ...]]:
    """`labels` without the areas that don't count, and what was left out. Shapes and dtypes as in Areas.of."""
    if not spec.smallest_lesion_ml and not any(spec.area_cutoffs.values()):
        return labels, ()  # every area counts: nothing to measure
    box = _box(labels > 0, compute)
    if box is None:
        return labels, ()
    within, v_within, kept = labels[box], v[:, box[0], box[1], box[2]], labels.copy()
    left_out = []
    for stroke in StrokeClass:
        areas = Areas.of(stroke, within, v_within, voxel_ml, spec.voxel_cutoff, compute)
        doubtful = ~areas.count(spec.smallest_lesion_ml, spec.area_cutoffs[stroke])
        if doubtful.any():
            kept[box] *= ~areas.mask(doubtful)
            left_out.append(LeftOut(stroke, int(doubtful.sum()), float(areas.ml[doubtful].sum())))
    return kept, tuple(left_out)


def _box(mask: Any, compute: Compute) -> Box | None:
    """The smallest box that holds `mask` (Z, Y, X); None for an empty mask."""
    z, y, x = (np.flatnonzero(compute.to_host(mask.any(axis=tuple({0, 1, 2} - {axis})))).tolist() for axis in range(3))
    return (slice(z[0], z[-1] + 1), slice(y[0], y[-1] + 1), slice(x[0], x[-1] + 1)) if z else None
