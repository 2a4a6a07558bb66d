"""Hand-made streams, byte by byte."""

from __future__ import annotations

import pytest

from runtime.codestream import Description, EndsEarly, check_rle, described
from runtime.syntaxes import Coding

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
SOF3 = b"\xff\xc3\x00\x0b\x0c\x00\x02\x00\x03\x01\x01\x11\x00"  # 12 bits, 2 rows, 3 columns, 1 sample
SOF0 = SOF3.replace(b"\xc3", b"\xc0")
COMMENT = b"\xff\xfe\x00\x04" + EOI  # what looks like an end within a segment is none
SOS = b"\xff\xda\x00\x08\x01\x01\x00\x01\x00\x00"


@pytest.mark.parametrize("coded", [b"\x12\x34", b"\xff\x00\x12", b"\x12\xff\xd3\x34"])
@pytest.mark.parametrize("padding", [b"", b"\0", bytes(7)])
def test_a_whole_jpeg_says_what_it_holds(coded: bytes, padding: bytes) -> None:
    stream = SOI + COMMENT + b"\xff" + SOF3 + SOS + coded + EOI + padding
    assert described(stream, Coding.JPEG) == Description(rows=2, columns=3, samples=1, bits=12)


@pytest.mark.parametrize(
    "stream",
    [
        SOI,
        SOI + SOF3[:6],
        SOI + SOF3 + SOS[:5],
        SOI + SOF3 + SOS + b"\x12\x34",
        SOI + SOF3 + SOS + b"\x12\x34" + bytes(20),
        SOI + SOF3 + SOS + b"\x12\xff",
        SOI + SOF3 + SOS + b"\x12" + EOI + b"\x34\x56" + EOI,
    ],
)
def test_a_jpeg_that_breaks_off(stream: bytes) -> None:
    with pytest.raises(EndsEarly):
        described(stream, Coding.JPEG)


@pytest.mark.parametrize("stream", [b"", b"PNG?", SOI + b"\x00\x00\x00\x00\x00", SOI + SOF0 + SOS + b"\x12" + EOI])
def test_what_is_no_lossless_jpeg(stream: bytes) -> None:
    with pytest.raises(ValueError, match=r"stream|marker|frame"):
        described(stream, Coding.JPEG)


def jpeg_2000(rows: int, columns: int, precision: int = 0x8B, step: int = 1) -> bytes:
    sizes = b"".join(value.to_bytes(4, "big") for value in (columns + 5, rows + 7, 5, 7, columns, rows, 0, 0))
    return b"\xff\x4f\xff\x51\x00\x29\x00\x00" + sizes + b"\x00\x01" + bytes((precision, step, step)) + b"\x12" + EOI


def test_jpeg_2000_says_what_it_holds() -> None:
    assert described(jpeg_2000(20, 30), Coding.JPEG_2000) == Description(20, 30, 1, 12)
    with pytest.raises(EndsEarly):
        described(jpeg_2000(20, 30)[:-1] + bytes(9), Coding.JPEG_2000)
    with pytest.raises(EndsEarly):
        described(jpeg_2000(20, 30)[:30], Coding.JPEG_2000)
    with pytest.raises(ValueError, match="coarsely"):
        described(jpeg_2000(20, 30, step=2), Coding.JPEG_2000)


def rle(*segments: bytes) -> bytes:
    starts = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    numbers = [len(segments), *starts, *[0] * (15 - len(segments))]
    return b"".join(number.to_bytes(4, "little") for number in numbers) + b"".join(segments)


def test_run_lengths_of_exactly_the_image() -> None:
    check_rle(rle(b"\x03abcd", b"\xfda"), pixels=4, bytes_per_pixel=2)  # four as they are; four times the same
    check_rle(rle(b"\x03abcd\x00", b"\x80\xfda\x00"), pixels=4, bytes_per_pixel=2)  # a byte that says nothing; padding


@pytest.mark.parametrize(
    ("stream", "error"),
    [
        (b"", EndsEarly),
        (rle(b"\x03abcd"), ValueError),
        (rle(b"\x03abcd", b"\xfea"), EndsEarly),
        (rle(b"\x03abcd", b"\x03abc"), EndsEarly),
        (rle(b"\x03abcd", b""), EndsEarly),
        (rle(b"\x03abcd", b"\xfda" + bytes(40)), EndsEarly),
        (rle(b"\x03abcd", b"\xfca"), ValueError),
        (rle(b"\x03abcd" * 9, b"\xfda"), ValueError),
    ],
)
def test_run_lengths_of_anything_else(stream: bytes, error: type[ValueError]) -> None:
    with pytest.raises(error):
        check_rle(stream, pixels=4, bytes_per_pixel=2)
