"""From trained networks and labelled heads to the numbers of the manifest, and how they do on those same heads.

Every head's probabilities are computed once and kept on disk (250 MB a head); coefficients are chosen from their
tables, cut-offs from the V that those coefficients give, and which areas count from the closed masks. V, mask, closing
and areas are the runtime's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from calibration.areas import AreaRule, HeadAreas, choose_area_rule
from calibration.classifier import ClassCutoffs, Evidence, choose_cutoffs
from calibration.coefficients import Coefficients, HeadTable, choose, tabulate
from calibration.probabilities import Probability, plane_probability
from runtime.areas import Areas
from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.compute import Compute
from runtime.engines.base import Ensemble
from runtime.fusion import Fusion, evidence, labelled
from runtime.planes import Plane
from runtime.windows import Windows
from training.heads import LabelledHead

CLOSING_RADIUS = 3
VOXEL_CUTOFF = 0.9
SLICE_SPACING_MM = 1.0
_UNCHOSEN = dict.fromkeys(StrokeClass, 1.0)
_EVERY_AREA = dict.fromkeys(StrokeClass, 0.0)


@dataclass(frozen=True, slots=True)
class HeadResult:
    """One calibration head under the chosen coefficients.

    dice: of its own class in the final mask, None for a healthy head; marked: voxels of the final mask, by class
    """

    seed: int | None
    stroke: StrokeClass | None
    dice: float | None
    marked: Mapping[StrokeClass, int]
    means: Mapping[StrokeClass, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What goes into the manifest, and what it was chosen from."""

    spec: Spec
    coefficients: Coefficients
    cutoffs: ClassCutoffs
    heads: tuple[HeadResult, ...]
    area_rule: AreaRule

    def as_json(self) -> dict[str, Any]:
        """Plain values; the first seven keys are the manifest's."""
        return {
            "coefficients": {plane.value: k for plane, k in self.spec.coefficients.items()},
            "closing_radius": self.spec.closing_radius,
            "voxel_cutoff": self.spec.voxel_cutoff,
            "class_cutoffs": {stroke.value: cutoff for stroke, cutoff in self.spec.class_cutoffs.items()},
            "smallest_lesion_ml": self.spec.smallest_lesion_ml,
            "area_cutoffs": {stroke.value: cutoff for stroke, cutoff in self.spec.area_cutoffs.items()},
            "slice_spacing_mm": self.spec.slice_spacing_mm,
            "three_class_dice": round(self.coefficients.score, 4),
            "accuracy": round(self.cutoffs.accuracy, 4),
            "right_by_area_rule": self.area_rule.right,
            "heads": [
                {
                    "seed": head.seed,
                    "stroke": head.stroke.value if head.stroke else None,
                    "dice": None if head.dice is None else round(head.dice, 4),
                    "marked_voxels": {stroke.value: count for stroke, count in head.marked.items()},
                    "means": {stroke.value: round(mean, 4) for stroke, mean in head.means.items()},
                }
                for head in self.heads
            ],
        }


def calibrate(
    ensemble: Ensemble,
    windows: Windows,
    heads: Sequence[LabelledHead],
    compute: Compute,
    scratch: Path,
    report: Callable[[str], None] = print,
) -> Calibration:
    """Choose coefficients and cut-offs for the entered `ensemble`. ValueError unless the heads show both classes."""
    tables: list[HeadTable] = []
    for head in heads:
        for plane in Plane:
            np.save(_kept(scratch, head, plane), plane_probability(head.hu, plane, ensemble, windows))
        tables.append(tabulate(_probabilities(scratch, head), head.labels, head.stroke))
        report(f"head {head.name}")
    coefficients = choose(tables)
    spec = Spec(windows, SLICE_SPACING_MM, coefficients.k, CLOSING_RADIUS, VOXEL_CUTOFF, _UNCHOSEN, 0.0, _EVERY_AREA)
    closed = [_closed(head, _probabilities(scratch, head), spec, compute) for head in heads]
    rule = choose_area_rule(
        [HeadAreas.of(head.stroke, one.areas, head.labels) for head, one in zip(heads, closed, strict=True)]
    )
    cutoffs = choose_cutoffs(
        [Evidence(head.stroke, one.means) for head, one in zip(heads, closed, strict=True)], VOXEL_CUTOFF
    )
    results = tuple(_result(head, one, rule) for head, one in zip(heads, closed, strict=True))
    spec = replace(spec, class_cutoffs=cutoffs.cutoffs, smallest_lesion_ml=rule.smallest_ml, area_cutoffs=rule.cutoffs)
    return Calibration(spec, coefficients, cutoffs, results, rule)


def _kept(scratch: Path, head: LabelledHead, plane: Plane) -> Path:
    return scratch / f"{head.name}-{plane.value}.npy"


def _probabilities(scratch: Path, head: LabelledHead) -> dict[Plane, Probability]:
    return {plane: np.load(_kept(scratch, head, plane), mmap_mode="r") for plane in Plane}


def _voxel_ml(head: LabelledHead) -> float:
    return float(np.prod(head.spacing_mm)) / 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Closed:
    """One head's closed mask by its areas, and the mean of V by class."""

    areas: Mapping[StrokeClass, Areas]
    means: Mapping[StrokeClass, float]


def _closed(head: LabelledHead, probabilities: Mapping[Plane, Probability], spec: Spec, compute: Compute) -> _Closed:
    v = np.zeros((len(StrokeClass), *head.hu.shape), dtype=np.float32)
    votes = np.zeros(v.shape, dtype=np.bool_)
    for plane, probability in probabilities.items():
        v += probability / np.float32(spec.coefficients[plane])
        votes |= probability > np.float32(spec.coefficients[plane])
    fusion = Fusion(v, votes, dict.fromkeys(Plane, (0, 0)))
    mask = labelled(fusion, spec, compute)
    areas = {stroke: Areas.of(stroke, mask, v, _voxel_ml(head), spec.voxel_cutoff) for stroke in StrokeClass}
    return _Closed(areas, evidence(fusion, spec))


def _result(head: LabelledHead, closed: _Closed, rule: AreaRule) -> HeadResult:
    masks = {
        stroke: areas.mask(areas.count(rule.smallest_ml, rule.cutoffs[stroke]))
        for stroke, areas in closed.areas.items()
    }
    dice = None
    if head.stroke is not None:
        own, truth = masks[head.stroke], head.labels == head.stroke.label
        dice = 2 * float((own & truth).sum()) / float(own.sum() + truth.sum())
    marked = {stroke: int(mask.sum()) for stroke, mask in masks.items()}
    return HeadResult(head.seed, head.stroke, dice, marked, closed.means)
