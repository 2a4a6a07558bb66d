from __future__ import annotations

import numpy as np
import pytest

from calibration.specks import LargestArea, choose_smallest
from runtime.classification import StrokeClass

IS, IH = StrokeClass.IS, StrokeClass.IH


def test_the_largest_area_that_counts() -> None:
    labels = np.array([[[2, 2, 2, 0, 2, 2, 0, 1, 0, 0]]], np.uint8)
    truth = np.array([[[0, 0, 0, 0, 0, 2, 2, 0, 0, 0]]], np.uint8)
    assert LargestArea.of(labels, truth, None, 0.1) == LargestArea(None, pytest.approx(0.3))
    assert LargestArea.of(labels, truth, IH, 0.1) == LargestArea(IH, pytest.approx(0.2))  # the larger one is elsewhere
    assert LargestArea.of(labels, np.zeros_like(truth), IS, 0.1) == LargestArea(IS, 0.0)
    assert LargestArea.of(np.zeros_like(labels), truth, None, 0.1) == LargestArea(None, 0.0)


def test_the_smallest_value_that_leaves_most_heads_right() -> None:
    healthy = [LargestArea(None, ml) for ml in (0.0, 0.12, 0.18)]
    assert choose_smallest([*healthy, LargestArea(IS, 4.0), LargestArea(IH, 1.0)]) == 0.2
    assert choose_smallest([LargestArea(None, 0.0), LargestArea(IH, 3.0)]) == 0.0


def test_a_stroke_weighs_as_much_as_a_healthy_head() -> None:
    heads = [LargestArea(None, 0.4), LargestArea(IS, 0.3), LargestArea(IH, 0.2)]
    assert choose_smallest(heads, (0.0, 0.1, 0.2, 0.45)) == 0.0


def test_what_no_value_can_leave_out_changes_nothing() -> None:
    assert choose_smallest([LargestArea(None, 7.0), LargestArea(IH, 3.0)]) == 0.0
