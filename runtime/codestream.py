"""What a compressed image says about itself, before any decoder sees it: size, precision, and whether its end is there.

Decoders trust these numbers with their memory (JPEG-LS of another size ends the process), and JPEG's takes a stream
that breaks off for a whole one. Decodes nothing. JPEG: ITU-T T.81 annex B; JPEG-LS: T.87 annex C; JPEG 2000: T.800
annex A; RLE: DICOM PS3.5 annex G.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from itertools import pairwise

from runtime.syntaxes import Coding

_START, _END = b"\xff\xd8", b"\xff\xd9"
_START_2000 = b"\xff\x4f\xff\x51"
_SCAN = 0xDA
_FRAMES = {0xC3, 0xF7}
"""SOF3, lossless with Huffman codes, and SOF55, JPEG-LS. Others are lossy: a file that names them so is wrong."""
_MARKER_IN_SCAN = re.compile(rb"\xff+[\x80-\xcf\xd8-\xfe]")
"""In coded data FF is followed by a stuffed byte or bit, or by a restart marker."""
_RLE_HEADER_BYTES = 64
_RLE_PADDING = 16
"""A run of zeros is one pair of bytes in RLE; more zeros than this at the end were never written."""


@dataclass(frozen=True, slots=True)
class Description:
    """Of one image in a stream: its matrix, samples per pixel and bits per sample."""

    rows: int
    columns: int
    samples: int
    bits: int


class EndsEarly(ValueError):
    """The stream's end is missing."""


def described(stream: bytes, coding: Coding) -> Description:
    """What a JPEG, JPEG-LS or JPEG 2000 stream holds. EndsEarly where it breaks off, ValueError where it is none."""
    try:
        return _jpeg(stream) if coding is Coding.JPEG else _jpeg_2000(stream)
    except (struct.error, IndexError) as error:
        raise EndsEarly("the stream ends within its header") from error


def check_rle(stream: bytes, pixels: int, bytes_per_pixel: int) -> None:
    """EndsEarly or ValueError where run lengths do not unpack to exactly so many pixels, in a segment for each byte."""
    if len(stream) < _RLE_HEADER_BYTES:
        raise EndsEarly("the stream ends within its header")
    count, *starts = struct.unpack_from("<16I", stream)
    if count != bytes_per_pixel:
        raise ValueError(f"{count} segments for {bytes_per_pixel} bytes a pixel")
    if len(stream) - len(stream.rstrip(b"\0")) > _RLE_PADDING:
        raise EndsEarly("the end is empty")
    for start, end in pairwise((*starts[:count], len(stream))):
        if not _RLE_HEADER_BYTES <= start < end <= len(stream):
            raise EndsEarly("a segment begins behind the end")
        place, unpacked = start, 0
        while unpacked < pixels:
            if place >= end:
                raise EndsEarly("a segment is short")
            run = stream[place]
            unpacked += run + 1 if run < 128 else 257 - run if run > 128 else 0
            place += run + 2 if run < 128 else 2 if run > 128 else 1
        if place > end:
            raise EndsEarly("the last run of a segment is short")
        if unpacked > pixels or end - place > _RLE_PADDING:
            raise ValueError("a segment holds more than the image")


def _jpeg(stream: bytes) -> Description:
    if stream[:2] != _START:
        raise ValueError("no JPEG stream")
    description: Description | None = None
    place = 2
    while True:
        while stream[place] == 0xFF and stream[place + 1] == 0xFF:  # fill bytes
            place += 1
        mark, kind, length = struct.unpack_from(">BBH", stream, place)
        if mark != 0xFF or kind < 0xC0 or length < 2:
            raise ValueError("no marker where one must be")
        if kind in _FRAMES:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", stream, place + 4)
            description = Description(rows, columns, samples, bits)
        place += 2 + length
        if kind == _SCAN:
            break
    if description is None:
        raise ValueError("no lossless frame before the scan")
    end = _MARKER_IN_SCAN.search(stream, place)
    if end is None or end[0][-1:] != _END[1:] or stream[end.end() :].strip(b"\0"):
        raise EndsEarly("the scan does not reach to the end of the image")
    return description


def _jpeg_2000(stream: bytes) -> Description:
    if stream[:4] != _START_2000:
        raise ValueError("no JPEG 2000 codestream")
    x_size, y_size, x_offset, y_offset = struct.unpack_from(">4I", stream, 8)
    (samples,) = struct.unpack_from(">H", stream, 40)
    precision, x_step, y_step = struct.unpack_from(">3B", stream, 42)
    if (x_step, y_step) != (1, 1):
        raise ValueError("a component that is sampled more coarsely than the image")
    if not stream.rstrip(b"\0").endswith(_END):
        raise EndsEarly("the end of the codestream is missing")
    return Description(y_size - y_offset, x_size - x_offset, samples, (precision & 0x7F) + 1)
