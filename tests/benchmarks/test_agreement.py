from __future__ import annotations

import numpy as np
import pytest

from benchmarks.agreement import Agreement, agreement_of, dice_by_class
from benchmarks.task import Evidence


def test_dice_by_hand() -> None:
    first = np.array([[[1, 1, 2, 0]]], np.uint8)
    second = np.array([[[1, 0, 0, 0]]], np.uint8)
    assert dice_by_class(first, second) == {"IS": pytest.approx(2 / 3), "IH": 0.0}
    assert dice_by_class(first * 0, second) == {"IS": 0.0, "IH": None}


def test_it_holds_only_if_dice_means_and_calls_do() -> None:
    labels = np.ones((1, 1, 2), np.uint8)
    good = agreement_of(
        Evidence("IS", {"IS": 1.5, "IH": 0.0}), labels, Evidence("IS", {"IS": 1.504, "IH": 0.0}), labels
    )
    assert good.mean_difference == {"IS": pytest.approx(0.004), "IH": 0.0}
    assert good.holds
    for dice, means, calls in (
        ({"IS": 0.998, "IH": None}, good.mean_difference, good.calls),
        (good.dice, {"IS": 0.0, "IH": 0.006}, good.calls),
        (good.dice, good.mean_difference, ("IS", "inconclusive")),
    ):
        assert not Agreement(dice, means, calls).holds
