"""What the memory tests see of processes: those begun by a child, too, and nothing, without an error, once they end."""

from __future__ import annotations

import subprocess
import sys
import threading
from unittest.mock import patch

from tests.resilience import process_tree
from tests.resilience.process_tree import descendants, watched

BEGIN_ANOTHER = """\
import subprocess, sys
with subprocess.Popen([sys.executable, "-c", "input()"]) as child:
    print(child.pid, flush=True)
"""
HOLD = "held = bytes(range(256)) * (1 << 18); print(flush=True); input()"


def test_a_child_of_a_child_is_found_and_none_once_they_ended() -> None:
    script = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {BEGIN_ANOTHER!r}]))"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        youngest = int(process.stdout.readline())
        (child, found) = descendants(process.pid)
        assert found == youngest
        assert descendants(child) == [youngest]
        process.communicate("\n", timeout=60)
    assert descendants(process.pid) == []


def test_the_memory_of_a_child_is_seen() -> None:
    command = [sys.executable, "-c", HOLD]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        watched(process.pid) as peak,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        while peak.resident_bytes < 1 << 26:
            assert process.poll() is None
        process.communicate("\n", timeout=60)
        assert peak.resident_bytes < 1 << 28


def test_a_process_that_ends_while_it_is_looked_at_is_no_error() -> None:
    errors: list[threading.ExceptHookArgs] = []
    with patch.object(process_tree, "LOOK_SECONDS", 0), patch.object(threading, "excepthook", errors.append):
        for _ in range(300):
            with subprocess.Popen(["true"]) as process, watched(process.pid):
                process.wait(60)
    assert errors == []
