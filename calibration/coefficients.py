"""The coefficients k of the three planes: those with the best mean three-class Dice (METHOD, From predictions).

A voxel is stroke where in at least one plane P > k. Every triple of coefficients with two decimals, as the paper gives
them, is tried, 438,976 together. How each turns out follows exactly from tables of a head: how many voxels fall
between which neighbouring grid values in each plane. So heads are looked at once, one after the other. Closing, which
only fills gaps, and the choice between classes where both are marked come after it and are left out of the search.

Decided here, where the paper doesn't say: the three classes are IS, IH and background. Dice of IS and IH is the mean
over the patients of that class; Dice of the background, where neither is marked, is over all voxels of all heads. Among
triples whose score is within `TIE` of the best, the one that marks the fewest voxels of healthy heads wins, and among
those the best score; a tie of 0 is the paper. A patient none of whose voxels is labelled has no Dice and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.unsuited import UnsuitedHeads
from runtime.classification import StrokeClass
from runtime.fusion import Probability
from runtime.planes import Plane

GRID = tuple(round(0.01 * step, 2) for step in range(20, 96))
"""0.20 to 0.95. Outside, a coefficient hangs on the tails of a few heads: from 0.01 to 0.99, seventeen heads gave one
of 0.02, which lets a single plane decide and makes V fifty times what a sure plane adds."""
TIE = 0.01
"""Far less than the mean Dice of some ten heads is known to."""

Table = NDArray[np.int64]
"""int64 (n + 1, n + 1, n + 1): voxels by how many grid values P exceeds in the axial, coronal and sagittal plane."""


Split = tuple[Table, Table]
"""The voxels in the truth, and those outside it."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadTable:
    """One head's voxels. own: P and truth of the patient's class, None for a healthy head; either: the larger P of both
    classes, which exceeds k where any of them does, and the truth of both."""

    own: Split | None
    either: Split
    stroke: StrokeClass | None


@dataclass(frozen=True, slots=True)
class Coefficients:
    """The chosen k per plane, and how well they do on the heads they were chosen on.

    tie: how far below the best score they may be; dice: mean per patient, by class; healthy_voxels: marked in all
    healthy heads together
    """

    k: Mapping[Plane, float]
    tie: float
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
    exceeded = _exceeded(grid)
    by_class = [[exceeded[probabilities[plane][one.channel].view(np.uint16)] for plane in Plane] for one in StrokeClass]
    own = None if stroke is None else _split(by_class[stroke.channel], labels == stroke.label, len(grid))
    larger = [np.maximum(*of_plane) for of_plane in zip(*by_class, strict=True)]
    return HeadTable(own, _split(larger, labels > 0, len(grid)), stroke)


def _split(exceeded: Sequence[NDArray[np.uint8]], truth: NDArray[np.bool_], values: int) -> Split:
    """exceeded: uint8 (Z, Y, X), per plane the number of grid values below P."""
    size = values + 1
    place = np.zeros(truth.shape, dtype=np.int32)
    for of_plane in exceeded:
        place = place * np.int32(size) + of_plane
    inside, outside = (
        np.bincount(place[where], minlength=size**3).reshape(size, size, size) for where in (truth, ~truth)
    )
    return inside, outside


def _exceeded(grid: Sequence[float]) -> NDArray[np.uint8]:
    """uint8 (65536,): how many values of the sorted grid each half precision number exceeds, by its bits."""
    numbers = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    # searchsorted's left side: a probability equal to a grid value does not exceed it.
    return np.searchsorted(np.array(grid, dtype=np.float32), numbers).astype(np.uint8)


def choose(heads: Iterable[HeadTable], grid: Sequence[float] = GRID, tie: float = TIE) -> Coefficients:
    """The coefficients for these heads. UnsuitedHeads unless both classes are among them."""
    shape = (len(grid),) * 3
    totals = {one: np.zeros(shape) for one in StrokeClass}
    patients = dict.fromkeys(StrokeClass, 0)
    healthy, background, called_and_true = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    for head in heads:
        lesion, rest = (int(table.sum()) for table in head.either)
        in_lesion, alarms = map(_marked, head.either)
        called_and_true += rest - alarms
        background += (rest - alarms) + (lesion - in_lesion) + rest
        if head.own is None or head.stroke is None:
            healthy += alarms
        elif truth := int(head.own[0].sum()):
            found, false = map(_marked, head.own)
            totals[head.stroke] += 2 * found / (truth + found + false)
            patients[head.stroke] += 1
    if not all(patients.values()):
        raise UnsuitedHeads("coefficients need heads with IS and heads with IH")
    by_class = {one: total / patients[one] for one, total in totals.items()}
    score = (sum(by_class.values()) + 2 * called_and_true / background) / 3
    candidates = np.flatnonzero(score >= score.max() - tie)
    order = np.lexsort((-score.flat[candidates], healthy.flat[candidates]))
    best = np.unravel_index(candidates[order[0]], shape)
    return Coefficients(
        k={plane: grid[at] for plane, at in zip(Plane, best, strict=True)},
        tie=tie,
        score=float(score[best]),
        dice={one: float(values[best]) for one, values in by_class.items()},
        healthy_voxels=int(healthy[best]),
    )


def _marked(table: Table) -> Table:
    """int64 (n, n, n): the voxels that exceed grid value a, b or c in the axial, coronal or sagittal plane."""
    below: Table = table.cumsum(axis=0).cumsum(axis=1).cumsum(axis=2)[:-1, :-1, :-1]
    return np.asarray(table.sum() - below)
