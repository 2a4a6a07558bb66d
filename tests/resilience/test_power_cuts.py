"""R7, R10, in short; `python -m tests.resilience.power_cuts` runs it in full."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements import require_root
from tests.resilience.cut_disk import cut_disk
from tests.resilience.power_cuts import run_cuts


@pytest.fixture
def memory() -> Iterator[Path]:
    require_root("mount", "mkfs.ext4")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def test_what_was_not_flushed_is_gone_and_what_was_is_there(memory: Path) -> None:
    with cut_disk(memory) as disk:
        with (disk.place / "flushed").open("wb") as file:
            file.write(b"1")
            file.flush()
            os.fsync(file.fileno())
        (disk.place / "forgotten").write_bytes(b"1")
        disk.cut()
        with pytest.raises(OSError, match="Input/output"):
            (disk.place / "later").write_bytes(b"1")
        disk.restart()
        assert (disk.place / "flushed").read_bytes() == b"1"
        assert not (disk.place / "forgotten").exists()


@pytest.mark.slow
def test_fifty_cuts_lose_nothing(memory: Path) -> None:
    figures = run_cuts(memory, 50, seed=1)
    assert figures.is_clean, figures
    assert figures.cuts == 50
    assert 0 < figures.published < figures.taken < 50
