"""The areas of the mask that count (docs/adr/0008): the smallest lesion and each class's cut-off for an area.

Each head is right or not: a healthy one when none of its areas counts, one with a stroke when an area of its class
that touches the truth does. A stroke that its patient's evidence doesn't call has nothing but its areas: none such is
given up for a healthy head. Nor is any area left out whose own evidence would call a patient. Among the values that
leave most heads right the lowest are taken, so that nothing is left out without need.
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
    """One head's areas by class.

    true: of its own class, which of them touch the truth
    is_called: whether its evidence calls it what it is, surely, so that the call stands without any area
    """

    stroke: StrokeClass | None
    areas: Mapping[StrokeClass, Areas]
    true: NDArray[np.bool_]
    is_called: bool

    @classmethod
    def of(
        cls,
        stroke: StrokeClass | None,
        areas: Mapping[StrokeClass, Areas],
        truth: NDArray[np.uint8],
        is_called: bool = False,
    ) -> HeadAreas:
        """truth: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH."""
        if stroke is None:
            return cls(None, areas, np.zeros(0, dtype=np.bool_), is_called)
        own = areas[stroke]
        touching = np.zeros(len(own.ml) + 1, dtype=np.bool_)
        touching[np.unique(own.numbered[truth == stroke.label])] = True
        return cls(stroke, areas, touching[1:], is_called)

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


def choose_area_rule(heads: Sequence[HeadAreas], class_cutoffs: Mapping[StrokeClass, float]) -> AreaRule:
    """The rule for these heads; among equally good ones that with the lowest values.

    class_cutoffs: on the mean of a patient's V
    """
    off = dict.fromkeys(StrokeClass, 0.0)
    kept = [head for head in heads if head.stroke and not head.is_called and head.is_right(0.0, off)]
    rules = [AreaRule(0.0, off, sum(head.is_right(0.0, off) for head in heads))]
    low_enough = ([value for value in CUTOFFS if value <= class_cutoffs[stroke]] for stroke in StrokeClass)
    for smallest, *values in product(SMALLEST_ML, *low_enough):
        by_class = dict(zip(StrokeClass, values, strict=True))
        if all(head.is_right(smallest, by_class) for head in kept):
            rules.append(AreaRule(smallest, by_class, sum(head.is_right(smallest, by_class) for head in heads)))
    return max(rules, key=lambda rule: (rule.right, -sum(rule.cutoffs.values()), -rule.smallest_ml))
