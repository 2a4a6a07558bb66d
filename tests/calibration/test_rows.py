from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from calibration.evaluation import CLOSED, SERVED, THREE, Case, Score
from calibration.record import Evaluation, Record
from calibration.rows import confusion, rows_of
from calibration.table import markdown, patients_csv, table_csv
from runtime.classification import Call, StrokeClass
from training.material import Material

IS, IH = StrokeClass.IS, StrokeClass.IH
AXIAL, EACH = "axial, P > 0.5", "axial, one of 2 networks, P > 0.5"


def case(
    stroke: StrokeClass | None,
    networks: tuple[float | None, float | None],
    three: float | None,
    call: Call = Call.NONE,
    served: Call | None = None,
    false_ml: float = 0.0,
) -> Case:
    """The averaged networks are as good as the first of them; nothing is gained by closing."""
    scores = {
        EACH: tuple(Score(dice, false_ml) for dice in networks),
        AXIAL: (Score(networks[0], false_ml),),
        **dict.fromkeys((THREE, CLOSED, SERVED), (Score(three, false_ml),)),
    }
    return Case("1", stroke, scores, call, served or call)


CASES = (
    case(IH, (0.6, 0.4), 0.8, Call.IH),
    case(IH, (0.8, 0.6), 0.9, Call.IS, false_ml=0.3),
    case(IS, (0.4, 0.0), 0.4, Call.NONE, Call.INCONCLUSIVE),
    case(IS, (None, None), None, Call.NONE),
    case(None, (None, None), None, Call.NONE),
    case(None, (None, None), None, Call.IS, false_ml=0.1),
)


def test_dice_by_class_and_of_all_patients_with_the_spread_of_networks() -> None:
    each, axial, three, *_ = rows_of(CASES, np.random.default_rng(0))
    assert (each.name, axial.name, three.name) == (EACH, AXIAL, THREE)
    means = {group: of_group.dice and of_group.dice.mean for group, of_group in axial.groups.items()}
    assert means == {"IH": pytest.approx(0.7), "IS": pytest.approx(0.4), "both": pytest.approx(0.6)}
    assert axial.groups["IH"].networks_sd is None
    both = each.groups["both"]
    assert both.dice is not None
    assert both.dice.mean == pytest.approx((0.5 + 0.7 + 0.2) / 3)
    assert both.networks_sd == pytest.approx(np.std([0.6, 1.0 / 3], ddof=1))


def test_empty_against_empty_is_left_out_and_counted() -> None:
    _, axial, *_ = rows_of(CASES, np.random.default_rng(0))
    assert [(group.patients, group.left_out) for group in axial.groups.values()] == [(2, 0), (1, 1), (3, 1)]


def test_a_group_without_patients_has_no_figure() -> None:
    axial = rows_of(CASES[:1], np.random.default_rng(0))[1]
    assert axial.groups["IS"].dice is None
    assert "| 0.600 | - | 0.600 |" in markdown(Evaluation((axial,), ((0,) * 3,) * 3, (0,) * 3))


def test_p_compares_the_three_projections_with_each_single_one() -> None:
    """0.8 and 0.9 against 0.6 and 0.8: of the four ways to sign two differences, two are as extreme."""
    by_name = {row.name: row for row in rows_of(CASES[:2], np.random.default_rng(0))}
    assert by_name[AXIAL].p == pytest.approx(0.5)
    assert [by_name[row].p for row in (THREE, CLOSED, SERVED)] == [None] * 3


def test_what_is_false_stands_beside() -> None:
    axial = rows_of(CASES, np.random.default_rng(0))[1]
    assert axial.false_ml == pytest.approx(0.3 / 4)
    assert (axial.healthy_empty, axial.healthy) == (1.0, 2)


def test_heads_of_different_networks_make_no_table() -> None:
    with pytest.raises(ValueError, match="the same networks"):
        rows_of([*CASES, Case("2", IS, {THREE: (Score(1.0, 0.0),)}, Call.IS, Call.IS)], np.random.default_rng(0))
    with pytest.raises(ValueError, match="needs heads"):
        rows_of([], np.random.default_rng(0))


def test_confusion_counts_truth_by_call() -> None:
    assert confusion(CASES).tolist() == [[1, 1, 0], [2, 0, 0], [0, 1, 1]]


def test_markdown_says_all_of_it() -> None:
    text = markdown(Evaluation.of(CASES, np.random.default_rng(0)))
    assert "| | DSC IH (2) | DSC IS (2) | DSC both (4) | p | other class, ml | healthy, empty |" in text
    assert "| 0.400; 1 left out | 0.600 ± 0.200 [" in text
    assert "; networks ± 0.189; 1 left out |" in text
    assert "| truth | called none | of them marked | called IS | called IH |" in text
    assert "| IS | 2 | 1 | 0 | 0 |" in text
    assert "| IH | 0 | 0 | 1 | 1 |" in text
    assert "Right: 2 of 6." in text
    assert (
        "It says 'no stroke detected' of at most 1 of the 4 heads with a stroke: of fewer where flags forbid it."
        in text
    )
    assert "no stroke detected" not in markdown(Evaluation.of(CASES[4:], np.random.default_rng(0)))


@pytest.mark.parametrize("cases", [CASES, CASES[:1], CASES[4:]], ids=["all", "one", "healthy only"])
def test_what_is_kept_makes_the_same_table(cases: tuple[Case, ...]) -> None:
    evaluation = Evaluation.of(cases, np.random.default_rng(0))
    record = Record("first 0.1", "0" * 64, Material(6, (1, 6), 0), evaluation)
    again = Record.from_json(json.loads(json.dumps(record.as_json())))
    assert again == record
    assert markdown(again.evaluation) == markdown(evaluation)


def test_a_tiny_p_is_not_told_as_nought() -> None:
    (row, *_), calls = rows_of(CASES, np.random.default_rng(0)), ((0,) * 3,) * 3
    for p, told in ((0.0001, "| 0.0001 |"), (0.00009, "| < 0.0001 |")):
        assert told in markdown(Evaluation((replace(row, p=p),), calls, (0,) * 3))


def test_csv_holds_every_group_and_every_patient() -> None:
    lines = list(csv.DictReader(table_csv(rows_of(CASES, np.random.default_rng(0))).splitlines()))
    assert len(lines) == 5 * 3
    assert (lines[4]["row"], lines[4]["group"], lines[4]["patients"], lines[4]["left_out"]) == (AXIAL, "IS", "1", "1")
    assert (lines[4]["dice_mean"], lines[4]["dice_sd"]) == ("0.4", "")
    patients = list(csv.DictReader(patients_csv(CASES).splitlines()))
    assert len(patients) == 6 * 6
    assert patients[1] == {
        "head": "1",
        "truth": "IH",
        "call": "IH",
        "served": "IH",
        "row": EACH,
        "network": "1",
        "dice": "0.4",
        "false_ml": "0.0",
    }
