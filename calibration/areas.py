"""The areas of the mask that count (docs/adr/0008): the smallest lesion and each class's cut-off for an area.

Each head is right or not: a healthy one when none of its areas counts, one with a stroke when an area of its class
that touches the truth does. No stroke is given up for a healthy head. Among the values that leave most heads right the
lowest are taken, so that nothing is left out without need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from runtime.areas import Areas
from runtime.bundle import LARGEST_SPECK_ML
from runtime.classification import StrokeClass

SMALLEST_ML = tuple(round(LARGEST_SPECK_ML / 10 * step, 3) for step in range(11))
CUTOFFS = (0.0, *(round(1.0 + 0.1 * step, 1) for step in range(11)))
"""Of the mean of V, 0 for none: up to 2.0, what two planes that are sure make together."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadAreas:
    """One head's areas by class; true: of its own class, which of them touch the truth."""

    stroke: StrokeClass | None
    areas: Mapping[StrokeClass, Areas]
    true: NDArray[np.bool_]

    @classmethod
    def of(cls, stroke: StrokeClass | None, areas: Mapping[StrokeClass, Areas], truth: NDArray[np.uint8]) -> HeadAreas:
        """truth: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH."""
        if stroke is None:
            return cls(None, areas, np.zeros(0, dtype=np.bool_))
        own = areas[stroke]
        touching = np.zeros(len(own.ml) + 1, dtype=np.bool_)
        touching[np.unique(own.numbered[truth == stroke.label])] = True
        return cls(stroke, areas, touching[1:])

    def is_right(self, smallest_ml: float, cutoffs: Mapping[StrokeClass, float]) -> bool:
        if self.stroke is None:
            return not any(areas.count(smallest_ml, cutoffs[stroke]).any() for stroke, areas in self.areas.items())
        return bool((self.areas[self.stroke].count(smallest_ml, cutoffs[self.stroke]) & self.true).any())


@dataclass(frozen=True, slots=True)
class AreaRule:
    """What was chosen, and how many heads are right by it."""

    smallest_ml: float
    cutoffs: Mapping[StrokeClass, float]
    right: int


def choose_area_rule(
    heads: Sequence[HeadAreas], smallest_ml: Sequence[float] = SMALLEST_ML, cutoffs: Sequence[float] = CUTOFFS
) -> AreaRule:
    """The rule for these heads; among equally good ones that with the lowest values."""
    off = dict.fromkeys(StrokeClass, 0.0)
    found = [head for head in heads if head.stroke and head.is_right(0.0, off)]
    rules = [AreaRule(0.0, off, sum(head.is_right(0.0, off) for head in heads))]
    for smallest, *values in product(smallest_ml, *[cutoffs] * len(StrokeClass)):
        by_class = dict(zip(StrokeClass, values, strict=True))
        if all(head.is_right(smallest, by_class) for head in found):
            rules.append(AreaRule(smallest, by_class, sum(head.is_right(smallest, by_class) for head in heads)))
    return max(rules, key=lambda rule: (rule.right, -sum(rule.cutoffs.values()), -rule.smallest_ml))
