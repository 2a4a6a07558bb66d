"""Everything that the appliance survives, in full: the figures of docs/resilience.md. Needs root; takes hours.

`python -m tests.resilience.full [--only NAME]` runs each, keeps its figures in docs/resilience-figures.json, and writes
the page anew. A run that fails is kept, too; the exit code says so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs/resilience-figures.json"
PAGE_TOOL = ROOT / "tools/resilience.py"


def command(*words: str) -> Callable[[], dict[str, Any]]:
    """Figures that a module prints as JSON."""

    def run() -> dict[str, Any]:
        done = subprocess.run([sys.executable, "-m", *words], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        return {"passed": done.returncode == 0, **json.loads(done.stdout or "{}")}

    return run


def tests(*names: str, **more: str) -> Callable[[], dict[str, Any]]:
    """How many tests passed, failed, were skipped; `more` is for their environment, and among the figures."""

    def run() -> dict[str, Any]:
        start = time.monotonic()
        words = [sys.executable, "-m", "pytest", "-q", *(f"tests/{name}" for name in names)]
        done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **more})
        counts = {
            f"tests {what}": int(count) for count, what in re.findall(r"(\d+) (passed|failed|skipped)", done.stdout)
        }
        if done.returncode:
            print(done.stdout, file=sys.stderr)
        return {"passed": done.returncode == 0, **more, **counts, "seconds": round(time.monotonic() - start, 1)}

    return run


RUNS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "kills": command("tests.resilience.kills", "--kills", "1000", "--studies", "100"),
    "power cuts": command("tests.resilience.power_cuts", "--cuts", "1000"),
    "system calls": tests("resilience/test_syscall_sweep.py"),
    "full disks": tests("resilience/test_small_disks.py", "resilience/test_full_disks.py", STROKEBOX_DISK_EVERY="1"),
    "burst": tests("resilience/test_stopped_intake.py"),
    "bombs": tests("resilience/test_bombs.py"),
    "updates": tests("resilience/test_update_kills.py", STROKEBOX_UPDATE_KILLS="200"),
    "flips": tests("appliance/test_verification.py", STROKEBOX_FLIPS="4000"),
    "soak": command("tests.resilience.soak", "--studies", "5000"),
    "mutants": command("tests.resilience.mutants", "--count", "10000"),
}


def keep(name: str, figures: Mapping[str, Any]) -> None:
    """In the file, beside those of the other runs."""
    kept = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    kept[name] = {"date": date.today().isoformat(), **figures}
    FIGURES.write_text(json.dumps({one: kept[one] for one in RUNS if one in kept}, indent=2) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a run failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(RUNS))
    options = parser.parse_args(arguments)
    failed = False
    for name in [options.only] if options.only else RUNS:
        figures = RUNS[name]()
        print(name, json.dumps(figures), flush=True)
        failed |= not figures["passed"]
        keep(name, figures)
    subprocess.run([sys.executable, PAGE_TOOL], cwd=ROOT, check=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
