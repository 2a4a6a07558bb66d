"""From trained networks and labelled heads to the numbers of the manifest, and how they do on those same heads.

Two steps, which may have heads of their own: coefficients are chosen from the probabilities' tables; then cut-offs from
the V that those coefficients give, and which areas count from the closed masks. V, mask, closing and areas are the
runtime's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calibration.areas import AreaRule, HeadAreas, choose_area_rule
from calibration.classifier import ClassCutoffs, Evidence, choose_cutoffs
from calibration.coefficients import TIE, Coefficients, HeadTable, choose, tabulate
from calibration.dice import dice
from calibration.document import coefficients_document, unclassified
from calibration.probabilities import OfHead, fused
from calibration.unsuited import UnsuitedHeads
from runtime.areas import Areas
from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.compute import Compute
from runtime.fusion import evidence, labelled
from runtime.planes import Plane
from runtime.windows import Windows
from training.heads import LabelledHead

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class HeadResult:
    """One calibration head under the chosen numbers.

    dice: of its own class in the final mask, None for a healthy head and where mask and truth are empty
    marked: voxels of the final mask, by class; means: of V, by class
    weight: in the choice of the class cut-offs
    """

    seed: int | None
    stroke: StrokeClass | None
    dice: float | None
    marked: Mapping[StrokeClass, int]
    means: Mapping[StrokeClass, float]
    weight: float


@dataclass(frozen=True, slots=True)
class Classifier:
    """What turns V and the mask into a diagnosis, and how it does on the heads it was chosen on."""

    spec: Spec
    cutoffs: ClassCutoffs
    area_rule: AreaRule
    heads: tuple[HeadResult, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values; the first three keys are the manifest's."""
        return {
            "class_cutoffs": {stroke.value: cutoff for stroke, cutoff in self.spec.class_cutoffs.items()},
            "smallest_lesion_ml": self.spec.smallest_lesion_ml,
            "area_cutoffs": {stroke.value: cutoff for stroke, cutoff in self.spec.area_cutoffs.items()},
            "accuracy": round(self.cutoffs.accuracy, 4),
            "right_by_area_rule": self.area_rule.right,
            "heads": [
                {
                    "seed": head.seed,
                    "stroke": head.stroke.value if head.stroke else None,
                    "dice": None if head.dice is None else round(head.dice, 4),
                    "marked_voxels": {stroke.value: count for stroke, count in head.marked.items()},
                    "means": {stroke.value: round(mean, 4) for stroke, mean in head.means.items()},
                    "weight": round(head.weight, 4),
                }
                for head in self.heads
            ],
        }


@dataclass(frozen=True, slots=True)
class Calibration:
    """Both steps: what goes into the manifest, and what it was chosen from."""

    coefficients: Coefficients
    classifier: Classifier

    def as_json(self) -> dict[str, Any]:
        """The document (calibration/document.py)."""
        return {
            **coefficients_document(self.classifier.spec, self.coefficients),
            **self.classifier.as_json(),
        }


def calibrate(
    windows: Windows,
    heads: Sequence[LabelledHead],
    of_head: OfHead,
    compute: Compute,
    report: Report = print,
    weights: Sequence[float] | None = None,
    tie: float = TIE,
) -> Calibration:
    """Both steps on the same heads, each of which `of_head` is asked for twice; `weights` as in calibrate_classifier,
    `tie` as in calibrate_coefficients.

    UnsuitedHeads as the steps raise it, and where two have the same name.
    """
    if len({head.name for head in heads}) < len(heads):
        raise UnsuitedHeads("two heads have the same name")
    coefficients = calibrate_coefficients(heads, of_head, tie, report)
    return Calibration(coefficients, calibrate_classifier(windows, coefficients.k, heads, of_head, compute, weights))


def calibrate_coefficients(
    heads: Sequence[LabelledHead], of_head: OfHead, tie: float = TIE, report: Report = print
) -> Coefficients:
    """The coefficients for these heads (calibration/coefficients.py). UnsuitedHeads unless they show both classes."""

    def tables() -> Iterator[HeadTable]:
        for head in heads:
            yield tabulate(of_head(head), head.labels, head.stroke)
            report(f"head {head.name}")

    return choose(tables(), tie=tie)


def calibrate_classifier(
    windows: Windows,
    coefficients: Mapping[Plane, float],
    heads: Sequence[LabelledHead],
    of_head: OfHead,
    compute: Compute,
    weights: Sequence[float] | None = None,
) -> Classifier:
    """Class cut-offs, for which heads count by their `weights` (None: alike), and the rule of areas.

    UnsuitedHeads where all have the same evidence.
    """
    spec = unclassified(windows, coefficients)
    closed = [_closed(head, of_head, spec, compute) for head in heads]
    rule = choose_area_rule(
        [HeadAreas.of(head.stroke, one.areas, head.labels) for head, one in zip(heads, closed, strict=True)]
    )
    weighed = list(zip(heads, closed, [1.0] * len(heads) if weights is None else weights, strict=True))
    cutoffs = choose_cutoffs([Evidence(head.stroke, one.means, w) for head, one, w in weighed], spec.voxel_cutoff)
    results = tuple(_result(head, one, rule, w) for head, one, w in weighed)
    spec = replace(spec, class_cutoffs=cutoffs.cutoffs, smallest_lesion_ml=rule.smallest_ml, area_cutoffs=rule.cutoffs)
    return Classifier(spec, cutoffs, rule, results)


@dataclass(frozen=True, slots=True, eq=False)
class _Closed:
    """One head's closed mask by its areas, and the mean of V by class."""

    areas: Mapping[StrokeClass, Areas]
    means: Mapping[StrokeClass, float]


def _closed(head: LabelledHead, of_head: OfHead, spec: Spec, compute: Compute) -> _Closed:
    fusion = fused(of_head(head), spec.coefficients)
    mask = labelled(fusion, spec, compute)
    voxel_ml = float(np.prod(head.spacing_mm)) / 1000
    areas = {stroke: Areas.of(stroke, mask, fusion.v, voxel_ml, spec.voxel_cutoff, compute) for stroke in StrokeClass}
    return _Closed(areas, evidence(fusion, spec, compute))


def _result(head: LabelledHead, closed: _Closed, rule: AreaRule, weight: float) -> HeadResult:
    masks = {
        stroke: areas.mask(areas.count(rule.smallest_ml, rule.cutoffs[stroke]))
        for stroke, areas in closed.areas.items()
    }
    own = None if head.stroke is None else dice(masks[head.stroke], head.labels == head.stroke.label)
    marked = {stroke: int(mask.sum()) for stroke, mask in masks.items()}
    return HeadResult(head.seed, head.stroke, own, marked, closed.means, weight)
