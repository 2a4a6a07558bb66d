"""An engine bundle as somebody brought it, a folder or a zip: nobody's word is taken for what is in it.

Names and contents are handed out as they are found; links, special files and names that come twice are refused here.
What they must be is verified in appliance/verification.py. Nothing is written.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from runtime.errors import BundleError

MOST_FILES = 1000
_END_BYTES, _END_SIGNATURE, _ZIP64_LOCATOR = 22, b"PK\x05\x06", b"PK\x06\x07"
_LARGEST_DIRECTORY_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, RuntimeError, OSError)
"""What `zipfile` raises on archives that are damaged or made to be."""
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Arrival(Protocol):
    """What was brought. Each method raises BundleError where something is not what it should be."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all files, each once, with '/' between parts."""
        ...

    def blocks(self, name: str, size: int) -> Iterator[bytes]:
        """The content of one of `names`: at most `size` bytes, and one more where there are more."""
        ...


def arrived(path: Path) -> AbstractContextManager[Arrival]:
    """What lies at `path`, a folder or a zip, kept open for the block: it stays the same file whatever is renamed."""
    if path.is_symlink():
        raise BundleError(f"{path.name} is a link: bring the bundle itself.")
    return _folder(path) if path.is_dir() else _zip(path)


@contextmanager
def _folder(path: Path) -> Iterator[ArrivedFolder]:
    try:
        descriptor = os.open(path, _OPEN | os.O_DIRECTORY)
    except OSError as error:
        raise BundleError(f"No engine bundle at {path}: {error.strerror}.") from error
    try:
        yield ArrivedFolder(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _zip(path: Path) -> Iterator[ArrivedZip]:
    try:
        file = os.fdopen(os.open(path, _OPEN), "rb")
    except OSError as error:
        raise BundleError(f"No engine bundle at {path}: {error.strerror}.") from error
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BundleError(f"{path.name} is neither a folder nor a regular file.")
        _check_end(file, path.name)
        try:
            archive = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise BundleError(f"{path.name} is no zip, or not whole: copy it again.") from error
        with archive:
            yield ArrivedZip(archive)


def _check_end(file: BinaryIO, name: str) -> None:
    """That the list of entries is where and as large as a bundle's is, before anybody reads it into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_BYTES - 20))
    tail = file.read()
    end = tail[-_END_BYTES:]
    if len(tail) < _END_BYTES or not end.startswith(_END_SIGNATURE) or end[-2:] != b"\0\0":
        raise BundleError(f"{name} is no zip, or not whole: copy it again.")
    entries, directory = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if tail[:-_END_BYTES].startswith(_ZIP64_LOCATOR) or entries > MOST_FILES or directory > _LARGEST_DIRECTORY_BYTES:
        raise BundleError(f"{name} is no engine bundle: it holds too much.")


class ArrivedFolder:
    """An Arrival. Every file is opened below the folder's descriptor, never through a link."""

    def __init__(self, descriptor: int) -> None:
        self._root = descriptor

    @property
    def names(self) -> tuple[str, ...]:
        found: list[str] = []
        for folder, folders, files, _ in os.fwalk(".", dir_fd=self._root, onerror=_unreadable):
            for name in (*folders, *files):
                path = os.path.normpath(f"{folder}/{name}")
                status = os.stat(path, dir_fd=self._root, follow_symlinks=False)
                if name in files or not stat.S_ISDIR(status.st_mode):
                    if not stat.S_ISREG(status.st_mode):
                        raise BundleError(f"{path} is a link or no regular file.")
                    found.append(path)
            if len(found) > MOST_FILES:
                raise BundleError(f"There are more than {MOST_FILES} files: this is no engine bundle.")
        return tuple(found)

    def blocks(self, name: str, size: int) -> Iterator[bytes]:
        try:
            with os.fdopen(self._opened(name), "rb") as file:
                yield from _at_most(file, size)
        except OSError as error:
            raise BundleError(f"{name} can't be read: {error.strerror}.") from error

    def _opened(self, name: str) -> int:
        *parts, last = name.split("/")
        folder = os.dup(self._root)
        try:
            for part in parts:
                inner = os.open(part, _OPEN | os.O_DIRECTORY, dir_fd=folder)
                os.close(folder)
                folder = inner
            return os.open(last, _OPEN, dir_fd=folder)
        finally:
            os.close(folder)


class ArrivedZip:
    """An Arrival. Only the entry that is asked for is unpacked."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @property
    def names(self) -> tuple[str, ...]:
        names: set[str] = set()
        for entry in self._archive.infolist():
            if entry.filename in names:
                raise BundleError(f"{entry.filename} is there twice.")
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir() and kind in (0, stat.S_IFDIR) and not entry.file_size:
                continue  # most programs write one for each folder; nothing is ever made of it
            if kind not in (0, stat.S_IFREG) or entry.is_dir():
                raise BundleError(f"{entry.filename} is a link, a folder or no regular file.")
            if entry.flag_bits & 0x1 or entry.compress_type not in _METHODS:
                raise BundleError(f"{entry.filename} is encrypted or packed in a way that is not taken.")
            names.add(entry.filename)
        return tuple(names)

    def blocks(self, name: str, size: int) -> Iterator[bytes]:
        try:
            with self._archive.open(name) as file:
                yield from _at_most(file, size)
        except _BROKEN as error:
            raise BundleError(f"{name} can't be unpacked: copy the bundle again.") from error


def _at_most(file: object, size: int) -> Iterator[bytes]:
    left = size + 1
    while left > 0 and (block := file.read(min(left, _BLOCK_BYTES))):  # type: ignore[attr-defined]  # zip's or a file
        left -= len(block)
        yield block


def _unreadable(error: OSError) -> None:
    raise BundleError(f"The bundle can't be read: {error.strerror}.") from error
