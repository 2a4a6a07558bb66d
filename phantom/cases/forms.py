"""Cases of how images are stored: transfer syntaxes, multi-frame files, what broke off. Each makes one drop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, HTJ2KLossless, JPEGBaseline8Bit, JPEGExtended12Bit

from phantom.cases.case import Case, coarse, edit, settings
from phantom.compression import LOSSY
from phantom.compression import SYNTAXES as COMPRESSED
from phantom.enhanced import write_enhanced
from phantom.series import write_series
from runtime.codes import Code
from runtime.volume import Volume

READ = {
    "explicit": "Explicit VR Little Endian",
    "implicit": "Implicit VR Little Endian",
    "big endian": "Explicit VR Big Endian, retired but still in archives",
    **{name: syntax.name for name, syntax in COMPRESSED.items()},
}
"""Every syntax that is read, and its full name."""
_NOT_READ = {"jpeg baseline": JPEGBaseline8Bit, "jpeg extended": JPEGExtended12Bit, "htj2k": HTJ2KLossless}


def _stored_as(syntax: str) -> Callable[[Volume, Path], None]:
    def write(head: Volume, drop: Path) -> None:
        write_series(head, drop, settings(syntax=syntax))

    return write


def _deflated(head: Volume, drop: Path) -> None:
    write_series(coarse(head), drop, settings(syntax="deflated"))


def _labelled_as(syntax: UID) -> Callable[[Volume, Path], None]:
    """Of the refused ones nothing but the name is looked at."""

    def write(head: Volume, drop: Path) -> None:
        for path in write_series(coarse(head), drop, settings()):
            data = pydicom.dcmread(path)
            data.file_meta.TransferSyntaxUID = syntax
            data.PixelData = encapsulate([b"\xff\xd8\xff\xd9"])
            data.save_as(path)

    return write


def _enhanced(head: Volume, drop: Path) -> None:
    write_enhanced(head, drop / "IM1", settings(shuffle_seed=3))


def _enhanced_compressed(head: Volume, drop: Path) -> None:
    write_enhanced(head, drop / "IM1", settings(syntax="jpeg-ls"))


def _enhanced_with_contrast(head: Volume, drop: Path) -> None:
    write_enhanced(coarse(head), drop / "IM1", settings(contrast_agent="Iohexol"))


def _a_group_short(head: Volume, drop: Path) -> None:
    path = write_enhanced(coarse(head), drop / "IM1", settings())
    data = pydicom.dcmread(path)
    del data.PerFrameFunctionalGroupsSequence[7]
    data.save_as(path)


def _a_frame_without_position(head: Volume, drop: Path) -> None:
    path = write_enhanced(coarse(head), drop / "IM1", settings())
    data = pydicom.dcmread(path)
    del data.PerFrameFunctionalGroupsSequence[7].PlanePositionSequence
    data.save_as(path)


def _fewer_frames_than_told(head: Volume, drop: Path) -> None:
    path = write_enhanced(coarse(head), drop / "IM1", settings())
    data = pydicom.dcmread(path)
    data.PixelData = data.PixelData[: len(data.PixelData) * 2 // 3]
    data.save_as(path)


def _broken_off(head: Volume, drop: Path) -> None:
    path = write_series(coarse(head), drop, settings())[12]
    path.write_bytes(path.read_bytes()[:-5000])


def _never_filled(head: Volume, drop: Path) -> None:
    path = write_series(coarse(head), drop, settings())[12]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))


def _short_stream(syntax: str) -> Callable[[Volume, Path], None]:
    def write(head: Volume, drop: Path) -> None:
        path = write_series(coarse(head), drop, settings(syntax=syntax))[12]
        data = pydicom.dcmread(path)
        (stream,) = generate_frames(data.PixelData, number_of_frames=1)
        data.PixelData = encapsulate([stream[: len(stream) * 2 // 3]])
        data.save_as(path)

    return write


def _other_size(head: Volume, drop: Path) -> None:
    edit(write_series(coarse(head), drop, settings(syntax="jpeg-ls"))[12], PixelData=_a_small_stream(drop))


def _a_small_stream(drop: Path) -> bytes:
    """The first of the drop's streams, with half the rows in its header."""
    data = pydicom.dcmread(next(iter(sorted(drop.iterdir()))))
    (stream,) = generate_frames(data.PixelData, number_of_frames=1)
    at = stream.index(b"\xff\xf7") + 5
    rows = int.from_bytes(stream[at : at + 2], "big") // 2
    return encapsulate([stream[:at] + rows.to_bytes(2, "big") + stream[at + 2 :]])


def _an_empty_file(head: Volume, drop: Path) -> None:
    write_series(head, drop, settings())[25].write_bytes(b"")


def _never_begun(head: Volume, drop: Path) -> None:
    path = write_series(head, drop, settings())[25]
    path.write_bytes(bytes(path.stat().st_size))


def _one_deflated(head: Volume, drop: Path) -> None:
    write_series(head, drop / "a", settings())
    write_series(coarse(head), drop / "b", settings(number=9, description="Head 5.0", syntax="deflated"))


CASES = (
    *(
        Case(name, f"A series stored as {title}.", _stored_as(name), flags=_lossy)
        for name, title in READ.items()
        for _lossy in [frozenset({Code.LOSSY_COMPRESSION} if name in LOSSY else ())]
    ),
    Case("deflated", "A series stored as Deflated Explicit VR.", _deflated, Code.UNSUPPORTED_SYNTAX),
    *(
        Case(name, f"A series stored as {syntax.name}.", _labelled_as(syntax), Code.UNSUPPORTED_SYNTAX)
        for name, syntax in _NOT_READ.items()
    ),
    Case(
        "deflated beside",
        "A thick deflated series beside the thin one.",
        _one_deflated,
        flags=frozenset({Code.UNREADABLE}),
    ),
    Case("enhanced", "One enhanced multi-frame CT file, its frames in no order.", _enhanced),
    Case("enhanced, compressed", "One enhanced multi-frame CT file in JPEG-LS.", _enhanced_compressed),
    Case(
        "enhanced with contrast",
        "An enhanced file that names a contrast agent.",
        _enhanced_with_contrast,
        Code.CONTRAST_ENHANCED,
    ),
    Case(
        "a group short", "An enhanced file with fewer functional groups than frames.", _a_group_short, Code.UNREADABLE
    ),
    Case(
        "a frame without position",
        "An enhanced file with a frame that lies nowhere.",
        _a_frame_without_position,
        Code.UNREADABLE,
    ),
    Case("frames missing", "An enhanced file whose pixel data ends early.", _fewer_frames_than_told, Code.TRUNCATED),
    Case("broken off", "A file that ends within its pixels.", _broken_off, Code.TRUNCATED),
    Case("never filled", "A file that was made at full length and half filled.", _never_filled, Code.TRUNCATED),
    Case(
        "short stream, JPEG",
        "A JPEG lossless image without its end.",
        _short_stream("jpeg lossless sv1"),
        Code.TRUNCATED,
    ),
    Case("short stream, JPEG-LS", "A JPEG-LS image without its end.", _short_stream("jpeg-ls"), Code.TRUNCATED),
    Case("short stream, JPEG 2000", "A JPEG 2000 image without its end.", _short_stream("jpeg 2000"), Code.TRUNCATED),
    Case("short stream, RLE", "An RLE image without its end.", _short_stream("rle"), Code.TRUNCATED),
    Case("stream of another size", "A JPEG-LS image smaller than its header says.", _other_size, Code.UNREADABLE),
    Case(
        "an empty file",
        "One file of the series is empty.",
        _an_empty_file,
        flags=frozenset({Code.UNREADABLE, Code.MISSING_SLICES, Code.VARIABLE_SPACING}),
    ),
    Case(
        "never begun",
        "One file was made at full length and holds zeros only.",
        _never_begun,
        flags=frozenset({Code.UNREADABLE, Code.MISSING_SLICES, Code.VARIABLE_SPACING}),
    ),
)
