"""A drop: one folder, zip or file as it was copied in, opened within limits.

Only regular files count; links and special files are refused, and nothing outside the drop is ever opened. Zip entries
are unpacked under numbers of our own, so that no name in an archive can point anywhere. File names mean nothing here.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from runtime.codes import Code
from runtime.errors import ConfigurationError, StudyRejected, UsageError

LONGEST_NAME_BYTES = 180
"""File systems end at 255, and the key and a number follow."""
_COPY_BLOCK_BYTES = 1 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What Windows and scanners write. The others have decoders of their own ways to fail."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one drop may hold."""

    files: int = 20_000
    depth: int = 8
    unpacked_bytes: int = 8 << 30


def drop_name(path: Path) -> str:
    """The name that the drop's results carry: the folder's, or the zip's without its ending; at most 180 bytes long."""
    name = path.resolve().name
    name = name[:-4] if name.lower().endswith(".zip") else name
    return os.fsencode(name)[:LONGEST_NAME_BYTES].decode(errors="replace")


def open_drop(path: Path, scratch: Path, limits: Limits) -> list[Path]:
    """The drop's regular files, sorted; a zip is unpacked into `scratch`, an empty folder of the caller's.

    Names that begin with a dot are what other programs leave behind, and no images. UsageError where `path` does not
    exist, ConfigurationError where `scratch` is full. StudyRejected: UNSAFE_FILES, TOO_LARGE, BAD_ARCHIVE, UNREADABLE.
    """
    if path.is_dir():
        try:
            return _walk(path, limits)
        except OSError as error:
            raise StudyRejected(Code.UNREADABLE, f"A folder can't be opened: {error.strerror}.") from error
    if not path.is_file():
        raise UsageError(f"There is no folder or file {path}.")
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return _unpack(path, scratch, limits)
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


def _unpack(archive: Path, scratch: Path, limits: Limits) -> list[Path]:
    files: list[Path] = []
    left = limits.unpacked_bytes
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = [
                entry
                for entry in zipped.infolist()
                if not entry.is_dir() and not PurePosixPath(entry.filename).name.startswith(".")
            ]
            if len(entries) > limits.files:
                raise StudyRejected(Code.TOO_LARGE, f"More than {limits.files} files.")
            for number, entry in enumerate(entries):
                if entry.flag_bits & 1:
                    raise StudyRejected(Code.BAD_ARCHIVE, "It is encrypted.")
                if entry.compress_type not in _METHODS:
                    raise StudyRejected(Code.BAD_ARCHIVE, "It is compressed in an unusual way.")
                if stat.S_ISLNK(entry.external_attr >> 16):
                    raise StudyRejected(Code.UNSAFE_FILES)
                target = scratch / f"{number:06d}"
                left -= _copy_entry(zipped, entry, target, left)
                files.append(target)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise StudyRejected(Code.BAD_ARCHIVE) from error
    return files


def _copy_entry(zipped: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Copy one entry, counting what really comes out, whatever the archive claims."""
    written = 0
    with zipped.open(entry) as source, target.open("xb") as sink:
        while block := source.read(_COPY_BLOCK_BYTES):
            written += len(block)
            if written > left:
                raise StudyRejected(Code.TOO_LARGE, "The archive unpacks to more than this box accepts.")
            try:
                sink.write(block)
            except OSError as error:
                raise ConfigurationError(f"The temporary folder can't take the archive: {error.strerror}.") from error
    return written
