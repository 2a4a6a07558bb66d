"""The two class cut-offs on the mean of V: the pair that calls the most heads right, midway between the classes.

Heads may weigh more or less: where few of a kind stand beside many of another, both kinds can count alike.

Follows METHOD, From predictions to a diagnosis; both exceeded is a haemorrhage. A head without any voxel above the
voxel cut-off counts as lying just at it, so that a cut-off keeps its distance from a single bright voxel too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from calibration.unsuited import UnsuitedHeads
from runtime.classification import StrokeClass


@dataclass(frozen=True, slots=True)
class Evidence:
    """One head: the truth, and per class the mean of V over the voxels with V above the voxel cut-off (0: none).

    weight: what its right answer is worth beside the others'
    """

    stroke: StrokeClass | None
    means: Mapping[StrokeClass, float]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class ClassCutoffs:
    """The chosen cut-offs, and the share of the heads they were chosen on that they call right, each counted once."""

    cutoffs: Mapping[StrokeClass, float]
    accuracy: float


def choose_cutoffs(heads: Sequence[Evidence], voxel_cutoff: float) -> ClassCutoffs:
    """The cut-offs for these heads; among equally good ones, those in the widest gaps.

    UnsuitedHeads where all heads have the same evidence.
    """
    gaps = {}
    for stroke in StrokeClass:
        values = sorted({max(head.means[stroke], voxel_cutoff) for head in heads})
        if len(values) < 2:
            raise UnsuitedHeads(f"all heads have the same evidence of {stroke.value}: nothing to choose from")
        gaps[stroke] = list(pairwise(values))

    def merit(pair: tuple[tuple[float, float], tuple[float, float]]) -> tuple[float, float]:
        cutoffs = _midway(pair)
        right = sum(head.weight for head in heads if _is_right(head, cutoffs))
        return round(right, 6), min(high - low for low, high in pair)

    best = max(product(gaps[StrokeClass.IS], gaps[StrokeClass.IH]), key=merit)
    cutoffs = _midway(best)
    accuracy = sum(_is_right(head, cutoffs) for head in heads) / len(heads)
    return ClassCutoffs({stroke: round(cutoff, 3) for stroke, cutoff in cutoffs.items()}, accuracy)


def _midway(pair: tuple[tuple[float, float], tuple[float, float]]) -> dict[StrokeClass, float]:
    return {stroke: (low + high) / 2 for stroke, (low, high) in zip(StrokeClass, pair, strict=True)}


def called(means: Mapping[StrokeClass, float], cutoffs: Mapping[StrokeClass, float]) -> StrokeClass | None:
    """What a head with these means of V is called: IH where both exceed, None where neither does."""
    positive = [stroke for stroke in StrokeClass if means[stroke] > cutoffs[stroke]]
    return positive[-1] if positive else None


def _is_right(head: Evidence, cutoffs: Mapping[StrokeClass, float]) -> bool:
    return called(head.means, cutoffs) is head.stroke
