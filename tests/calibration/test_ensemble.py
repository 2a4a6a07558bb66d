from __future__ import annotations

import json
from pathlib import Path

import pytest

from calibration.ensemble import Run, choose_runs, read_run
from runtime.errors import UsageError
from runtime.planes import Plane


def write_run(folder: Path, entries: list[tuple[float, float]], plane: Plane = Plane.AXIAL) -> Path:
    """A run's recipe and log; entries: score and IoU of each validation, every 500 steps."""
    folder.mkdir()
    (folder / "recipe.json").write_text(json.dumps({"plane": plane.value, "seed": 1}))
    lines = [
        json.dumps({"step": 500 * number, "score": score, "mean_iou": iou})
        for number, (score, iou) in enumerate(entries, start=1)
    ]
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_the_best_by_the_iou_of_the_weights_that_were_kept(tmp_path: Path) -> None:
    """Run b once had the highest IoU of all, with alarms in healthy heads: those weights are gone."""
    runs = [
        read_run(write_run(tmp_path / "a", [(0.5, 0.4), (0.6, 0.5), (0.6, 0.9)])),
        read_run(write_run(tmp_path / "b", [(0.3, 0.8), (0.7, 0.3)])),
        read_run(write_run(tmp_path / "c", [(0.8, 0.6)])),
    ]
    assert runs[0] == Run(str(tmp_path / "a"), Plane.AXIAL, 1000, 0.5, 0.6)
    choice = choose_runs(runs, 2)
    assert [Path(folder).name for folder in choice.as_json()["chosen"]] == ["c", "a"]
    assert [Path(run.folder).name for run in choice.runs] == ["c", "a", "b"]
    assert choice.as_json()["plane"] == "axial"
    assert f"| {tmp_path / 'c'} | 500 | 0.6000 | 0.8000 | yes |" in choice.markdown()
    assert f"| {tmp_path / 'b'} | 1000 | 0.3000 | 0.7000 |  |" in choice.markdown()


def test_runs_of_two_planes_are_no_ensemble(tmp_path: Path) -> None:
    runs = [read_run(write_run(tmp_path / plane.value, [(0.5, 0.5)], plane)) for plane in (Plane.AXIAL, Plane.CORONAL)]
    with pytest.raises(UsageError, match="choose for each plane by itself"):
        choose_runs(runs, 1)


@pytest.mark.parametrize("best", [0, 2])
def test_no_more_than_there_are(best: int) -> None:
    with pytest.raises(UsageError, match="--best must be 1 to 1"):
        choose_runs([Run("a", Plane.AXIAL, 500, 0.5, 0.5)], best)


def test_a_folder_that_is_no_run_says_which_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no validated run .* `python -m training run` wrote"):
        read_run(tmp_path)
    with pytest.raises(UsageError, match="holds no validated run"):
        read_run(write_run(tmp_path / "unvalidated", []))
