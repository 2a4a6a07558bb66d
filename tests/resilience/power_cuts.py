"""R10: the power is cut at any moment between inbox and result, again and again: no study that was taken is lost.

`python -m tests.resilience.power_cuts --cuts 1000` prints the figures as JSON; needs root. Each cut meets a new drop, a
study or a letter, and a box that starts; half of the inboxes are on a share, which the cut leaves as it is. Then the
box starts again, and must bring the drop to its one whole result.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.jobs import State
from tests.resilience.cut_disk import CutDisk, cut_disk
from tests.resilience.remains import in_inbox, jobs, left_behind, results, wrong_with
from tests.resilience.rig import Rig, rigged, write_drop

ROUNDS = 5
STUDY_SHARE = 0.3
_WRONG_FOR_LETTERS = "rejected: NOT_DICOM"


@dataclass
class Figures:
    """What came of it; all but `cuts` and `taken` should be 0.

    taken: how many drops had left the inbox, or had a job, when the power went
    lost: drops that were neither in the inbox nor known afterwards, or had no result in the end
    undone: results that were reported as done, and were gone or broken afterwards
    """

    cuts: int = 0
    taken: int = 0
    published: int = 0
    lost: int = 0
    undone: int = 0
    twice: int = 0
    unparsable: int = 0
    left_behind: int = 0
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.undone or self.twice or self.unparsable or self.left_behind)


def run_cuts(folder: Path, cuts: int, seed: int) -> Figures:
    """`folder` is empty and should be in memory."""
    rng = random.Random(seed)  # not for secrets
    figures, start = Figures(), time.monotonic()
    (folder / "share").mkdir()
    kinds: list[tuple[Callable[[Path], None], str]] = [(write_letter, _WRONG_FOR_LETTERS), (write_drop, "")]
    with cut_disk(folder) as disk, rigged() as rig:
        durations = {write: _duration(rig, disk, write) for write, _ in kinds}
        for _ in range(cuts):
            write, expected = kinds[rng.random() < STUDY_SHARE]
            share = folder / "share" if rng.random() < 0.5 else None
            _cut(figures, rig, disk, write, expected, share, rng.uniform(0, durations[write]))
    figures.seconds = round(time.monotonic() - start, 1)
    return figures


def write_letter(root: Path) -> None:
    """A new box, with what is no study in its inbox."""
    for name in ("inbox", "results", "state"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "inbox/letter").mkdir()
    (root / "inbox/letter/letter.pdf").write_bytes(b"%PDF-1.7")


def _duration(rig: Rig, disk: CutDisk, write: Callable[[Path], None]) -> float:
    """Seconds that nothing happens in."""
    root = disk.place / "box"
    write(root)
    start = time.monotonic()
    rig.run(root, 1)
    seconds = time.monotonic() - start
    shutil.rmtree(root)
    return seconds


def _cut(
    figures: Figures,
    rig: Rig,
    disk: CutDisk,
    write: Callable[[Path], None],
    expected: str,
    share: Path | None,
    after_seconds: float,
) -> None:
    root = disk.place / "box"
    write(root)
    if share is not None:
        shutil.move(root / "inbox", share / "inbox")
        (root / "inbox").symlink_to(share / "inbox")
    os.sync()
    number = rig.stopped(root, 1)
    os.kill(number, signal.SIGCONT)
    time.sleep(after_seconds)
    finished = {one.name for one in results(root)} if _is_done(root) else set()
    disk.cut()
    rig.kill(number)
    disk.restart()
    figures.cuts += 1
    after = {one.name for one in results(root) if wrong_with(one) == expected}
    figures.undone += bool(finished - after)
    figures.published += bool(after)
    if not in_inbox(root):
        figures.taken += 1
        figures.lost += not (jobs(root) or after)
    rig.run(root, ROUNDS)
    _count(figures, root, expected)
    shutil.rmtree(root)
    if share is not None:
        shutil.rmtree(share / "inbox")


def _is_done(root: Path) -> bool:
    """Whether the box says that all is done."""
    uri = f"{(root / 'state/jobs.sqlite').as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=1)) as table:
            return [state for (state,) in table.execute("SELECT state FROM jobs")] == [State.DONE.value]
    except sqlite3.Error:  # none yet, or in the middle of being made
        return False


def _count(figures: Figures, root: Path, expected: str) -> None:
    found = results(root)
    figures.lost += not found
    figures.twice += len(found) > 1
    figures.unparsable += sum(wrong_with(folder) != expected for folder in found)
    figures.left_behind += len(left_behind(root))


def main() -> None:
    """Print the figures; exit code 1 where one that should be 0 is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        figures = run_cuts(Path(folder), options.cuts, options.seed)
    print(json.dumps(asdict(figures), indent=2))
    sys.exit(not figures.is_clean)


if __name__ == "__main__":
    main()
