from __future__ import annotations

from dataclasses import replace

import pytest

from calibration.classifier import Evidence, choose_cutoffs
from runtime.classification import StrokeClass

IS, IH = StrokeClass.IS, StrokeClass.IH


def evidence(stroke: StrokeClass | None, ischaemia: float, haemorrhage: float) -> Evidence:
    return Evidence(stroke, {IS: ischaemia, IH: haemorrhage})


def test_cutoffs_lie_midway_between_the_classes() -> None:
    heads = [
        evidence(None, 0.0, 0.0),
        evidence(None, 1.1, 1.0),
        evidence(IS, 1.5, 1.2),
        evidence(IS, 2.0, 0.0),
        evidence(IH, 1.0, 1.8),
        evidence(IH, 3.0, 2.5),  # both exceeded: a haemorrhage
    ]
    chosen = choose_cutoffs(heads, voxel_cutoff=0.9)
    assert chosen.accuracy == 1.0
    assert chosen.cutoffs == {IS: pytest.approx(1.3), IH: pytest.approx(1.5)}


def test_a_head_without_any_voxel_counts_as_at_the_voxel_cutoff() -> None:
    heads = [evidence(None, 0.0, 0.0), evidence(IS, 1.5, 0.0), evidence(IH, 0.0, 1.9)]
    chosen = choose_cutoffs(heads, voxel_cutoff=0.9)
    assert chosen.cutoffs == {IS: pytest.approx(1.2), IH: pytest.approx(1.4)}


def test_the_share_of_heads_called_right_is_counted() -> None:
    heads = [evidence(None, 2.0, 0.0), evidence(IS, 1.0, 0.0), evidence(IH, 0.0, 2.0), evidence(IS, 3.0, 0.0)]
    assert choose_cutoffs(heads, voxel_cutoff=0.9).accuracy == 0.75


def test_few_heads_of_more_weight_decide_the_cutoffs() -> None:
    faint = [evidence(IS, 1.2, 0.0)] * 3  # many, below a healthy head of the other kind
    other = [evidence(None, 1.4, 0.0), evidence(IS, 2.0, 0.0), evidence(IH, 0.0, 2.0)]
    alike = choose_cutoffs([*faint, *other, evidence(None, 0.0, 0.0)], voxel_cutoff=0.9)
    assert alike.cutoffs[IS] == pytest.approx(1.05)
    assert alike.accuracy == 6 / 7
    heavy = [replace(one, weight=4.0) for one in other]
    balanced = choose_cutoffs([*faint, *heavy, evidence(None, 0.0, 0.0)], voxel_cutoff=0.9)
    assert balanced.cutoffs[IS] == pytest.approx(1.7)
    assert balanced.accuracy == 4 / 7


def test_without_a_difference_there_is_nothing_to_choose() -> None:
    with pytest.raises(ValueError, match="nothing to choose from"):
        choose_cutoffs([evidence(None, 0.0, 0.0), evidence(IS, 0.0, 2.0)], voxel_cutoff=0.9)
