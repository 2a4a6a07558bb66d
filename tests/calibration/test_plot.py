"""The picture of an evaluation: the right numbers at the right places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from calibration.evaluation import CLOSED, SERVED, THREE, Case, Score
from calibration.plot import DPI, INCHES, dice_of, draw_table
from calibration.rows import rows_of
from runtime.classification import Call, StrokeClass
from runtime.planes import Plane

IS, IH = StrokeClass.IS, StrokeClass.IH
AXIAL = "axial, P > 0.5"


def case(name: str, stroke: StrokeClass | None, alone: float | None, three: float | None) -> Case:
    """One network a plane, all planes alike."""
    scores = {f"{plane.value}, P > 0.5": (Score(alone, 0.0),) for plane in Plane}
    together = dict.fromkeys((THREE, CLOSED, SERVED), (Score(three, 0.0),))
    return Case(name, stroke, scores | together, Call.NONE, Call.NONE)


CASES = (
    case("1", IH, 0.5, 0.8),
    case("2", IH, 0.7, 0.6),
    case("3", IS, 0.1, 0.3),
    case("4", IS, None, 0.2),
    case("5", None, None, None),
)


def test_dice_by_head_of_those_that_have_one() -> None:
    assert dice_of(AXIAL, IH, CASES) == {"1": 0.5, "2": 0.7}
    assert dice_of(AXIAL, IS, CASES) == {"3": 0.1}
    assert dice_of(THREE, IS, CASES) == {"3": 0.3, "4": 0.2}


def test_points_lie_where_the_dice_are() -> None:
    rows = rows_of(CASES, np.random.default_rng(0))
    table, planes = draw_table(rows, CASES).axes
    points = [np.asarray(collection.get_offsets()).tolist() for collection in table.collections]
    assert len(points) == 2 * len(rows)  # by row, IH before IS
    assert points[0] == [pytest.approx((0.5, -0.2)), pytest.approx((0.7, -0.2))]
    three = [row.name for row in rows].index(THREE)
    assert points[2 * three + 1] == [pytest.approx((0.3, three + 0.2)), pytest.approx((0.2, three + 0.2))]
    assert [label.get_text() for label in table.get_yticklabels()] == [row.name for row in rows]
    diamonds = [np.asarray(line.get_xdata()).tolist() for line in table.lines if line.get_marker() == "D"]
    assert diamonds[:2] == [[pytest.approx(0.6)], [pytest.approx(0.1)]]

    pairs = [np.asarray(collection.get_offsets()).tolist() for collection in planes.collections]
    assert len(pairs) == 3 * 2  # by plane, IS before IH
    assert pairs[0] == [[0.1, 0.3]]  # head 4 has no Dice in the plane alone
    assert pairs[1] == [[0.5, 0.8], [0.7, 0.6]]


@pytest.mark.parametrize("cases", [CASES, CASES[:1], CASES[4:]], ids=["all", "one", "healthy only"])
def test_the_file_is_a_picture(cases: tuple[Case, ...], tmp_path: Path) -> None:
    draw_table(rows_of(cases, np.random.default_rng(0)), cases).savefig(tmp_path / "table.png")
    with Image.open(tmp_path / "table.png") as picture:
        assert picture.size == tuple(round(inches * DPI) for inches in INCHES)
        assert len(picture.convert("L").getcolors() or ()) > 2
