"""One DICOM file to another that a broken disk, a bad writer or an attacker might have left. Does no IO."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pydicom
from pydicom.dataelem import RawDataElement

from runtime.pixels import FEW_ZEROS
from runtime.syntaxes import SUPPORTED

_PREAMBLE_BYTES = 132
_LONG_VRS = ("OB", "OW", "OF", "SQ", "UN", "UT", "UC", "UR", "OD", "OL", "OV", "SV", "UV")
_VRS = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"DS", b"IS", b"UI", b"PN", b"US", b"AT", b"FD", b"LO")
_LENGTHS = (0, 1, 2, 0xFF, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True)
class Original:
    """A whole file, and where its elements are: (place of the tag, of the value, length of the value's length)."""

    content: bytes
    elements: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, content: bytes) -> Original:
        data = pydicom.dcmread(io.BytesIO(content), force=True)
        return cls(content, tuple(_place(one) for one in data.elements() if isinstance(one, RawDataElement)))


def _place(element: RawDataElement) -> tuple[int, int, int]:
    at = element.value_tell
    if element.is_implicit_VR:
        return at - 8, at, 4
    return (at - 12, at, 4) if element.VR in _LONG_VRS else (at - 8, at, 2)


@dataclass(frozen=True)
class Mutant:
    """is_short: bytes of the original's end are missing, or zeros; more of these than pixels may end with"""

    content: bytes
    kind: str
    is_short: bool = False


def flipped(original: Original, _: Sequence[Original], rng: random.Random) -> Mutant:
    """Single bits, half of the time all of them before the pixels."""
    content = bytearray(original.content)
    end = len(content) if rng.random() < 0.5 else max(at for at, _, _ in original.elements)
    for _flip in range(rng.randint(1, 8)):
        content[rng.randrange(_PREAMBLE_BYTES, end)] ^= 1 << rng.randrange(8)
    return Mutant(bytes(content), "flipped")


def shortened(original: Original, _: Sequence[Original], rng: random.Random) -> Mutant:
    """Cut off anywhere, or in the header; what is lost is missing, or zeros."""
    whole = original.content
    end = len(whole) if rng.random() < 0.7 else max(at for at, _, _ in original.elements)
    length = rng.randrange(0, end)
    zeros = bytes(len(whole) - length) if rng.random() < 0.5 else b""
    return Mutant(whole[:length] + zeros, "shortened", is_short=not zeros or len(zeros) > FEW_ZEROS)


def relabelled(original: Original, _: Sequence[Original], rng: random.Random) -> Mutant:
    """Another length in the place of one element's."""
    value, size = rng.choice(original.elements)[1:]
    told = int.from_bytes(original.content[value - size : value], "little")
    length = rng.choice((*_LENGTHS, told + 1, told - 1, told + 2, told - 2, told * 2, told // 2, rng.getrandbits(32)))
    content = bytearray(original.content)
    content[value - size : value] = (length % (1 << 8 * size)).to_bytes(size, "little")
    return Mutant(bytes(content), "relabelled")


def swapped(original: Original, _: Sequence[Original], rng: random.Random) -> Mutant:
    """Two elements with each other's tag."""
    content = bytearray(original.content)
    one, other = rng.choice(original.elements)[0], rng.choice(original.elements)[0]
    content[one : one + 4], content[other : other + 4] = content[other : other + 4], content[one : one + 4]
    return Mutant(bytes(content), "swapped")


def retyped(original: Original, _: Sequence[Original], rng: random.Random) -> Mutant:
    """Another value representation where one stands, or would stand."""
    content = bytearray(original.content)
    tag = rng.choice(original.elements)[0]
    content[tag + 4 : tag + 6] = rng.choice(_VRS)
    return Mutant(bytes(content), "retyped")


def spliced(original: Original, others: Sequence[Original], rng: random.Random) -> Mutant:
    """A block of another file in the place of one of this, or between two bytes, or one cut out."""
    whole, other = original.content, rng.choice(others).content
    size = 2 ** rng.randrange(1, 13)
    at, start = rng.randrange(_PREAMBLE_BYTES, len(whole)), rng.randrange(len(other))
    block = rng.choice((other[start : start + size], b""))
    behind = at + rng.choice((size, 0)) if block else at + size
    return Mutant(whole[:at] + block + whole[behind:], "spliced")


def mislabelled(original: Original, _: Sequence[Original], rng: random.Random) -> Mutant:
    """Another transfer syntax, of a name as long."""
    for found in sorted(SUPPORTED, key=len, reverse=True):
        name = str(found).encode()
        if name in original.content[:1024]:
            names = [str(one).encode() for one in SUPPORTED if len(one) == len(found) and one != found]
            content = original.content.replace(name, rng.choice(names), 1) if names else original.content
            return Mutant(content, "mislabelled")
    return flipped(original, (), rng)


MUTATIONS: Sequence[Callable[[Original, Sequence[Original], random.Random], Mutant]] = (
    flipped,
    shortened,
    shortened,
    relabelled,
    swapped,
    retyped,
    spliced,
    mislabelled,
)
"""Each as likely as it is often here."""


def mutate(original: Original, others: Sequence[Original], rng: random.Random) -> Mutant:
    """Any one mutation."""
    return rng.choice(MUTATIONS)(original, others, rng)
