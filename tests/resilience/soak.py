"""Thousands of studies through one intake and one worker that live on, with faults: nothing grows, nothing is lost.

`python -m tests.resilience.soak --studies 5000` runs it in full and prints the figures as JSON. Of the drops some are
damaged, no images at all, or a study again under another name; calls by which the box makes things durable or visible
fail now and then, as on a bad or full disk; and once in a while both roles are begun anew, as after a power cut.
"""

from __future__ import annotations

import argparse
import errno
import gc
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from appliance.acceptance import DROP, FILES
from appliance.jobs import State
from appliance.prepared import Prepared
from appliance.reader_child import PREPARED
from appliance.role import tick
from phantom.enhanced import write_enhanced
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings
from runtime.errors import ConfigurationError
from tests.appliance import outcomes
from tests.appliance.box import Box, open_box, parse
from tests.resilience import remains

CALLS = ("fsync", "replace", "rename", "unlink", "rmdir")
FAULT_RATE = 0.01
"""Of such calls."""
AT_ONCE = 10
"""Drops between two looks at the memory, at most."""
ANEW_RATE = 0.02
"""Of these rounds: the roles begin anew after it."""
KINDS = {"new": 80, "again": 8, "damaged": 6, "no image": 6}
WARM = 0.2
"""After so much of it, what is loaded and cached once has been."""
DAY = 86400.0
MOST_ROUNDS = 50
"""Until all of a round's drops have become results."""


@dataclass(frozen=True)
class Figures:
    """What came of it. lost, twice, unparsable, left_behind: as of kills, should be 0, and so should descriptors.

    growth_percent: of the process's memory, since a fifth of the studies was done
    """

    studies: int
    kinds: dict[str, int]
    results: dict[str, int]
    faults: int
    begun_anew: int
    lost: int
    twice: int
    unparsable: int
    left_behind: int
    memory_mib: float
    growth_percent: float
    descriptors: int
    seconds: float

    @property
    def is_whole(self) -> bool:
        """Whether the goals of R23 are met."""
        wrong = self.lost or self.twice or self.unparsable or self.left_behind or self.descriptors
        return not wrong and self.growth_percent < 5


class Faults:
    """Lets calls of `os` fail now and then while the block of `on` lasts."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.count = 0

    @contextmanager
    def on(self) -> Iterator[None]:
        real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
        for name, call in real.items():
            setattr(os, name, self._failing(call))
        try:
            yield
        finally:
            for name, call in real.items():
                setattr(os, name, call)

    def _failing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any, **named: Any) -> Any:
            if self._rng.random() < FAULT_RATE:
                self.count += 1
                number = self._rng.choice((errno.EIO, errno.ENOSPC))
                raise OSError(number, os.strerror(number))
            return call(*arguments, **named)

        return called


class Drops:
    """Writes them, and knows what should become of each."""

    def __init__(self, root: Path, rng: random.Random) -> None:
        self._inbox, self._kept, self._rng = root / "inbox", root / "kept", rng
        self._kept.mkdir()
        self.kinds: Counter[str] = Counter()
        self.expected: set[str] = set()
        """Names of drops that have a result of their own."""

    def write(self, number: int) -> None:
        kind = self._rng.choices(list(KINDS), list(KINDS.values()))[0]
        known = sorted(self._kept.iterdir())
        kind = "new" if kind == "again" and not known else kind
        self.kinds[kind] += 1
        name = f"drop{number:06d}"
        folder = self._inbox / name
        if kind == "again":
            shutil.copytree(self._rng.choice(known), folder)
            return
        self.expected.add(name)
        if kind == "no image":
            folder.mkdir()
            (folder / "letter.txt").write_bytes(self._rng.randbytes(200))
            return
        write_enhanced(outcomes.head(), folder / "IM1", SeriesSettings(StudyIdentity.of(number), matrix=None))
        if kind == "damaged":
            content = (folder / "IM1").read_bytes()
            (folder / "IM1").write_bytes(content[: self._rng.randrange(len(content) // 2, len(content) - 100)])
        elif len(known) < AT_ONCE:
            shutil.copytree(folder, self._kept / name)


def soak(root: Path, studies: int, rng: random.Random) -> Figures:
    """Run it in `root`, an empty folder."""
    start, faults, anew, done = time.monotonic(), Faults(rng), 0, 0
    with open_box(root) as box:
        _begin_anew(box)
        drops = Drops(root, rng)
        warm, descriptors = 0.0, 0
        while done < studies:
            count = min(rng.randint(1, AT_ONCE), studies - done)
            for number in range(done, done + count):
                drops.write(number)
            with faults.on(), patch("appliance.role.AFTER_FAILURE_SECONDS", 0.0):
                _bring_to_an_end(box)
            done += count
            box.seconds += DAY  # the notes about studies that came again end after one
            if rng.random() < ANEW_RATE:
                anew += 1
                _begin_anew(box)
            if not warm and done >= WARM * studies:
                warm, descriptors = _memory(), _descriptors()
        memory, more = _memory(), _descriptors() - descriptors
        _begin_anew(box)
        box.look(4)
        jobs, folders = box.jobs.of(*State), remains.results(root)
    shown = {folder.name for folder in folders}
    by_id = {job.id: job for job in jobs}
    of_drop = {job.drop_name: by_id.get(job.first or "", job).folder for job in jobs}
    kept = {root / "state/spool" / job.id for job in jobs if job.keeps_files}
    results = Counter(_status(remains.wrong_with(folder)) for folder in folders)
    return Figures(
        studies=studies,
        kinds=dict(drops.kinds),
        results=dict(results),
        faults=faults.count,
        begun_anew=anew,
        lost=sum(of_drop.get(name) not in shown for name in drops.expected),
        twice=len(folders) - len(drops.expected),
        unparsable=results["unparsable"],
        left_behind=len([path for path in remains.left_behind(root) if path not in kept]),
        memory_mib=round(memory, 1),
        growth_percent=round(100 * (memory - warm) / warm, 2),
        descriptors=more,
        seconds=round(time.monotonic() - start, 1),
    )


def _bring_to_an_end(box: Box) -> None:
    """Until nothing lies in the inbox or waits. AssertionError where it never comes to that."""
    for _ in range(MOST_ROUNDS):
        box.look()
        tick(box.worker, box.stop)
        if box.worker.is_worn:
            box.worker = box.new_worker()
            box.worker.recover()
        if not any(box.inbox.iterdir()) and not box.jobs.of(State.RECEIVED, State.READY, State.WORKING):
            return
    left = Counter(job.state.value for job in box.jobs.of(*State))
    raise AssertionError(f"drops are left: {left}, {list(box.inbox.iterdir())}")


def _read(folder: Path, seconds: float, check: Callable[[], None]) -> Prepared:
    """As `read_in_child` has it, in this process: what is left of the last try goes, and the disk's faults are not the
    drop's.
    """
    for left in folder.iterdir():
        if left.name not in (FILES, DROP, PREPARED):
            shutil.rmtree(left)
    try:
        return parse(folder, seconds, check)
    except OSError as error:
        raise ConfigurationError("The reading process found no room to work.") from error


def _begin_anew(box: Box) -> None:
    box.intake, box.worker = box.new_intake(_read), box.new_worker()
    box.intake.recover()
    box.worker.recover()


def _status(words: str) -> str:
    """Of what remains.wrong_with says."""
    status = words.partition(":")[0] or "completed"
    return status if status in ("completed", "rejected", "failed") else "unparsable"


def _memory() -> float:
    """MiB that are this process's own now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def main() -> int:
    """1 where something is lost, grows or is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = soak(Path(folder), options.studies, random.Random(options.seed))
    print(json.dumps(asdict(figures)))
    return 0 if figures.is_whole else 1


if __name__ == "__main__":
    sys.exit(main())
