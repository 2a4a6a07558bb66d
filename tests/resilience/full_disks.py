"""File systems of their own, small enough to fill: tmpfs, mounted as root."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = "ballast"


@contextmanager
def small_disk(folder: Path, megabytes: int, inodes: int = 5000) -> Iterator[Path]:
    """A tmpfs at the new `folder`, gone afterwards."""
    folder.mkdir()
    options = f"size={megabytes}m,nr_inodes={inodes}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


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
