from __future__ import annotations

from pathlib import Path

import pytest

from runtime.engines.sightings import FILE, Sightings
from tests.fake_cuda import CARD, ORIN


def test_the_last_gpu_is_remembered(tmp_path: Path) -> None:
    sightings = Sightings(tmp_path / "state")
    assert sightings.last() == ""
    for gpu in (ORIN, CARD, CARD):
        sightings.remember(gpu)
        assert Sightings(tmp_path / "state").last() == gpu.name


def test_what_can_not_be_kept_or_read_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    Sightings(tmp_path / "file").remember(ORIN)
    assert "can't be remembered" in caplog.text
    (tmp_path / FILE).write_bytes(b"\xff")
    assert Sightings(tmp_path).last() == ""
    Sightings(None).remember(ORIN)
    assert Sightings(None).last() == ""


def test_what_somebody_else_saw_counts_and_is_not_written(tmp_path: Path) -> None:
    Sightings(tmp_path / "other").remember(CARD)
    ours = Sightings(tmp_path / "ours", tmp_path / "other")
    assert ours.last() == CARD.name
    ours.remember(CARD)
    assert Sightings(tmp_path / "ours").last() == CARD.name
    ours.remember(ORIN)
    assert Sightings(tmp_path / "other").last() == CARD.name
