"""R1: a full scan is the truth. What arrives while nobody looks is found all the same."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.resilience.kills import Service

DROPS, FILES = 20, 1_000


@pytest.mark.slow
def test_twenty_thousand_files_while_the_intake_is_stopped(tmp_path: Path) -> None:
    service = Service(tmp_path)
    try:
        deadline = time.monotonic() + 60
        while "intake" not in (running := service.processes()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        (intake,) = running["intake"]
        os.kill(intake, signal.SIGSTOP)
        for drop in range(DROPS):
            folder = tmp_path / f"inbox/drop{drop}"
            folder.mkdir()
            for number in range(FILES):
                (folder / f"{number}.txt").write_text(f"{drop} {number}")
        os.kill(intake, signal.SIGCONT)
        deadline = time.monotonic() + 300
        while len(found := list((tmp_path / "results").glob("*/result.json"))) < DROPS:
            assert time.monotonic() < deadline
            time.sleep(0.5)
    finally:
        service.end()
    messages = [json.loads(path.read_text())["reason"]["message"] for path in found]
    assert len(messages) == DROPS
    assert all(f"Found: {FILES} files." in message for message in messages)
    assert not list((tmp_path / "inbox").iterdir())
