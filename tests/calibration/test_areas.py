from __future__ import annotations

import numpy as np

from calibration.areas import HeadAreas, choose_area_rule
from runtime.areas import Areas
from runtime.classification import StrokeClass

IS, IH = StrokeClass.IS, StrokeClass.IH


def head(stroke: StrokeClass | None, ml: float, evidence: float, *, true: bool = True) -> HeadAreas:
    """One area of the class (of IH in a healthy head), which touches the truth or does not."""
    labels = np.zeros((1, 1, 100), np.uint8)
    labels[..., : round(ml * 100)] = (stroke or IH).label
    v = np.full((2, *labels.shape), evidence, np.float32)
    areas = {one: Areas.of(one, labels, v, 0.01, 0.9) for one in StrokeClass}
    return HeadAreas.of(stroke, areas, labels if true else np.zeros_like(labels))


def test_specks_of_healthy_heads_go_by_their_size() -> None:
    rule = choose_area_rule([head(None, 0.12, 3.0), head(None, 0.18, 3.0), head(IS, 0.8, 3.0), head(IH, 0.9, 3.0)])
    assert (rule.smallest_ml, rule.right) == (0.2, 4)
    assert rule.cutoffs == {IS: 0.0, IH: 0.0}


def test_faint_areas_go_by_their_evidence() -> None:
    rule = choose_area_rule([head(None, 0.7, 1.15), head(IH, 0.9, 2.5), head(IS, 0.9, 1.1)])
    assert rule.cutoffs == {IS: 0.0, IH: 1.2}
    assert (rule.smallest_ml, rule.right) == (0.0, 3)


def test_no_stroke_is_given_up_for_healthy_heads() -> None:
    heads = [head(None, 0.4, 1.3), head(None, 0.4, 1.3), head(None, 0.4, 1.3), head(IH, 0.3, 1.2)]
    rule = choose_area_rule(heads)
    assert (rule.smallest_ml, rule.cutoffs, rule.right) == (0.0, {IS: 0.0, IH: 0.0}, 1)


def test_an_area_beside_the_truth_does_not_make_a_stroke_right() -> None:
    assert choose_area_rule([head(IH, 0.9, 3.0, true=False), head(None, 0.1, 3.0)]).right == 1


def test_nothing_marked_nothing_left_out() -> None:
    rule = choose_area_rule([head(None, 0.0, 0.0), head(IH, 0.9, 3.0)])
    assert (rule.smallest_ml, rule.cutoffs, rule.right) == (0.0, {IS: 0.0, IH: 0.0}, 2)
