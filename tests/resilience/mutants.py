"""R15: mutants of DICOM files through reading children, and what the service makes of what they find.

`python -m tests.resilience.mutants --count 10000 --seed 1` prints the figures as JSON. One file of a series is mutated;
the series is read as the intake reads it, many in one child, for the sake of time. Whatever ends that child is read
once more by a child of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from appliance.case import outcome_of
from appliance.parsing import read_in_child
from appliance.prepared import Prepared
from appliance.prepared_files import load_prepared
from appliance.reader_child import PREPARED
from appliance.report_json import result_document
from appliance.report_pdf import render_report
from tests.resilience.mutations import Mutant, mutate
from tests.resilience.specimens import Specimen, specimens

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 60.0
RENDERED = 10
"""One report in so many is rendered, too."""
REAL_SHARE = 0.02
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@dataclass
class Figures:
    """What came of them. The last three should be 0; whatever `ended` a child has a code all the same.

    outcomes: by the code that rejects, or 'read'
    ended: mutants that ended their child, or raised in it what has no code; by what it was
    """

    mutants: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    specimens: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    parent_crashes: int = 0
    hangs: int = 0
    silent: int = 0
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not (self.parent_crashes or self.hangs or self.silent)


class Child:
    """A reading child, replaced when it ends."""

    def __init__(self) -> None:
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.resilience.mutant_child"]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
        )

    def read(self, folder: Path) -> str | None:
        """What it says of the drop, '' where nothing is wrong; None where it took too long."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{folder}\n")
        if not select.select([process.stdout], [], [], MOST_SECONDS)[0]:
            self.end()
            self._process = self._start()
            return None
        if line := process.stdout.readline():
            return line.rstrip("\n")
        code = process.wait()
        self._process = self._start()
        return f"ended with {code}"

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def run_mutants(root: Path, count: int, seed: int, keep: Path | None = None) -> Figures:
    """`root` is an empty folder; mutants that should not be are left in `keep`."""
    rng = random.Random(seed)  # not for secrets
    figures, start, child = Figures(), time.monotonic(), Child()
    made = list(specimens(root / "specimens", seed))
    by_real = [one for one in made if one.name == "real"]
    synthetic = [one for one in made if one.name != "real"]
    try:
        for number in range(count):
            specimen = rng.choice(by_real if by_real and rng.random() < REAL_SHARE else synthetic)
            which = rng.randrange(len(specimen.files))
            mutant = mutate(specimen.originals[which], specimen.originals + synthetic[0].originals, rng)
            specimen.drop(root / "job", which, mutant)
            before = figures.parent_crashes, figures.hangs, figures.silent, sum(figures.ended.values())
            _count(figures, specimen, mutant, root / "job", child, renders=number % RENDERED == 0)
            after = figures.parent_crashes, figures.hangs, figures.silent, sum(figures.ended.values())
            if keep is not None and after != before:
                shutil.copytree(root / "job", keep / f"{number}-{specimen.name}-{which}-{mutant.kind}")
            shutil.rmtree(root / "job")
    finally:
        child.end()
    figures.seconds = round(time.monotonic() - start, 1)
    return figures


def _count(figures: Figures, specimen: Specimen, mutant: Mutant, job: Path, child: Child, *, renders: bool) -> None:
    figures.mutants += 1
    figures.kinds[mutant.kind] += 1
    figures.specimens[specimen.name] += 1
    said = child.read(job)
    if said is None:
        figures.hangs += 1
        return
    try:
        if said:
            figures.ended[said] += 1
            prepared = read_in_child(job, MOST_SECONDS, lambda: None)
        else:
            prepared = load_prepared(job / PREPARED)
        _conclude(prepared, renders)
    except Exception as error:  # noqa: BLE001  # it would have come up in the intake
        print(f"{specimen.name}, {mutant.kind}: {error!r}", file=sys.stderr)
        figures.parent_crashes += 1
        return
    figures.outcomes[prepared.reason.code.name if prepared.reason else "read"] += 1
    figures.silent += mutant.is_short and specimen.is_silent(prepared)


def _conclude(prepared: Prepared, renders: bool) -> None:
    """What the intake makes of it; one that was read goes to the worker, and here ends like one that was not."""
    outcome = outcome_of(prepared, prepared.reason, now=NOW, software_version="0") if prepared.reason else None
    if outcome is not None:
        json.dumps(result_document(outcome), allow_nan=False)
        if renders:
            render_report(outcome)


def main() -> None:
    """Print the figures; exit code 1 where one that should be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the mutants that should not be")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        figures = run_mutants(Path(folder), options.count, options.seed, options.keep)
    print(json.dumps(vars(figures), indent=2))
    sys.exit(not figures.is_clean)


def _memory() -> str | None:
    """Where files cost no disk; None where there is no such place."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() else None


if __name__ == "__main__":
    main()
