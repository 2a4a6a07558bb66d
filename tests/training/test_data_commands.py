from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from runtime.classification import StrokeClass
from tests.training.heads import toy_heads
from training.cohort import load_cohort
from training.comparison import compare, table
from training.data_commands import add_to
from training.heads import save_head
from training.interpolation import Interpolation


def run(*words: object) -> None:
    parser = argparse.ArgumentParser()
    add_to(parser.add_subparsers(required=True))
    arguments = parser.parse_args([str(word) for word in words])
    arguments.call(arguments)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A table of twenty healthy patients whose folders hold no images."""
    lines = ["pseudonym,class,scans,labels,added_after_errors"]
    for number in range(20):
        (tmp_path / f"p{number:02}").mkdir()
        lines.append(f"p{number:02},none,p{number:02},,")
    (tmp_path / "patients.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_a_cohort_is_drawn_once_and_then_kept(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = site / "patients.csv", site / "cohort.json"
    run("cohort", table, "--out", out, "--seed", 3, "--names", "Bleeding=IH", "a=b=none")
    assert capsys.readouterr().out.split() == ["training", "18", "validation", "2"]
    first = load_cohort(out)
    assert first.names == {"Bleeding": StrokeClass.IH, "a=b": "none"}
    (site / "p20").mkdir()
    table.write_text(table.read_text(encoding="utf-8") + "\np20,none,p20,,\n", encoding="utf-8")
    run("cohort", table, "--out", out, "--seed", 3)
    assert load_cohort(out).members[:20] == first.members
    assert load_cohort(out).names == first.names


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seed", "4"], "drawn with --seed 3 --folds 6"),
        (["--seed", "3", "--names", "Bleeding=XX"], "NAME=IS"),
    ],
)
def test_mistakes_end_with_a_sentence(
    site: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    run("cohort", site / "patients.csv", "--out", site / "cohort.json", "--seed", 3)
    with pytest.raises(SystemExit) as ended:
        run("cohort", site / "patients.csv", "--out", site / "cohort.json", *words)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.slow
def test_a_preparation_without_a_single_head_fails(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "patients.csv").write_text(
        "pseudonym,class,scans,labels,added_after_errors\np00,none,p00,,\n", encoding="utf-8"
    )
    run("cohort", site / "patients.csv", "--out", site / "cohort.json")
    with pytest.raises(SystemExit) as ended:
        run("prepare", site / "cohort.json", "--out", site / "heads", "--processes", 1)
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert "p00 skipped: NO_IMAGES" in told.err
    assert "1 patient skipped:" in told.out
    assert json.loads((site / "heads/summary.json").read_text(encoding="utf-8"))["counts"]["patients"] == 0


def test_both_interpolations_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On balls of 9 voxels, flattened by their spacing."""
    heads = toy_heads(3)
    for head in heads:
        save_head(head, tmp_path / head.name)
    run("compare-interpolation", "--heads", tmp_path)
    found = [one for head in heads[:2] for one in compare(head)]
    assert capsys.readouterr().out.strip() == table(found)
    assert [(one.stroke, one.method) for one in found] == [(s, m) for s in StrokeClass for m in Interpolation]
    assert all(0.8 < one.dice < 1 for one in found)
    assert found[1].dice > found[0].dice
