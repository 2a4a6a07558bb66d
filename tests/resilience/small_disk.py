"""A disk with little room: tmpfs of so many pages and inodes, until it gets more; and what fills it. Needs root."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EVERY = int(os.environ.get("STROKEBOX_DISK_EVERY", "3"))
"""Of the sizes that are tried, each so-many-th; `make resilience` tries all."""
PAGE_BYTES = resource.getpagesize()
BALLAST = "ballast"
_PLENTY = "size=256m,nr_inodes=100000"


class SmallDisk:
    """Mounted at `place` while the block of `small_disk` lasts."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def grow(self) -> None:
        """There is room for everything."""
        subprocess.run(["mount", "-o", f"remount,{_PLENTY}", self._place], check=True)


@contextmanager
def small_disk(place: Path, pages: int | None = None, inodes: int | None = None) -> Iterator[SmallDisk]:
    """An empty one in the place of the folder; what is not given is plenty. `pages` and `inodes` beyond its own."""
    limits = [_PLENTY]
    limits += [] if pages is None else [f"size={max(pages, 1) * PAGE_BYTES}"]  # 0 would be no limit
    limits += [] if inodes is None else [f"nr_inodes={1 + inodes}"]
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(limits), "tmpfs", place], check=True)
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path, leave: int = 0) -> None:
    """Take all room but `leave` bytes."""
    empty(disk)
    found = os.statvfs(disk)
    left = found.f_bavail * found.f_frsize - leave
    try:
        with (disk / BALLAST).open("wb", buffering=0) as file:
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 16)))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def fill_inodes(disk: Path, leave: int = 0) -> None:
    """Take all inodes but `leave`."""
    empty(disk)
    folder = disk / f"{BALLAST}s"
    folder.mkdir()
    for number in range(os.statvfs(disk).f_favail - leave):
        (folder / str(number)).touch()


def empty(disk: Path) -> None:
    """Give the room back."""
    (disk / BALLAST).unlink(missing_ok=True)
    folder = disk / f"{BALLAST}s"
    if folder.exists():
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
