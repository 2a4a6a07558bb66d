from __future__ import annotations

from typing import Any

from export.calibration_card import calibration_lines
from tests.export.test_bundle import CALIBRATION


def head(seed: int | None, stroke: str | None, ischaemia: float, haemorrhage: float, **more: Any) -> dict[str, Any]:
    """Class cut-offs are 1.2 and 1.5."""
    means, marked = {"IS": ischaemia, "IH": haemorrhage}, {"IS": 0, "IH": int(haemorrhage > 1)}
    return {"seed": seed, "stroke": stroke, "dice": None, "marked_voxels": marked, "means": means, **more}


MANY = [
    head(11, None, 0.0, 0.0, weight=0.5),
    head(12, None, 1.3, 0.0, weight=0.5),
    head(13, "IS", 1.3, 0.0, dice=0.25, weight=0.5),
    head(14, "IS", 1.3, 1.6, dice=0.75, weight=0.5),
]
FEW = [head(3, None, 0.0, 1.4, weight=2.0), head(2, "IH", 1.3, 1.6, dice=0.5, weight=2.0)]


def test_heads_of_each_weight_have_a_line_with_every_class() -> None:
    lines = calibration_lines({**CALIBRATION, "heads": [*MANY, *FEW]})
    assert "| 4, seeds 11 to 14 | 1 of 2 | 1 of 2 |  | 2 of 2 | 0.500 |  |" in lines
    assert "| 2, seeds 2 to 3 | 1 of 1 |  | 1 of 1 | 0 of 1 |  | 0.500 |" in lines
    assert (
        "- for the choice of the class cut-offs, the 4 and 2 heads in the lines below weighed the same together"
        in lines
    )


def test_the_choice_and_the_pixels_are_told() -> None:
    lines = calibration_lines({**CALIBRATION, "pixel_mm": 0.9})
    tie = "- coefficients are, of those whose mean three-class Dice is within 0.03 of the best,"
    assert tie in lines
    assert "- pixels below two thirds of this are averaged to about it: 0.9 mm" in lines
    assert not any("pixels" in line for line in calibration_lines(CALIBRATION))


def test_three_kinds_of_heads_are_listed() -> None:
    lines = calibration_lines({**CALIBRATION, "heads": [*MANY, *FEW, head(20, "IS", 1.3, 0.0, weight=3.0)]})
    assert any("the 4, 2 and 1 heads in the lines below weighed the same together" in line for line in lines)


def test_heads_of_one_weight_and_of_older_records_have_one_line() -> None:
    for heads in (MANY, [{key: one[key] for key in one if key != "weight"} for one in MANY]):
        lines = calibration_lines({**CALIBRATION, "heads": heads})
        assert [line for line in lines if line.startswith("| 4")] == [
            "| 4, seeds 11 to 14 | 1 of 2 | 1 of 2 |  | 2 of 2 | 0.500 |  |"
        ]
        assert not any("weighed" in line for line in lines)


def test_of_patients_their_number_is_told() -> None:
    (line,) = (
        line for line in calibration_lines({**CALIBRATION, "heads": [head(None, "IH", 0.0, 2.0)]}) if line[:3] == "| 1"
    )
    assert line == "| 1 |  |  | 1 of 1 |  |  |  |"
