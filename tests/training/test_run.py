from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from runtime.planes import Plane
from training.checkpoint import load_checkpoint
from training.config import Recipe
from training.progress import Progress, save_progress
from training.run import PROGRESS, follow, held, keep, progress_in

RECIPE = Recipe(Plane.AXIAL, seed=1)
NAMES = {"training": ["1", "2"], "validation": ["3"]}


def progress(*scores: float) -> Progress:
    """After as many validations; the weights say how many."""
    history: tuple[dict[str, Any], ...] = tuple(
        {"step": step, "loss": 1 / step, "learning_rate": 1e-4, "score": score, "mean_iou": score}
        for step, score in enumerate(scores, start=1)
    )
    return Progress(RECIPE, NAMES, len(scores), {"w": torch.tensor([float(len(scores))])}, {}, {}, history)


def nothing(line: str) -> None:
    pass


def test_the_best_weights_are_kept_the_first_of_equals(tmp_path: Path) -> None:
    steps = []
    for scores in ((0.1,), (0.1, 0.3), (0.1, 0.3, 0.3), (0.1, 0.3, 0.3, 0.2)):
        keep(tmp_path, progress(*scores), nothing)
        steps.append(load_checkpoint(tmp_path / "best.pt").step)
    assert steps == [1, 2, 2, 2]
    assert load_checkpoint(tmp_path / "best.pt").validation == {"score": 0.3, "mean_iou": 0.3}


def test_killed_between_the_progress_and_what_follows_from_it(tmp_path: Path) -> None:
    keep(tmp_path, progress(0.1), nothing)
    save_progress(progress(0.1, 0.3), tmp_path / PROGRESS)
    again = progress_in(tmp_path, NAMES)
    assert again is not None
    follow(tmp_path, again, nothing)
    assert load_checkpoint(tmp_path / "best.pt").step == 2
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


def test_a_run_without_progress_is_not_overwritten(tmp_path: Path) -> None:
    keep(tmp_path, progress(0.1), nothing)
    (tmp_path / PROGRESS).unlink()
    with pytest.raises(FileExistsError, match="no progress"), held(tmp_path, RECIPE):
        pass


def test_two_processes_cant_hold_one_folder(tmp_path: Path) -> None:
    with held(tmp_path, RECIPE), pytest.raises(BlockingIOError, match="another process"), held(tmp_path, RECIPE):
        pass
    with held(tmp_path, RECIPE):
        pass
