"""Taking a drop over: copied and hashed into the spool first, removed from the inbox last.

Every file is opened below the inbox by descriptors, without following links, and must be the one that the look at the
inbox saw, before and after it is copied. What came later stays where it is. Decides nothing about content.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from appliance.inbox import Drop, Entry

FILES = "files"
DROP = "drop.json"
_BLOCK_BYTES = 1 << 20
_KEPT = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY)
"""Why something may be read but not removed."""


class Unfinished(Exception):  # a state of the drop, not an error
    """Somebody still writes, or the drop changed while it was copied: look at it again later."""


class Unreadable(Exception):  # a state of the drop, not an error
    """A file of the inbox can't be read; nothing is wrong with the spool."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a drop: where it lay, what it was, and its SHA-256; kept as file number `number`, litter not."""

    number: int | None
    entry: Entry
    sha256: str

    @property
    def file_name(self) -> str:
        return file_name(self.number or 0, self.entry)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken over, as drop.json keeps it beside the files.

    Names are as `os` gives them. Bytes that are not UTF-8 are surrogates there, which JSON can escape.
    """

    name: str
    is_partial: bool
    sources: tuple[Source, ...]
    folders: tuple[str, ...]

    def digests(self, folder: Path) -> dict[Path, str]:
        """SHA-256 by path of the files kept in `folder`."""
        return {
            folder / FILES / source.file_name: source.sha256 for source in self.sources if source.number is not None
        }

    def is_whole(self, folder: Path) -> bool:
        """Whether every file kept in `folder` is still there, by its size."""
        kept = [source for source in self.sources if source.number is not None]
        try:
            return all((folder / FILES / one.file_name).stat().st_size == one.entry.size for one in kept)
        except FileNotFoundError:
            return False


def file_name(number: int, entry: Entry) -> str:
    """Names of a drop mean nothing and may hold a patient's; the spool's are numbers. A zip stays a zip."""
    return f"{number:06d}.zip" if entry.path.lower().endswith(".zip") else f"{number:06d}"


def take(inbox: Path, drop: Drop, folder: Path, *, is_partial: bool, check: Callable[[], None]) -> Taken:
    """Copy the drop's files into the new `folder`, each flushed; drop.json last. The inbox is not changed.

    What changes meanwhile makes it Unfinished, and so does a newest file that begins with zeros: room was made for it,
    and it is not filled yet; where `is_partial`, what changes is left out, files that somebody merely has open and
    those of zeros are not, and only a drop of which nothing remains is Unfinished. `check` is called for each block and
    may raise to end it. Unreadable; OSError where the spool is full.
    """
    (folder / FILES).mkdir(parents=True)
    sources: list[Source] = []
    newest = max((entry for entry in drop.entries if not entry.is_litter), key=lambda one: one.mtime_ns, default=None)
    with _Below(inbox) as below:
        for entry in drop.entries:
            check()
            number: int | None = len(sources)
            target = None
            try:
                with below.opened(entry, is_leased=not is_partial) as descriptor:
                    if entry == newest and not is_partial and _begins_empty(descriptor):
                        raise Unfinished
                    number = None if entry.is_litter and not _is_dicom(descriptor) else len(sources)
                    target = None if number is None else folder / FILES / file_name(number, entry)
                    digest = _copy(descriptor, target, entry.size, check)
                    if Entry.of(entry.path, os.fstat(descriptor)) != entry:
                        raise Unfinished
            except Unfinished:
                if not is_partial:
                    raise
                if target is not None:
                    target.unlink(missing_ok=True)
                continue
            sources.append(Source(number=number, entry=entry, sha256=digest))
    if not sources:
        raise Unfinished
    taken = Taken(name=drop.name, is_partial=is_partial, sources=tuple(sources), folders=drop.folders)
    with (folder / DROP).open("xb") as file:
        file.write(json.dumps(asdict(taken), ensure_ascii=True).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    for flushed in (folder / FILES, folder, folder.parent):
        flush_folder(flushed)
    return taken


def load_taken(folder: Path) -> Taken:
    """The inverse of what `take` leaves. OSError, ValueError."""
    document = json.loads((folder / DROP).read_bytes())
    try:
        return Taken(
            name=document["name"],
            is_partial=document["is_partial"],
            sources=tuple(
                Source(number=source["number"], entry=Entry(**source["entry"]), sha256=source["sha256"])
                for source in document["sources"]
            ),
            folders=tuple(document["folders"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{DROP} is of another form") from error


def clear(inbox: Path, taken: Taken) -> int:
    """Remove from the inbox what was taken, and the folders that are empty then; what differs by now stays.

    Returns how many files could not be removed. Safe to repeat. OSError where the inbox can't be reached.
    """
    with _Below(inbox) as below:
        kept = sum(not below.remove(source.entry) for source in taken.sources)
        for folder in sorted(taken.folders, reverse=True):
            below.remove_folder(folder)
    return kept


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(descriptor: int, target: Path | None, size: int, check: Callable[[], None]) -> str:
    """SHA-256 of what was read; at most one block beyond `size`, so that a growing file ends."""
    digest = hashlib.sha256()
    left = size + _BLOCK_BYTES
    with Path(os.devnull).open("wb") if target is None else target.open("xb") as sink:
        while left > 0 and (block := _block(descriptor)):
            check()
            left -= len(block)
            digest.update(block)
            sink.write(block)
        if target is not None:
            sink.flush()
            os.fsync(sink.fileno())
    return digest.hexdigest()


def _is_dicom(descriptor: int) -> bool:
    return os.pread(descriptor, 4, 128) == b"DICM"


def _begins_empty(descriptor: int) -> bool:
    """Zeros where DICOM files and zips have their first words. What ends with zeros may be whole: air often is."""
    try:
        head = os.pread(descriptor, 132, 0)
    except OSError as error:
        raise Unreadable(error.strerror) from error
    return bool(head) and not any(head)


def _block(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _BLOCK_BYTES)
    except OSError as error:
        raise Unreadable(error.strerror) from error


class _Below:
    """Opens and removes what lies below a folder, never through a link. Keeps the last folder open."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        self._parts: Sequence[str] = ()
        self._folder = os.dup(self._root)

    def __enter__(self) -> _Below:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._folder)
        os.close(self._root)

    @contextmanager
    def opened(self, entry: Entry, *, is_leased: bool) -> Iterator[int]:
        """The file for reading, `is_leased` against writers where the file system can. Unfinished where it is another,
        Unreadable where it can't be opened.
        """
        try:
            folder, name = self._at(entry.path)
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
                raise Unfinished from error
            raise Unreadable(error.strerror) from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or Entry.of(entry.path, status) != entry:
                raise Unfinished
            if is_leased:
                _lease(descriptor)
            yield descriptor
        finally:
            os.close(descriptor)  # ends the lease, too

    def remove(self, entry: Entry) -> bool:
        """Unlink it if it is still that file. False where it is and can't be removed."""
        try:
            folder, name = self._at(entry.path)
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode) and Entry.of(entry.path, status) == entry:
                os.unlink(name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            if error.errno not in _KEPT:
                raise
            return False
        return True

    def remove_folder(self, path: str) -> None:
        """Remove it if it is empty."""
        try:
            folder, name = self._at(path)
            os.rmdir(name, dir_fd=folder)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, *_KEPT):
                raise

    def _at(self, path: str) -> tuple[int, str]:
        """The open folder of a path, and the name in it."""
        *parts, name = path.split("/")
        if parts != self._parts:
            folder = os.dup(self._root)
            for part in parts:
                try:
                    inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                finally:
                    os.close(folder)
                folder = inner
            os.close(self._folder)
            self._parts, self._folder = parts, folder
        return self._folder, name


def _lease(descriptor: int) -> None:
    """Prove that nobody has the file open for writing, until it is closed. Unfinished where somebody has.

    Only local file systems have leases, and only on the owner's files or for root; elsewhere quiet must be enough.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError as error:
        raise Unfinished from error
    except OSError:
        pass
