from __future__ import annotations

import numpy as np
import pytest

from calibration.dice import dice


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1, 1, 0, 0], [0, 1, 1, 1], 0.4),
        ([1, 1, 0, 0], [1, 1, 0, 0], 1.0),
        ([1, 1, 0, 0], [0, 0, 0, 0], 0.0),
        ([0, 0, 0, 0], [0, 0, 1, 0], 0.0),
        ([0, 0, 0, 0], [0, 0, 0, 0], None),
    ],
)
def test_dice_by_hand(one: list[int], other: list[int], expected: float | None) -> None:
    assert dice(np.array(one, bool), np.array(other, bool)) == expected
