"""Drops that no check of ours names, and that only a limit on memory or time ends. Too large for a table of cases."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from pydicom.uid import ImplicitVRLittleEndian

from tests.dicom_files import write_image

_ITEM = struct.pack("<HHL", 0xFFFE, 0xE000, 0)


def _insert(path: Path, place: bytes, *parts: bytes) -> None:
    whole = path.read_bytes()
    at = whole.index(place)
    with path.open("wb") as file:
        for part in (whole[:at], *parts, whole[at:]):
            file.write(part)


def _lengthen_name(path: Path, name: bytes, hole_bytes: int = 0) -> None:
    whole = path.read_bytes()
    at = whole.index(struct.pack("<HHL", 0x0010, 0x0010, 8))
    with path.open("wb") as file:
        file.write(whole[:at] + struct.pack("<HHL", 0x0010, 0x0010, len(name) + hole_bytes) + name)
        file.seek(hole_bytes, 1)
        file.write(whole[at + 16 :])


def items(drop: Path) -> None:
    """A sequence of five million empty items, which Python would keep as five million objects."""
    path = write_image(drop / "IM1", SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", NumberOfFrames=5000)
    count = 5_000_000
    head = struct.pack("<HH2sHL", 0x5200, 0x9230, b"SQ", 0, 8 * count)
    _insert(path, struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"), head, _ITEM * count)


def endless_items(drop: Path) -> None:
    """The same in a sequence that is not asked for, and whose length is not told."""
    path = write_image(drop / "IM1")
    head = struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, 0xFFFFFFFF)
    _insert(path, struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"), head, _ITEM * 5_000_000)


def long_name(drop: Path) -> None:
    """A patient's name of 40 MB."""
    _lengthen_name(write_image(drop / "IM1", syntax=ImplicitVRLittleEndian), b"x" * 40_000_000)


def long_element(drop: Path) -> None:
    """600 MB where a name should be: a file of holes."""
    _lengthen_name(write_image(drop / "IM1", syntax=ImplicitVRLittleEndian), b"", 600 << 20)


def much_pixel_data(drop: Path) -> None:
    """600 MB behind the header of a small image: a file of holes."""
    path = drop
    for number in range(1, 41):
        stored = np.full((64, 64), number, np.int16)
        path = write_image(drop / f"IM{number}", stored, number, ImagePositionPatient=[0, 0, 3 * number])
    whole = path.read_bytes()
    at = whole.index(struct.pack("<HH2s", 0x7FE0, 0x0010, b"OW"))
    size = 600 << 20
    with path.open("wb") as file:
        file.write(whole[: at + 8] + struct.pack("<L", size))
        file.truncate(at + 12 + size)


def directory(drop: Path) -> None:
    """A zip's directory of a million names: hundreds of megabytes as objects."""
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    count = 1_000_000
    size = count * len(entry)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, size, 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (drop / "CT.zip").write_bytes(entry * count + end64 + locator + end)


HOGS: Mapping[str, Callable[[Path], None]] = {
    "items": items,
    "endless items": endless_items,
    "long name": long_name,
    "long element": long_element,
    "much pixel data": much_pixel_data,
    "directory": directory,
}
