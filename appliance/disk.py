"""Room on the disks: how much must stay free, how much is missing, and the reserve that a last notice is written from.

Looks and says; it is the intake that pauses. Free is what `df` calls available, and its share is of what can be used.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LARGEST_STUDIES = 2
"""So many times the largest study must fit."""
RESERVE = ".strokebox.reserve"
RESERVE_BYTES = 1 << 20
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class Room:
    """Of one file system. files, free_files: 0 where it has no limit of their number."""

    usable: int
    free: int
    files: int
    free_files: int

    @classmethod
    def of(cls, folder: Path) -> Room:
        """OSError where it can't be reached."""
        found = os.statvfs(folder)
        used = found.f_blocks - found.f_bfree
        usable = (used + found.f_bavail) * found.f_frsize
        return cls(usable, found.f_bavail * found.f_frsize, found.f_files, found.f_favail)

    def missing(self, percent: float, largest: int) -> str:
        """What is short in words, or ''. `largest`: bytes of the largest study."""
        if not self.usable:  # some shares don't say
            return ""
        floor = max(self.usable * percent / 100, LARGEST_STUDIES * largest)
        if self.free < floor:
            return f"{_size(self.free)} free, {_size(floor)} needed"
        if self.files and self.free_files < self.files * percent / 100:
            return f"room for {self.free_files} files, {round(self.files * percent / 100)} needed"
        return ""


@dataclass(frozen=True, slots=True)
class DiskGuard:
    """The folders that must have room, by what they are called. percent: how much of each disk must be free."""

    folders: Mapping[str, Path]
    percent: float

    def shortage(self, largest: int) -> str:
        """Where room is short and how much, for people; '' where there is enough. A folder that is away is not full."""
        found = []
        for name, folder in self.folders.items():
            try:
                missing = Room.of(folder).missing(self.percent, largest)
            except OSError:
                continue
            if missing:
                found.append(f"{name}: {missing}")
        return "; ".join(found)


class Reserve:
    """A file that takes up room in a folder, so that it can be given back when a notice must be written."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / RESERVE

    @classmethod
    def beside(cls, folder: Path, state: Path) -> Reserve:
        """The one in `state`, where that is on the same file system as `folder`; else one in the folder. OSError."""
        return cls(state if folder.stat().st_dev == state.stat().st_dev else folder)

    def keep(self) -> None:
        """Make it where it is missing and there is room for it twice."""
        try:
            if self._path.exists() or Room.of(self._path.parent).free < 2 * RESERVE_BYTES:
                return
            with self._path.open("xb") as file:
                file.write(os.urandom(RESERVE_BYTES))  # what a file system can't press together
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.give_up()

    def give_up(self) -> bool:
        """Whether there was one; its room is free then."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
