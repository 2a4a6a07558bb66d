"""The memory of a process and all its descendants, looked at again and again while they run."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.02


@dataclass
class Peak:
    """The most that was seen at one moment: resident bytes of all of them together, shared pages counted for each."""

    resident_bytes: int = 0


@contextmanager
def watched(root: int) -> Iterator[Peak]:
    """Watch the process `root` and what it starts until the block ends."""
    peak, done = Peak(), threading.Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            peak.resident_bytes = max(peak.resident_bytes, sum(map(_resident, [root, *descendants(root)])))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def descendants(root: int) -> list[int]:
    """Process ids of children, their children and so on; of a process that has ended, none."""
    try:
        tasks = list(Path(f"/proc/{root}/task").iterdir())
    except OSError:
        return []
    found = []
    for task in tasks:
        try:
            children = [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue
        for child in children:
            found += [child, *descendants(child)]
    return found


def _resident(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * resource.getpagesize()
