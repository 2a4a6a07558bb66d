from __future__ import annotations

import sys
from pathlib import Path

import pytest

from training.curves import board, draw

HISTORY = [{"step": step, "loss": 1 / step, "score": 0.1 * step, "mean_iou": 0.05 * step} for step in (1, 2, 3)]


def test_the_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    said: list[str] = []
    draw(HISTORY, tmp_path / "curves.png", said.append)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not said


def test_tensorboards_events(tmp_path: Path) -> None:
    """After a kill, what an earlier process wrote of the steps that come again no longer shows."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for first, last, loss in ((1, 5, 1.0), (3, 4, 2.0)):
        with board(tmp_path, first, lambda line: None) as scalar:
            for step in range(first, last):
                scalar("loss", loss, step)
    events = EventAccumulator(str(tmp_path)).Reload().Scalars("loss")
    assert [(event.step, event.value) for event in events] == [(1, 1.0), (2, 1.0), (3, 2.0)]


def test_without_the_libraries_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("matplotlib.figure", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)
    said: list[str] = []
    draw(HISTORY, tmp_path / "curves.png", said.append)
    with board(tmp_path, 1, said.append) as scalar:
        scalar("loss", 1.0, 1)
    assert ["pip install matplotlib" in said[0], "pip install tensorboard" in said[1]] == [True, True]
    assert not list(tmp_path.iterdir())
