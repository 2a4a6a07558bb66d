"""What a bundle says of the heads it was made with, and what it never says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from export.__main__ import main
from export.material import golden_heads, what_on, without_order
from export.model_card import model_card
from runtime.classification import StrokeClass
from runtime.errors import UsageError
from runtime.planes import Plane
from tests.export.test_bundle import CALIBRATION
from tests.training.heads import toy_heads
from training.checkpoint import Checkpoint
from training.config import Recipe
from training.generators import GENERATOR, Generator, generators_of, sign
from training.heads import LabelledHead, save_head
from training.material import Material
from training.model import Width
from training.released import Released
from training.run import put

PHANTOMS = toy_heads(3, first_seed=7)
PATIENTS = tuple(replace(head, seed=None, patient=name) for head, name in zip(PHANTOMS, "xyx", strict=True))
"""x has two heads, of thin and of thick slices."""
PIXELS, WORDS = (0.5, 0.5), "; pixels of 0.50 to 0.50 mm"
COHORT = Generator("ab" * 32, "cohort", "cd" * 32)
VALIDATION: dict[str, Any] = {"mean_iou": 0.5, "iou_by_class": {"IS": 0.4, "IH": 0.6}, "healthy_voxels": [0, 3]}


@pytest.mark.parametrize(
    ("heads", "material", "words"),
    [
        (PHANTOMS, Material(3, (7, 9), 0, PIXELS), f"3 synthetic heads, seeds 7 to 9{WORDS}"),
        (PATIENTS, Material(0, None, 2, PIXELS), f"heads of 2 patients{WORDS}"),
        (
            (*PHANTOMS, PATIENTS[0]),
            Material(3, (7, 9), 1, PIXELS),
            f"3 synthetic heads, seeds 7 to 9, and heads of 1 patient{WORDS}",
        ),
    ],
)
def test_what_heads_are(heads: tuple[LabelledHead, ...], material: Material, words: str) -> None:
    assert Material.of(heads) == material
    assert str(material) == words
    assert Material.from_json(json.loads(json.dumps(material.as_json()))) == material


def test_phantoms_say_what_made_them(tmp_path: Path) -> None:
    sign(tmp_path / "a", COHORT)
    sign(tmp_path / "a", COHORT)  # and more of the same
    sign(tmp_path / "b", Generator("ab" * 32, "cohort"))
    (tmp_path / "c").mkdir()  # of patients
    made = generators_of([tmp_path / name for name in "aabc"])
    assert made == (COHORT, Generator("ab" * 32, "cohort"))
    material = Material.of(PHANTOMS, made[:1])
    assert str(material).endswith("; cohort difficulty, generator abababababab, from the head of SHA-256 cdcdcdcdcdcd")
    assert Material.from_json(json.loads(json.dumps(material.as_json()))) == material
    assert Material.of_calibration({"material": material.as_json(), "heads": []}) == material
    with pytest.raises(UsageError, match="another generator"):
        sign(tmp_path / "a", replace(COHORT, donor=None))
    (tmp_path / "b" / GENERATOR).write_text("{}")
    with pytest.raises(UsageError, match="can't be read"):
        generators_of([tmp_path / "b"])


def test_the_card_says_what_was_seen_in_training() -> None:
    assert "were hardly or never seen" in card(Material(3, (7, 9), 0), 9)
    cohort = card(Material(3, (7, 9), 0, PIXELS, (COHORT,)), 9)
    assert "were hardly or never seen" not in cohort
    assert "(docs/cohort.md); metal" in cohort
    assert "Some of the synthetic heads have the anatomy of a real head" in cohort
    assert "anatomy of a real head" not in card(Material(3, (7, 9), 0, PIXELS, (replace(COHORT, donor=None),)), 9)


def test_a_record_of_the_first_releases_tells_seeds_alone() -> None:
    assert Material.from_json([100_000, 100_095]) == Material(None, (100_000, 100_095), 0)
    assert str(Material.from_json([1, 2])) == "synthetic heads, seeds 1 to 2"


def test_no_heads_and_phantoms_without_seeds_are_none() -> None:
    with pytest.raises(ValueError, match="no head"):
        Material.of([])
    with pytest.raises(ValueError, match="phantoms have seeds"):
        Material(3, None, 0)


def test_one_phrase_for_all() -> None:
    synthetic, patients = Material(1, (1, 1), 0), Material(0, None, 1)
    assert what_on([synthetic]) == "synthetic heads (phantom/); no images of patients"
    assert what_on([patients, patients]) == "heads of patients"
    assert what_on([synthetic, patients]) == "synthetic heads (phantom/) and heads of patients"


def test_golden_cases_are_of_phantoms_the_most_of_each_class() -> None:
    assert [head.name for head in golden_heads([*PATIENTS, *PHANTOMS])] == ["7", "8"]
    more = [head for head in toy_heads(12) if head.stroke is StrokeClass.IH]
    most = max(more, key=lambda head: (head.labels == StrokeClass.IH.label).sum())
    assert len({(head.labels > 0).sum() for head in more}) > 1
    assert [head.name for head in golden_heads([PHANTOMS[0], *more])] == ["7", most.name]
    with pytest.raises(UsageError, match=r"No synthetic head with IS or IH .* give --golden-heads DIR"):
        golden_heads(PATIENTS)


def test_patients_figures_stand_in_an_order_of_their_own() -> None:
    dice: list[dict[str, Any]] = [{"seed": None, "dice": 0.5}, {"seed": 3, "dice": 0.1}, {"seed": None, "dice": 0.2}]
    assert without_order(dice) == [dice[1], dice[2], dice[0]]


def card(
    material: Material, calibrated_on: int | None, released: Released | None = None, continues: str | None = None
) -> str:
    checkpoint = Checkpoint(Recipe(Plane.AXIAL, seed=1, continues=continues), {}, 500, VALIDATION, released)
    (head,) = CALIBRATION["heads"]
    calibration = {**CALIBRATION, "heads": [{**head, "seed": calibrated_on}]}
    return model_card("x", "1", [checkpoint], calibration, {"training": material}, provisional=False)


def test_the_card_says_which_heads_and_what_follows() -> None:
    synthetic = card(Material(3, (7, 9), 0), 9)
    assert "Trained on synthetic heads only" in synthetic
    assert "1 synthetic head, seed 9." in synthetic
    for calibrated_on in (None, 9):
        patients = card(Material(0, None, 12), calibrated_on)
        assert "- training: heads of 12 patients" in patients
        assert "synthetic heads only" not in patients
    assert "`training/runs` says which" not in synthetic
    assert "`training/runs` says which" in card(Material(3, (7, 9), 0), 9, continues="first 0.1, axial-0.onnx")
    assert "Heads of 1 patient." in card(Material(3, (7, 9), 0), None)
    assert "synthetic heads only" not in card(Material(3, (7, 9), 0), None)


def test_the_card_tells_where_networks_were_trained_in_different_ways() -> None:
    one = Recipe(Plane.AXIAL, seed=1, validation_stride=8)
    other = replace(one, width=Width.SMALL, scse=True, batch=16, dice_weight=0.5, validation_stride=1)

    def of(*recipes: Recipe) -> str:
        checkpoints = [Checkpoint(recipe, {}, 500, VALIDATION) for recipe in recipes]
        return model_card("x", "1", checkpoints, CALIBRATION, {"training": Material(3, (7, 9), 0)}, provisional=False)

    same, mixed = of(one, one), of(one, other, replace(one, plane=Plane.CORONAL))
    assert "\nDPN-Unet of width `dpn92`, input windows [0, 80] HU.\n" in same
    assert "\n- rmsprop, focal loss\n" in same
    assert "\naxial-0, coronal-0: DPN-Unet of width `dpn92`, input windows [0, 80] HU.\n" in mixed
    scse = "squeeze and excitation (scSE) after each encoder stage"
    assert f"\naxial-1: DPN-Unet of width `small`, input windows [0, 80] HU, {scse}.\n" in mixed
    losses = "\n- axial-0, coronal-0: rmsprop, focal loss\n- axial-1: rmsprop, focal loss + 0.5 soft Dice\n"
    assert losses in mixed
    assert "\n| axial-0 | 1 | 12 | 0.0001 | 20000 | 500 | 1 of 8 | 0.500 | 0.400 | 0.600 | 1 of 2 |\n" in mixed
    assert "\n| axial-1 | 1 | 16 | 0.0001 | 20000 | 500 | 1 of 1 | 0.500 | 0.400 | 0.600 | 1 of 2 |\n" in mixed


def test_the_card_tells_what_a_released_bundle_said() -> None:
    old = Released("first 0.1", "0" * 64, "models/axial-0.onnx", {"training": [100, 195]}, ("scse",))
    text = card(Material(3, (7, 9), 0), 9, old)
    assert "taken back from the bundle first 0.1" in text
    assert "  - training: synthetic heads, seeds 100 to 195" in text
    assert "older than these settings: scse" in text
    theirs = replace(old, heads={"training": Material(0, None, 5).as_json()})
    assert "Made with heads of patients and synthetic ones" in card(Material(3, (7, 9), 0), 9, theirs)


def test_the_command_says_what_to_give(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    put(run, Checkpoint(Recipe(Plane.AXIAL, seed=1), {}, 500, VALIDATION))
    (tmp_path / "calibration.json").write_text(json.dumps(CALIBRATION))
    for head in PATIENTS[:2]:
        save_head(head, tmp_path / "heads" / head.name)
    words = ["bundle", "--runs", str(run), "--calibration", str(tmp_path / "calibration.json"), "--name", "x"]
    words += ["--version", "1", "--serial", "1", "--out", str(tmp_path / "out")]
    heads = str(tmp_path / "heads")
    for more, told in (
        ([], "Give --heads"),
        (["--heads", heads], "Give --validation-heads"),
        (["--heads", heads, "--validation-heads", heads], "prepare-phantoms validation 4 --out DIR"),
    ):
        assert main([*words, *more]) == 2
        assert told in capsys.readouterr().err
    (tmp_path / "older.json").write_text(json.dumps({key: CALIBRATION[key] for key in CALIBRATION if key != "tie"}))
    older = [*words[:4], str(tmp_path / "older.json"), *words[5:]]
    assert main([*older, "--heads", heads, "--validation-heads", heads, "--golden-heads", heads]) == 2
    assert "lacks tie: give what this version's `calibration run` wrote" in capsys.readouterr().err
    assert main([*words[:2], str(tmp_path / "elsewhere"), *words[3:]]) == 2
    assert "give folders that `python -m training run` wrote" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
