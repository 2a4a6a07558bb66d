"""One fault at one system call of one process, injected by strace(1)."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.resilience.rig import Rig

CALLS = ("fsync", "fdatasync", "rename", "unlink", "unlinkat", "rmdir", "mkdir", "openat")
"""All by which the box makes something durable, visible, or away, as the C library calls them on x86-64 and arm64."""
_LINE = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (.*)$")


@dataclass(frozen=True)
class Call:
    """One line of a trace. `at` is its place among those of its name, from 1."""

    name: str
    at: int
    words: str
    result: str

    @property
    def is_injected(self) -> bool:
        return "INJECTED" in self.result


def traced(rig: Rig, root: Path, rounds: int, log: Path, inject: str = "") -> tuple[int, list[Call]]:
    """Run a box to its end under strace, perhaps with a fault: how it ended, and its calls up to then."""
    number = rig.stopped(root, rounds)
    expression = [f"trace={','.join(CALLS)}", *([f"inject={inject}"] if inject else [])]
    options = [word for one in expression for word in ("-e", one)]
    command = ["strace", "-f", "-y", "-qq", "-s", "256", "-o", str(log), *options, "-p", str(number)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as strace:
        while "\nTracerPid:\t0\n" in Path(f"/proc/{number}/status").read_text():
            assert strace.poll() is None, strace.stderr and strace.stderr.read()
        os.kill(number, signal.SIGCONT)
        status = rig.status()
        strace.wait(30)
    return status, _calls(log.read_text())


def _calls(text: str) -> list[Call]:
    counts: dict[str, int] = {}
    found = []
    for line in text.splitlines():
        if match := _LINE.match(line):
            name, words, result = match.groups()
            counts[name] = counts.get(name, 0) + 1
            found.append(Call(name, counts[name], words, result))
    return found
