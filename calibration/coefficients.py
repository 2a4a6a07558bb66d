"""The coefficients k of the three planes: the grid point with the best mean three-class Dice (METHOD, From
predictions).

A voxel is stroke where in at least one plane P > k. How that turns out for every triple of the grid follows from one
table per head and class: how many voxels fall between which neighbouring grid values in each plane. So heads are
looked at once, and the search itself costs nothing. Closing, which only fills gaps, is left out of the search.

Decided here, where the paper doesn't say: the three classes are IS, IH and background. Dice of IS and IH is the mean
over the patients of that class; Dice of the background is over all voxels of all heads. Among triples whose score is
within `TIE` of the best, the one that marks the fewest voxels of healthy heads wins, and among those the best score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.probabilities import Probability
from runtime.classification import StrokeClass
from runtime.planes import Plane

GRID = tuple(round(0.1 + 0.02 * step, 2) for step in range(45))
"""0.10 to 0.98."""
TIE = 0.01
"""Far less than the mean Dice of some ten heads is known to."""

Table = NDArray[np.int64]
"""int64 (n + 1, n + 1, n + 1): voxels by how many grid values P exceeds in the axial, coronal and sagittal plane."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadTable:
    """One head's voxels per class, apart for those that truly are of that class and those that aren't."""

    stroke: StrokeClass | None
    voxels: int
    true: Mapping[StrokeClass, Table]
    other: Mapping[StrokeClass, Table]


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The chosen k per plane, and how well they do on the heads they were chosen on.

    dice: mean per patient, by class; healthy_voxels: marked in all healthy heads together
    """

    k: Mapping[Plane, float]
    score: float
    dice: Mapping[StrokeClass, float]
    healthy_voxels: int


def tabulate(
    probabilities: Mapping[Plane, Probability],
    labels: NDArray[np.uint8],
    stroke: StrokeClass | None,
    grid: Sequence[float] = GRID,
) -> HeadTable:
    """Count one head's voxels. Probabilities float16 (2, Z, Y, X) per plane; labels uint8 (Z, Y, X)."""
    size = len(grid) + 1
    true, other = {}, {}
    for one in StrokeClass:
        place = np.zeros(labels.shape, dtype=np.int32)
        for plane in Plane:
            # searchsorted's left side: a probability equal to a grid value does not exceed it.
            probability = probabilities[plane][one.channel].astype(np.float32)
            place = place * size + np.searchsorted(np.array(grid, dtype=np.float32), probability)
        of_class = labels == one.label
        true[one] = np.bincount(place[of_class], minlength=size**3).reshape(size, size, size)
        other[one] = np.bincount(place[~of_class], minlength=size**3).reshape(size, size, size)
    return HeadTable(stroke, labels.size, true, other)


def choose(heads: Sequence[HeadTable], grid: Sequence[float] = GRID) -> Coefficients:
    """The coefficients for these heads. ValueError unless both classes are among them."""
    shape = (len(grid),) * 3
    dice: dict[StrokeClass, list[NDArray[np.float64]]] = {one: [] for one in StrokeClass}
    healthy = np.zeros(shape, dtype=np.int64)
    background = np.zeros((3, *shape))
    for head in heads:
        hits = {one: _marked(head.true[one]) for one in StrokeClass}
        false = {one: _marked(head.other[one]) for one in StrokeClass}
        if head.stroke is None:
            healthy += sum(false.values())
            truth = 0
        else:
            truth = int(head.true[head.stroke].sum())
            found = hits[head.stroke]
            dice[head.stroke].append(2 * found / (truth + found + false[head.stroke]))
        # A voxel marked as both classes is counted twice here: there are few, and they are wrong at least once.
        called = head.voxels - sum(hits.values()) - sum(false.values())
        missed = truth - sum(hits.values())
        background += np.stack((2.0 * (called - missed), called, np.full(shape, head.voxels - truth)))
    if not all(dice.values()):
        raise ValueError("coefficients need heads with IS and heads with IH")
    by_class = {one: np.mean(of_heads, axis=0) for one, of_heads in dice.items()}
    score = (sum(by_class.values()) + background[0] / (background[1] + background[2])) / 3
    candidates = np.argwhere(score >= score.max() - TIE)
    best = min(map(tuple, candidates), key=lambda at: (healthy[at], -score[at]))
    return Coefficients(
        k={plane: grid[at] for plane, at in zip(Plane, best, strict=True)},
        score=float(score[best]),
        dice={one: float(values[best]) for one, values in by_class.items()},
        healthy_voxels=int(healthy[best]),
    )


def _marked(table: Table) -> Table:
    """int64 (n, n, n): the voxels that exceed grid value a, b or c in the axial, coronal or sagittal plane."""
    below: Table = table.cumsum(axis=0).cumsum(axis=1).cumsum(axis=2)[:-1, :-1, :-1]
    return np.asarray(table.sum() - below)
