"""A killed run goes on as if nothing had happened: to the bit, on a processor."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import training.train
from runtime.planes import Plane
from tests.training.heads import toy_heads
from training.checkpoint import Checkpoint, load_checkpoint
from training.config import Optimiser, Recipe
from training.heads import save_head
from training.model import Width
from training.pace import Pace
from training.train import train

RECIPE = Recipe(
    plane=Plane.AXIAL,
    seed=3,
    width=Width.SMALL,
    steps=8,
    batch=2,
    crop=(64, 64),
    learning_rate=1e-3,
    validate_every=2,
    validation_stride=10,
)
HEADS, VALIDATION = toy_heads(3), toy_heads(3, first_seed=10)


class Killed(Exception):
    """The process ends here."""


def trained(run: Path, recipe: Recipe = RECIPE, kill_at: str | None = None) -> Checkpoint:
    """Train until a line of the report starts with `kill_at`."""

    def report(line: str) -> None:
        if kill_at is not None and line.startswith(kill_at):
            raise Killed

    return train(recipe, HEADS, VALIDATION, run, report)


def last_weights(run: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(run / "progress.pt", weights_only=True)["weights"]
    return weights


def assert_equal_runs(one: Path, other: Path) -> None:
    ours, theirs = last_weights(one), last_weights(other)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert (one / "log.jsonl").read_bytes() == (other / "log.jsonl").read_bytes()
    ours, theirs = (load_checkpoint(run / "best.pt").weights for run in (one, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("optimiser", list(Optimiser))
def test_a_resumed_run_equals_an_uninterrupted_one(optimiser: Optimiser, tmp_path: Path) -> None:
    recipe = replace(RECIPE, optimiser=optimiser)
    trained(tmp_path / "whole", recipe)
    for kill_at in ("step 2", "step 6"):  # before and after the first progress was kept
        with pytest.raises(Killed):
            trained(tmp_path / "killed", recipe, kill_at)
    trained(tmp_path / "killed", recipe)
    assert_equal_runs(tmp_path / "whole", tmp_path / "killed")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "done"
    trained(run)
    return run


def test_a_run_that_is_done_stays_as_it_is(done: Path) -> None:
    before = last_weights(done)
    assert trained(done).step == load_checkpoint(done / "best.pt").step
    assert all(torch.equal(before[name], weight) for name, weight in last_weights(done).items())


def test_the_log_has_a_line_for_each_validation(done: Path) -> None:
    lines = [json.loads(line) for line in (done / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 8]
    assert lines[0]["learning_rate"] == pytest.approx(1e-3 * 0.99977)
    best, top = load_checkpoint(done / "best.pt"), max(lines, key=lambda line: line["score"])
    assert (best.step, best.validation["score"]) == (top["step"], top["score"])


def test_another_recipe_or_other_heads_are_refused(done: Path) -> None:
    with pytest.raises(FileExistsError, match="another recipe"):
        trained(done, replace(RECIPE, steps=9))
    with pytest.raises(ValueError, match="other heads"):
        train(RECIPE, HEADS[:2], VALIDATION, done, lambda line: None)


def test_the_pace_counts_what_a_gpu_still_had_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU is given steps ahead; reading the losses for a report waits for it: 10 s, on a clock that else stands."""
    now = [0.0]
    mean = training.train._mean

    def late(losses: Sequence[torch.Tensor]) -> float:
        now[0] += 10.0
        return mean(losses)

    monkeypatch.setattr(training.train, "REPORT_EVERY", 4)
    monkeypatch.setattr(training.train, "_mean", late)
    monkeypatch.setattr(training.train, "Pace", lambda clock: Pace(lambda: now[0]))
    lines: list[str] = []
    train(replace(RECIPE, validate_every=8), HEADS, VALIDATION, tmp_path / "run", lines.append)
    assert [line.split("  ")[-1] for line in lines if "  loss" in line] == [
        "0.40 steps/s, 0.0% of it waiting for data"
    ] * 2


@pytest.mark.slow
def test_kill_9_and_the_same_command_again(tmp_path: Path) -> None:
    """Through the command line, batches made in a process of their own."""
    for purpose, heads in (("training", HEADS), ("validation", VALIDATION)):
        for head in heads:
            save_head(head, tmp_path / purpose / f"{head.seed}")
    config = tmp_path / "toy.toml"
    config.write_text(
        'width = "small"\nsteps = 60\nbatch = 2\ncrop = [64, 64]\nlearning_rate = 1e-3\nvalidate_every = 10\n'
        "validation_stride = 10\n"
    )
    command = [sys.executable, "-m", "training", "run", "--config", str(config), "--plane", "axial", "--seed", "3"]
    command += ["--heads", str(tmp_path / "training"), "--validation-heads", str(tmp_path / "validation")]
    command += ["--threads", "1", "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, capture_output=True)

    progress = tmp_path / "killed" / "toy-axial-3" / "progress.pt"
    with subprocess.Popen([*command, str(tmp_path / "killed")], stdout=subprocess.DEVNULL) as process:
        while not progress.exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert torch.load(progress, weights_only=True)["step"] < 60
    again = subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True, text=True)
    assert "going on after step" in again.stdout
    assert_equal_runs(tmp_path / "whole" / "toy-axial-3", progress.parent)
