"""Writes docs/resilience.md: what the appliance survives, which tests show it, and what was run in full.

`python tools/resilience.py`, whenever tests/resilience/survived.py or docs/resilience-figures.json change; a test
compares. `make resilience` runs everything and calls it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # tests are no part of the package

from tests.resilience.survived import REQUIREMENTS  # noqa: E402  # found by the line above

PAGE = ROOT / "docs/resilience.md"
FIGURES = ROOT / "docs/resilience-figures.json"
HEAD = """# Resilience

Made by `python tools/resilience.py` from [tests/resilience/survived.py](../tests/resilience/survived.py) and the
figures that `make resilience` leaves in [resilience-figures.json](resilience-figures.json); do not edit. `make test`
runs every test below, with fewer kills, cuts and mutants; what needs root skips without it, but not where
STROKEBOX_REQUIRE=root.

## Requirements

| | what | tests | not shown |
|---|---|---|---|
"""
RUNS = {
    "kills": "kill -9 of any of the service's processes at random moments, while studies arrive",
    "power cuts": "the disk's power cut at a random moment between inbox and result (ext4, shut down without its log)",
    "system calls": "a process killed at every fsync, fdatasync, rename, unlink, rmdir, mkdir, open; EIO at each flush",
    "full disks": "no room at every size and number of files from none to enough, for state and results",
    "burst": "20,000 files that arrive while the intake is stopped",
    "bombs": "what is made to exhaust or deceive, by `serve` and `analyse`, all processes below 1 GiB and 60 s",
    "updates": "kill -9 in the middle of an installation of engines: verified ones stay active",
    "flips": "each byte of manifest and signature, and so many of the toy bundle's four files, changed, one at a time",
    "soak": "studies through one intake and one worker: damaged ones, repeated ones, calls that fail, roles begun anew",
    "mutants": "mutated files of every form that is read, and of a real series",
}


def page() -> str:
    """The page's text."""
    rows = [
        f"| {one.number} | {one.what} | {'<br>'.join(map(_test, one.tests))} | {one.lacks} |" for one in REQUIREMENTS
    ]
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    runs = [f"| {name} | {what} | {_figures(kept.get(name))} |" for name, what in RUNS.items()]
    title = ["", "## What was run in full", "", "| run | what | figures |", "|---|---|---|"]
    return HEAD + "\n".join([*rows, *title, *runs]) + "\n"


def _test(name: str) -> str:
    file, _, function = name.partition("::")
    return f"[{function}](../{file})"


def _figures(kept: Mapping[str, Any] | None) -> str:
    if kept is None:
        return "not yet"
    words = [f"{name.replace('_', ' ')} {_value(value)}" for name, value in kept.items() if name != "passed"]
    return ("" if kept["passed"] else "FAILED: ") + ", ".join(words)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {count}" for name, count in value.items()) + ")"
    return str(value)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
