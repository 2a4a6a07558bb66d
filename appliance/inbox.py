"""What lies in the inbox at one moment: drops, each with the fingerprint of its files.

Looks, and changes nothing. A drop is a folder of the inbox's root, a zip in it, or all other loose files together.
Links and special files are never followed or opened; they, and too many files, make a drop that is refused.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from appliance.drop import Limits
from runtime.codes import Code

LOOSE = "loose files"
"""The name of the drop that loose files form."""
COMPLETE = ".complete"
"""A file of this name, the last that is copied, says that the folder is whole."""
IGNORED = ("thumbs.db", "desktop.ini")
"""What Windows leaves in every folder that somebody looks at; in the root it is no drop."""
_TEMPORARY_ENDINGS = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".swp", "~")
_GONE = (FileNotFoundError, NotADirectoryError)
"""Something came and went while it was looked at; any other error lasts."""
_TEMPORARY_STARTS = (".~", "~$", "~syncthing~", ".syncthing.", ".goutputstream-", ".smbdelete")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One regular file: its path below the inbox, and by what a change of it shows."""

    path: str
    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> Entry:
        return cls(path, status.st_size, status.st_mtime_ns, status.st_ino)

    @property
    def is_litter(self) -> bool:
        """Its name is one that Finder leaves behind, or the marker's: no image, as a rule."""
        name = self.path.rpartition("/")[2]
        return name.startswith("._") or name in (".DS_Store", COMPLETE)


@dataclass(frozen=True, slots=True)
class Drop:
    """One drop as it is now. `refusal` says why it will never be taken as it is; then `entries` may be incomplete."""

    name: str
    entries: tuple[Entry, ...]
    folders: tuple[str, ...] = ()
    """Paths below the inbox, outer before inner."""
    is_temporary: bool = False
    """A name in it, or something that came and went while it was looked at, says that it is still being copied."""
    is_complete: bool = False
    """The marker file is there."""
    refusal: Code | None = None
    top: tuple[int, int] = (0, 0)
    """Inode and mtime_ns of the folder or zip itself: what tells a refused one from the next of its name."""

    @property
    def changing(self) -> Drop:
        """It, without all that changes while it is written to."""
        return replace(self, entries=(), folders=(), top=(self.top[0], 0))

    @property
    def shown_name(self) -> str:
        """Its name for people and for the database, which holds UTF-8 only."""
        return os.fsencode(self.name).decode(errors="replace")


Drops: TypeAlias = dict[str, Drop]


def scan(inbox: Path, limits: Limits) -> Drops:
    """All drops, by the name of their folder or zip. OSError where the inbox itself can't be read."""
    root = os.open(inbox, os.O_RDONLY | os.O_DIRECTORY)
    try:
        drops: Drops = {}
        loose: list[tuple[str, os.stat_result]] = []
        is_copying = False
        with os.scandir(root) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if name.startswith(".") or name.lower() in IGNORED:
                is_copying |= is_temporary(name)
                continue
            try:
                status = _status(name, root)
            except OSError:
                drops[name] = Drop(name, (), refusal=Code.UNREADABLE)
                continue
            if status is None:
                continue
            top = status.st_ino, status.st_mtime_ns
            if stat.S_ISDIR(status.st_mode):
                drops[name] = replace(_folder(root, name, limits), top=top)
            elif name.lower().endswith(".zip") and stat.S_ISREG(status.st_mode):
                drops[name] = replace(_gathered(name, [(name, status)], [], limits), top=top)
            else:
                loose.append((name, status))
        if loose:
            name = _free(LOOSE, drops)
            drops[name] = _gathered(name, loose, [], limits, unsettled=is_copying)
        return drops
    finally:
        os.close(root)


def is_temporary(name: str) -> bool:
    """Whether programs that copy use such a name until they are done."""
    low = name.lower()
    head, _, tail = name.rpartition(".")
    is_hidden = name.startswith(".") and not name.startswith("._")  # those are AppleDouble files
    is_rsyncs = is_hidden and len(head) > 1 and len(tail) == 6 and tail.isalnum()  # .name.a1B2c3
    return low.endswith(_TEMPORARY_ENDINGS) or low.startswith(_TEMPORARY_STARTS) or is_rsyncs


def _free(name: str, drops: Drops) -> str:
    """The name, or another where a folder bears it."""
    while name in drops:
        name += "_"
    return name


def _folder(root: int, name: str, limits: Limits) -> Drop:
    """Walked by descriptors, each opened without following links."""
    files: list[tuple[str, os.stat_result]] = []
    folders: list[str] = []
    errors: list[OSError] = []
    try:
        for folder, below, names, descriptor in os.fwalk(name, dir_fd=root, onerror=errors.append):
            folders.append(folder)
            for one in (*below, *names):
                status = _status(one, descriptor)
                if status is not None and not stat.S_ISDIR(status.st_mode):
                    files.append((f"{folder}/{one}", status))
            if (below and folder.count("/") + 2 > limits.depth) or len(files) > limits.files:
                return Drop(name, (), refusal=Code.TOO_LARGE)
    except OSError as error:
        errors.append(error)
    if not all(isinstance(error, _GONE) for error in errors):
        return Drop(name, (), refusal=Code.UNREADABLE)
    return _gathered(name, files, folders, limits, unsettled=bool(errors) or is_temporary(name))


def _gathered(
    name: str,
    files: list[tuple[str, os.stat_result]],
    folders: list[str],
    limits: Limits,
    *,
    unsettled: bool = False,
) -> Drop:
    leaves = [path.rpartition("/")[2] for path, _ in files]
    odd = any(not stat.S_ISREG(status.st_mode) or "\n" in path for path, status in files)
    odd |= any("\n" in folder for folder in folders)
    large = len(files) > limits.files or sum(status.st_size for _, status in files) > limits.unpacked_bytes
    refusal = Code.UNSAFE_FILES if odd else Code.TOO_LARGE if large else None
    return Drop(
        name=name,
        entries=tuple(sorted(Entry.of(path, status) for path, status in files)),
        folders=tuple(sorted(folders)),
        is_temporary=unsettled or any(map(is_temporary, leaves)),
        is_complete=COMPLETE in leaves,
        refusal=refusal,
    )


def _status(name: str, folder: int) -> os.stat_result | None:
    """Of the entry itself, not of what it links to; None where it has gone since. OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except _GONE:
        return None
