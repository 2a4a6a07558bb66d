"""Cases of what is made to exhaust or to deceive: little to copy, and more to read than any box has. Harms nobody."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
from pydicom.uid import DeflatedExplicitVRLittleEndian

from phantom.cases.case import Case, coarse, edit, settings
from phantom.enhanced import write_enhanced
from phantom.series import write_series
from runtime.codes import Code
from runtime.volume import Volume

_DEEP = 20_000
_MANY = 30_000
_ZEROS = bytes(1 << 20)


def _deflated(head: Volume, drop: Path) -> None:
    """A gigabyte of zeros, deflated to one megabyte, behind file meta information that says so."""
    path = write_series(coarse(head), drop, settings())[0]
    data = pydicom.dcmread(path, stop_before_pixels=True)
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(path)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = b"".join(deflate.compress(_ZEROS) for _ in range(1024)) + deflate.flush()
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rindex(b"STROKEBOX") + 10] + zeros)
    _only(path)


def _with(**elements: Any) -> Callable[[Volume, Path], None]:
    """Every slice of a series says so."""

    def write(head: Volume, drop: Path) -> None:
        for path in write_series(coarse(head), drop, settings()):
            edit(path, **elements)

    return write


def _frames_told(head: Volume, drop: Path) -> None:
    edit(write_enhanced(coarse(head), drop / "IM1", settings()), NumberOfFrames=2**31 - 1)


def _frames_listed(head: Volume, drop: Path) -> None:
    """As many empty groups as are told."""
    path = write_enhanced(coarse(head), drop / "IM1", settings())
    data = pydicom.dcmread(path)
    data.NumberOfFrames = 500_000
    del data.PerFrameFunctionalGroupsSequence
    _insert(data, path, _sequence(0x5200, 0x9230, struct.pack("<HHL", 0xFFFE, 0xE000, 0) * 500_000))


def _nested(head: Volume, drop: Path) -> None:
    """A sequence within a sequence and so on, each of a length that only its end would show."""
    for path in write_series(coarse(head), drop, settings()):
        _insert(pydicom.dcmread(path), path, _sequence_start() * _DEEP)


def _nested_groups(head: Volume, drop: Path) -> None:
    """The same where frames are told of, each of a told length."""
    path = write_enhanced(coarse(head), drop / "IM1", settings())
    data = pydicom.dcmread(path)
    del data.PerFrameFunctionalGroupsSequence
    _insert(data, path, _nest())


def _nest() -> bytes:
    """From the innermost outwards; a length takes 4 bytes, so this stays as small as it is deep."""
    inner = b""
    for _ in range(_DEEP // 4):
        item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
        inner = _sequence(0x5200, 0x9230, item)
    return inner


def _sequence(group: int, number: int, items: bytes) -> bytes:
    return struct.pack("<HH2sHL", group, number, b"SQ", 0, len(items)) + items


def _sequence_start() -> bytes:
    """A sequence and its first item, both without an end."""
    undefined = 0xFFFFFFFF
    return struct.pack("<HH2sHLHHL", 0x5200, 0x9230, b"SQ", 0, undefined, 0xFFFE, 0xE000, undefined)


def _insert(data: pydicom.FileDataset, path: Path, element: bytes) -> None:
    """Write the data set with one more element, which comes before the pixel data."""
    data.save_as(path)
    whole = path.read_bytes()
    place = whole.rindex(struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    path.write_bytes(whole[:place] + element + whole[place:])


def _only(path: Path) -> None:
    for other in path.parent.iterdir():
        if other != path:
            other.unlink()


def _zip_of_zeros(_head: Volume, drop: Path) -> None:
    """One gigabyte in one megabyte."""
    drop.mkdir()
    with (
        zipfile.ZipFile(drop / "CT.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped,
        zipped.open("IM1", "w", force_zip64=True) as entry,
    ):
        for _ in range(1024):
            entry.write(_ZEROS)


def _zip_of_overlaps(_head: Volume, drop: Path) -> None:
    """Every entry of the directory is the same data: ten megabytes, ten thousand times."""
    drop.mkdir()
    with zipfile.ZipFile(drop / "CT.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("IM1", bytes(10 << 20))
        for number in range(2, 10_000):
            entry = zipfile.ZipInfo(f"IM{number}")
            first = zipped.filelist[0]
            for name in ("header_offset", "CRC", "compress_size", "file_size", "compress_type", "external_attr"):
                setattr(entry, name, getattr(first, name))
            zipped.filelist.append(entry)


def _zip_of_many(_head: Volume, drop: Path) -> None:
    drop.mkdir()
    with zipfile.ZipFile(drop / "CT.zip", "w") as zipped:
        for number in range(_MANY):
            zipped.writestr(f"IM{number}", b"")


def _zip_of_zips(_head: Volume, drop: Path) -> None:
    """Of what is in a zip, nothing is unpacked again."""
    drop.mkdir()
    content = b"PK"
    for level in range(20):
        with zipfile.ZipFile(drop / f"{level}.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
            for number in range(10):
                zipped.writestr(f"{number}.zip", content)
        content = (drop / f"{level}.zip").read_bytes()
    _only(drop / f"{level}.zip")


def _linked(head: Volume, drop: Path) -> None:
    """A folder of the study is a link to the folder above: there is no end to it."""
    write_series(coarse(head), drop, settings())
    (drop / "more").symlink_to(drop.parent, target_is_directory=True)


def _pipe(head: Volume, drop: Path) -> None:
    """Whoever opens it to read waits for ever."""
    write_series(coarse(head), drop, settings())
    os.mkfifo(drop / "IM")


CASES = (
    Case("deflate bomb", "A gigabyte of zeros, deflated to one megabyte.", _deflated, Code.UNSUPPORTED_SYNTAX),
    Case("dimension bomb", "Images of 65535 x 65535.", _with(Rows=65535, Columns=65535), Code.TOO_LARGE),
    Case("frame bomb", "An enhanced image that tells of 2147483647 frames.", _frames_told, Code.TOO_LARGE),
    Case("frame bomb, listed", "One of 500,000 frames, with a group for each.", _frames_listed, Code.TOO_LARGE),
    Case(
        "frame bomb, plain",
        "Plain images that tell of 2147483647 frames.",
        _with(NumberOfFrames=2**31 - 1),
        Code.TOO_LARGE,
    ),
    Case("nesting bomb", "Sequences 20,000 deep, without an end.", _nested, Code.UNREADABLE),
    Case("nesting bomb, enhanced", "Groups of frames 5,000 deep.", _nested_groups, Code.UNREADABLE),
    Case("zip bomb", "A zip of one megabyte that unpacks to one gigabyte.", _zip_of_zeros, Code.TOO_LARGE),
    Case("zip bomb, overlapping", "10,000 names in a zip for the same 10 MB.", _zip_of_overlaps, Code.TOO_LARGE),
    Case("zip bomb, many", "A zip of 30,000 empty files.", _zip_of_many, Code.TOO_LARGE),
    Case("zip bomb, nested", "Zips in zips, 20 deep, ten in each.", _zip_of_zips, Code.NOT_DICOM),
    Case("link outwards", "A link to the folder that the drop lies in.", _linked, Code.UNSAFE_FILES),
    Case("pipe", "A named pipe among the images.", _pipe, Code.UNSAFE_FILES),
)
