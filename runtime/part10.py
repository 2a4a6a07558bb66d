"""One DICOM file to a data set: pydicom.dcmread's result in half its time, wherever the file begins as files do.

That beginning is the file meta information (PS3.10 7.1). It is looked through once, for the transfer syntax and for the
place where the data set begins; whatever is odd about it is left to pydicom. Nothing else in the file is judged.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import data_element_generator, read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from runtime.syntaxes import SUPPORTED

HEAD_BYTES = 1024
"""From the start of a file, what `plain_meta` needs to see of it; longer file meta information is left to pydicom."""
MOST_HEADER_BYTES = 64 << 20
"""What may be read of a file before its pixel data; an enhanced image of 5,000 frames needs a tenth of it."""
TRANSFER_SYNTAX = Tag("TransferSyntaxUID")
PIXEL_DATA = 0x7FE00010
PIXEL_DATA_GROUP = (b"\xe0\x7f", b"\x7f\xe0")
"""As files begin with it, little endian and big endian."""
PIXEL_DATA_OF_ANY_KIND = (PIXEL_DATA, 0x7FE00009, 0x7FE00008)
_SHORT_VRS = frozenset((b"UL", b"UI", b"SH", b"AE"))
_LONG_VRS = frozenset((b"OB", b"UN"))
_SYNTAXES = {uid.encode(): uid for uid in SUPPORTED}


@dataclass(frozen=True, slots=True)
class Meta:
    """File meta information without oddities; the data set follows at byte `end`."""

    elements: dict[BaseTag, DataElement | RawDataElement]
    syntax_uid: str
    end: int


def plain_meta(head: bytes) -> Meta | None:
    """The file meta information in `head`, or None where anything is unusual, its syntax included.

    So what has it is not deflated.
    """
    if head[128:132] != b"DICM":
        return None
    elements: dict[BaseTag, DataElement | RawDataElement] = {}
    syntax, at, group = b"", 132, 0
    while len(head) >= at + 12:
        group, number, vr, length = struct.unpack_from("<HH2sH", head, at)
        if group != 2:
            break
        start = at + 8
        if vr in _LONG_VRS:
            (length,) = struct.unpack_from("<L", head, start)
            start += 4
        elif vr not in _SHORT_VRS:
            return None
        at = start + length
        tag = BaseTag(group << 16 | number)
        if not length:
            return None
        if tag == TRANSFER_SYNTAX:
            syntax = head[start:at]
        elements[tag] = RawDataElement(tag, vr.decode(), length, head[start:at], start, False, True)
    else:
        return None
    syntax_uid = _SYNTAXES.get(syntax.rstrip(b"\0 "))
    return Meta(elements, syntax_uid, at) if syntax_uid and group else None


def read_header(file: BinaryIO, meta: Meta | None, tags: Sequence[BaseTag]) -> Dataset:
    """Of an open file, the elements before the pixel data that are in `tags`; the file is left where they end.

    Raises what pydicom raises, and ValueError beyond MOST_HEADER_BYTES. Without `meta` pydicom reads all of it, and
    inflates what is deflated.
    """
    bounded = _bounded(file)
    if meta is None:
        bounded.seek(0)
        return pydicom.dcmread(bounded, force=True, stop_before_pixels=True, specific_tags=list(tags))
    bounded.seek(meta.end)
    dataset = read_dataset(
        bounded,
        is_implicit_VR=meta.syntax_uid == ImplicitVRLittleEndian,
        is_little_endian=meta.syntax_uid != ExplicitVRBigEndian,
        stop_when=_at_pixel_data,
        specific_tags=list(tags),
    )
    dataset.file_meta = FileMetaDataset(meta.elements)
    return dataset


def read_pixel_data(file: BinaryIO, at: int, *, implicit_vr: bool, little_endian: bool) -> bytes:
    """The value of the pixel data element that begins at byte `at` of an open file, as it is stored.

    Where the file ends within it: what there is, or EOFError. ValueError where there is no such element.
    """
    file.seek(at)
    element = next(data_element_generator(file, implicit_vr, little_endian), None)
    if element is None or element.tag != PIXEL_DATA or not isinstance(element.value, bytes):
        raise ValueError("no pixel data")
    return element.value


def _bounded(file: BinaryIO) -> BinaryIO:
    """The file itself where it is too small to be more header than is read."""
    is_small = os.fstat(file.fileno()).st_size <= MOST_HEADER_BYTES
    return file if is_small else cast(BinaryIO, _Bounded(file, MOST_HEADER_BYTES))


class _Bounded:
    """As much of an open file as pydicom's reading asks of one, until so many bytes have been read."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file, self._left = file, left
        self.seek, self.tell, self.name = file.seek, file.tell, file.name

    def read(self, size: int = -1) -> bytes:
        self._left -= size if size >= 0 else self._left + 1
        if self._left < 0:
            raise ValueError("more header than any image has")
        return self._file.read(size)


def _at_pixel_data(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return int(tag) in PIXEL_DATA_OF_ANY_KIND
