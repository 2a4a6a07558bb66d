"""The commands on files, with the toy bundle: networks that mark as IH what is brighter than any bone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from calibration.__main__ import main
from calibration.record import Record
from calibration.unsuited import UnsuitedHeads
from runtime.bundle import open_bundle
from runtime.classification import StrokeClass
from tests.calibration.test_ensemble import write_run
from tests.toy_bundle import PLANTED_HU, write_toy_bundle
from training.heads import LabelledHead, save_head


@pytest.fixture
def heads(tmp_path: Path) -> Path:
    """One of each class; only the haemorrhage can be seen."""
    for seed, stroke in enumerate((StrokeClass.IS, StrokeClass.IH, None), start=1):
        hu = np.full((4, 32, 32), 30, np.int16)
        labels = np.zeros(hu.shape, np.uint8)
        if stroke is not None:
            labels[1:3, 8:20, 8:20] = stroke.label
        if stroke is StrokeClass.IH:
            hu[labels > 0] = PLANTED_HU
        save_head(LabelledHead(seed, stroke, (1.0, 0.5, 0.5), hu, labels), tmp_path / "heads" / str(seed))
    return tmp_path / "heads"


def test_a_bundle_is_evaluated_by_its_own_numbers(
    heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = write_toy_bundle(tmp_path / "toy"), tmp_path / "table"
    assert main(["evaluate", "--bundle", str(bundle), "--heads", str(heads), "--out", str(out)]) == 0
    table = (out / "table.md").read_text(encoding="utf-8")
    assert table in capsys.readouterr().out
    assert "| three projections | 1.000 | 0.000 | 0.500 ± 0.707 [0.000, 1.000] |  | 0.00 | 1 of 1 |" in table
    assert "Right: 2 of 3." in table
    assert {path.name for path in out.iterdir()} == {
        *("table.md", "table.csv", "table.png", "patients.csv", "evaluation.json"),
    }
    record = Record.from_json(json.loads((out / "evaluation.json").read_text()))
    assert (record.bundle, record.manifest_sha256) == ("toy 1.0", open_bundle(bundle).manifest_sha256)
    assert str(record.heads) == "3 synthetic heads, seeds 1 to 3; pixels of 0.50 to 0.50 mm"
    assert (record.evaluation.right, record.evaluation.heads) == (2, 3)


def test_coefficients_are_recorded(heads: Path, tmp_path: Path) -> None:
    bundle, out = write_toy_bundle(tmp_path / "toy"), tmp_path / "c.json"
    assert main(["coefficients", "--bundle", str(bundle), "--heads", str(heads), "--out", str(out)]) == 0
    document = json.loads(out.read_text())
    assert set(document["coefficients"]) == {"axial", "coronal", "sagittal"}
    assert document["three_class_dice"] == pytest.approx(2 / 3, abs=0.05)  # IH and the background, not IS


def test_heads_are_calibrated_and_evaluated_with_the_pixels_of_the_document(heads: Path, tmp_path: Path) -> None:
    """Pixels of 0.5 mm in blocks of two; half of the blocks of a thinned haemorrhage are no lesion then."""
    hu = np.full((4, 32, 32), 30, np.int16)
    labels = np.zeros(hu.shape, np.uint8)
    labels[1:3, 8:20, 8:20] = labels[1:3, 8:20, 20] = StrokeClass.IH.label
    hu[1:3, 8:20, 8:20] = PLANTED_HU
    save_head(LabelledHead(5, StrokeClass.IH, (1.0, 0.5, 0.5), hu, labels), heads / "5")
    bundle, out, table = write_toy_bundle(tmp_path / "toy"), tmp_path / "c.json", tmp_path / "table"
    words = ["coefficients", "--bundle", str(bundle), "--heads", str(heads), "--out", str(out)]
    assert main([*words, "--pixel-mm", "1.0"]) == 0
    document = json.loads(out.read_text())
    assert document["pixel_mm"] == 1.0
    whole = json.loads((bundle / "manifest.json").read_text())
    out.write_text(json.dumps({**whole, **document}))
    words = ["evaluate", "--bundle", str(bundle), "--calibration", str(out), "--heads", str(heads), "--out", str(table)]
    assert main(words) == 0
    found = {row.split(",")[0]: row for row in (table / "patients.csv").read_text().splitlines()}
    assert main([word if word != str(out) else str(bundle / "manifest.json") for word in words]) == 0
    assert found != {row.split(",")[0]: row for row in (table / "patients.csv").read_text().splitlines()}


def test_heads_that_nothing_can_be_chosen_from_are_refused(
    heads: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, out = write_toy_bundle(tmp_path / "toy"), tmp_path / "c.json"
    assert main(["classifier", "--bundle", str(bundle), "--heads", str(heads), "--out", str(out)]) == 2
    assert "These heads won't do: all heads have the same evidence of IS" in capsys.readouterr().err
    assert not out.exists()


def test_each_folder_weighs_the_same_where_asked(heads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, out, other = write_toy_bundle(tmp_path / "toy"), tmp_path / "c.json", tmp_path / "other"
    other.mkdir()
    (heads / "2").rename(other / "2")
    seen: list[object] = []

    def choose(*arguments: object) -> None:
        seen.append(arguments[-1])
        raise UnsuitedHeads("seen")

    monkeypatch.setattr("calibration.__main__.calibrate_classifier", choose)
    words = ["classifier", "--bundle", str(bundle), "--heads", str(heads), str(other), "--out", str(out)]
    assert main(words) == main([*words, "--balanced"]) == 2
    assert seen == [[1.0, 1.0, 1.0], [0.75, 0.75, 1.5]]


def test_a_whole_run_takes_the_tie_that_it_is_given(
    heads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ties: list[object] = []

    def choose(*arguments: object) -> None:
        ties.append(arguments[-1])
        raise UnsuitedHeads("seen")

    monkeypatch.setattr("calibration.__main__.calibrate", choose)
    words = ["run", "--bundle", str(write_toy_bundle(tmp_path / "toy")), "--heads", str(heads), "--out", "c.json"]
    assert main(words) == main([*words, "--tie", "0.03"]) == 2
    assert ties == [0.01, 0.03]


def test_an_ensemble_is_recorded(tmp_path: Path) -> None:
    runs = [str(write_run(tmp_path / name, [(iou, iou)])) for name, iou in (("a", 0.4), ("b", 0.6), ("c", 0.5))]
    assert main(["ensemble", *runs, "--best", "2", "--out", str(tmp_path / "axial.json")]) == 0
    assert json.loads((tmp_path / "axial.json").read_text())["chosen"] == [runs[1], runs[2]]


def test_readers_are_those_of_the_paper_unless_a_file_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["readers"]) == 0
    assert "| radiologist 10 | 19 | 180 | 89.4% |" in capsys.readouterr().out
    assert main(["readers", str(tmp_path / "missing.csv")]) == 2
    assert "give a CSV file in UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "--bundle", "b", "--models", "m"], "a bundle has its own"),
        (["evaluate", "--runs", "r"], "--runs need --calibration"),
        (["classifier", "--bundle", "b"], "manifest.json can't be read"),
    ],
)
def test_options_that_do_not_fit_say_so(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--heads", "h", "--out", "o"]) == 2
    assert message in capsys.readouterr().err
