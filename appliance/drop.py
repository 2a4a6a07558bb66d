"""A drop: one folder, zip or file as it was copied in, opened within limits.

Only regular files count; links and special files are refused, and nothing outside the drop is ever opened. Zip entries
are unpacked under numbers of our own, so that no name in an archive can point anywhere. File names mean nothing here.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from runtime.codes import Code
from runtime.errors import ConfigurationError, StudyRejected, UsageError

LONGEST_NAME_BYTES = 180
"""File systems end at 255, and the key and a number follow."""
_COPY_BLOCK_BYTES = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What Windows and scanners write. The others have decoders of their own ways to fail."""
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
"""Of an entry, and of an archive without any."""
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError)
"""What `zipfile` raises on archives that are damaged or made to be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one drop may hold."""

    files: int = 20_000
    depth: int = 8
    unpacked_bytes: int = 8 << 30
    unsuspicious_bytes: int = 256 << 20
    """A zip may unpack to this much, however small it is."""
    expansion: int = 50
    """And to this many times its own size: pixels of CT compress to a third, those of empty air to a tenth."""


def drop_name(path: Path) -> str:
    """The name that the results of the folder or zip carry."""
    return clean_name(path.resolve().name)


def clean_name(name: str) -> str:
    """The name that a drop's results carry: the folder's, or the zip's without its ending; at most 180 bytes long."""
    name = name[:-4] if name.lower().endswith(".zip") else name
    shown = os.fsencode(name).decode(errors="replace")
    return shown.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore")


def open_drop(path: Path, scratch: Path, limits: Limits) -> list[Path]:
    """The drop's regular files, sorted; zips, also those beside other files, are unpacked into `scratch`.

    `scratch` is an empty folder of the caller's, and what is in it belongs to the drop.
    Names that begin with a dot are what other programs leave behind, and no images. UsageError where `path` does not
    exist, ConfigurationError where `scratch` is full. StudyRejected: UNSAFE_FILES, TOO_LARGE, BAD_ARCHIVE, UNREADABLE.
    """
    if path.is_dir():
        try:
            files = _walk(path, limits)
            zips = files if all(map(_is_zip, files)) else [path for path in files if _is_named_zip(path)]
        except OSError as error:
            raise StudyRejected(Code.UNREADABLE, f"A folder can't be opened: {error.strerror}.") from error
        archives = set(zips)
        others = [path for path in files if path not in archives]
        return others + _unpack(zips, scratch, limits, limits.files - len(others))
    if path.exists() and not path.is_file():
        raise StudyRejected(Code.UNSAFE_FILES)
    if not path.is_file():
        raise UsageError(f"There is no folder or file {path}.")
    if _is_zip(path):
        return _unpack([path], scratch, limits, limits.files)
    return [path]


def _walk(root: Path, limits: Limits) -> list[Path]:
    files: list[Path] = []
    pending = [(root, 1)]
    while pending:
        folder, depth = pending.pop()
        if depth > limits.depth:
            raise StudyRejected(Code.TOO_LARGE, f"Folders lie more than {limits.depth} deep.")
        for entry in sorted(os.scandir(folder), key=lambda one: one.name):
            if entry.name.startswith("."):
                continue
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                pending.append((Path(entry.path), depth + 1))
            elif stat.S_ISREG(mode):
                files.append(Path(entry.path))
            else:
                raise StudyRejected(Code.UNSAFE_FILES)
            if len(files) > limits.files:
                raise StudyRejected(Code.TOO_LARGE, f"More than {limits.files} files.")
    return sorted(files)


def _is_zip(path: Path) -> bool:
    """By its name, or by how it begins: a damaged one is still one."""
    if _is_named_zip(path):
        return True
    with path.open("rb") as file:
        return file.read(4) in _ZIP_STARTS


def _is_named_zip(path: Path) -> bool:
    """Among other files only these count: viewers bring thousands of files in archives that begin like a zip."""
    return path.suffix.lower() == ".zip"


def _unpack(archives: Sequence[Path], scratch: Path, limits: Limits, most: int) -> list[Path]:
    files: list[Path] = []
    left = limits.unpacked_bytes
    for archive in archives:
        try:
            zipped = zipfile.ZipFile(archive)
        except _BROKEN as error:
            raise StudyRejected(Code.BAD_ARCHIVE) from error
        with zipped:
            _check_sizes(zipped, archive.stat().st_size, left, limits)
            for entry in _entries(zipped, most - len(files)):
                target = scratch / f"{len(files):06d}"
                left -= _copy_entry(zipped, entry, target, left)
                files.append(target)
    return files


def _entries(zipped: zipfile.ZipFile, most: int) -> list[zipfile.ZipInfo]:
    """What is to be unpacked, each entry looked at first."""
    entries = [
        entry
        for entry in zipped.infolist()
        if not entry.is_dir() and not PurePosixPath(entry.filename).name.startswith(".")
    ]
    if len(entries) > most:
        raise StudyRejected(Code.TOO_LARGE, "It holds more files than this box accepts.")
    for entry in entries:
        if entry.flag_bits & 1:
            raise StudyRejected(Code.BAD_ARCHIVE, "It is encrypted.")
        if entry.compress_type not in _METHODS:
            raise StudyRejected(Code.BAD_ARCHIVE, "It is compressed in an unusual way.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise StudyRejected(Code.UNSAFE_FILES)
    return entries


def _check_sizes(zipped: zipfile.ZipFile, size: int, left: int, limits: Limits) -> None:
    """Before anything is unpacked. What the archive claims is checked again by what comes out of it."""
    claimed = sum(entry.file_size for entry in zipped.infolist())
    if claimed > left:
        raise StudyRejected(Code.TOO_LARGE, "The archive unpacks to more than this box accepts.")
    if claimed > max(limits.unsuspicious_bytes, limits.expansion * size):
        raise StudyRejected(Code.TOO_LARGE, "The archive unpacks to far more than any images do.")


def _copy_entry(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Copy one entry, counting what really comes out, whatever the archive claims."""
    written = 0
    try:
        with target.open("xb") as sink:
            for block in _blocks(zipped, entry):
                written += len(block)
                if written > left:
                    raise StudyRejected(Code.TOO_LARGE, "The archive unpacks to more than this box accepts.")
                sink.write(block)
    except OSError as error:
        raise ConfigurationError(f"The temporary folder can't take the archive: {error.strerror}.") from error
    return written


def _blocks(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What comes out of one entry. StudyRejected where the archive does not give it."""
    try:
        with zipped.open(entry) as source:
            while block := source.read(_COPY_BLOCK_BYTES):
                yield block
    except _BROKEN as error:
        raise StudyRejected(Code.BAD_ARCHIVE) from error
