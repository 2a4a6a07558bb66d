"""What the memory tests see of processes: those begun by a child, too, and nothing, without an error, once they end."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from unittest.mock import patch

from tests.resilience import process_tree
from tests.resilience.process_tree import descendants, watched

HOLD = "held = bytes(range(256)) * (1 << 18); print(flush=True); input()"
"""Some 64 MiB."""
MOST_SECONDS = 60


def begins(script: str) -> str:
    """A script that runs another in a child, says the child's process id, and waits for it."""
    return f"""\
import subprocess, sys
with subprocess.Popen([sys.executable, "-c", {script!r}]) as child:
    print(child.pid, flush=True)
"""


def run(script: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_child_of_a_child_is_found_and_none_once_they_ended() -> None:
    with run(begins(begins("input()"))) as process:
        assert process.stdout is not None
        expected = {int(process.stdout.readline()), int(process.stdout.readline())}
        assert set(descendants(process.pid)) == expected
        process.communicate("\n", timeout=MOST_SECONDS)
    assert descendants(process.pid) == []


def test_the_memory_of_a_child_is_seen() -> None:
    with run(begins(HOLD)) as process, watched(process.pid) as peak:
        assert process.stdout is not None
        process.stdout.readline(), process.stdout.readline()
        deadline = time.monotonic() + MOST_SECONDS
        while peak.resident_bytes < 1 << 26 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.communicate("\n", timeout=MOST_SECONDS)
    assert 1 << 26 <= peak.resident_bytes < 1 << 28


def test_a_process_that_ends_while_it_is_looked_at_is_no_error() -> None:
    errors: list[threading.ExceptHookArgs] = []
    with patch.object(process_tree, "LOOK_SECONDS", 0), patch.object(threading, "excepthook", errors.append):
        for _ in range(300):
            with subprocess.Popen(["true"]) as process, watched(process.pid):
                process.wait(MOST_SECONDS)
    assert errors == []
