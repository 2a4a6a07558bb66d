"""One series to Hounsfield units: the only place where pixel data is decoded.

Everything is checked before a decoder sees it: transfer syntax, budget, size, and that no data is missing. It neither
chooses nor orders. What a bit turned over in the middle of compressed data does to the picture can't be told; DICOM
has no checksum. Decoders are C and may end the process on data made for it: whoever reads for others does so in a
child.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian
from scipy import ndimage

from runtime.codes import Code
from runtime.codestream import Description, EndsEarly, check_rle, described
from runtime.count import counted
from runtime.dicom import quiet
from runtime.elements import READ_ERRORS
from runtime.errors import StudyRejected
from runtime.images import MOST_FRAMES
from runtime.part10 import read_pixel_data
from runtime.progress import Progress, silent
from runtime.study import Image, Series
from runtime.syntaxes import SUPPORTED, Coding, Syntax, name_of
from runtime.volume import AIR_HU

SUSPICIOUS_ZERO_SHARE = 0.1
"""An image that ends in this share more zeros than its series' median was not copied to its end."""
BRIGHTEST_AIR_HU = -900.0
BRIGHTEST_HU = np.iinfo(np.int16).max
MOST_EXPANDED = 2
"""Compressed pixels take at most this many times the room of plain ones: runs of one value each, in RLE."""
MOST_BEHIND_BYTES = 4 << 20
"""Of what stands behind the pixel data, or of the offsets before the frames."""
FEW_ZEROS = 16
"""Where zero is not air, this many bytes more suffice: no tissue is all alike."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one study may cost, checked before anything is allocated."""

    rows: int = 4096
    columns: int = 4096
    slices: int = MOST_FRAMES
    decoded_bytes: int = 8 << 30

    def check(self, slices: int, rows: int, columns: int) -> None:
        """StudyRejected: TOO_LARGE where a stack of int16 images would exceed the budget, UNREADABLE for empty ones."""
        if min(rows, columns) < 1:
            raise StudyRejected(Code.UNREADABLE, "Images without rows or columns.")
        if rows > self.rows or columns > self.columns or slices > self.slices:
            raise StudyRejected(
                Code.TOO_LARGE,
                f"{counted(slices, 'image')} of {rows} x {columns}; "
                f"the limit is {self.slices} of {self.rows} x {self.columns}.",
            )
        if 2 * slices * rows * columns > self.decoded_bytes:
            raise StudyRejected(
                Code.TOO_LARGE, f"Decoded it would need more than {self.decoded_bytes >> 20} MiB of memory."
            )


def decoded_bytes(series: Series) -> int:
    """Of memory, for the images in Hounsfield units."""
    return 2 * sum(image.rows * image.columns for image in series.images)


def read_pixels(series: Series, budget: Budget, progress: Progress = silent) -> NDArray[np.int16]:
    """The images of `series` in Hounsfield units: int16 (N, rows, columns), in the order of `series.images`.

    Rescale slope and intercept are each image's own (PS3.3 C.11.1.1.2); padding (C.7.5.1.1.2) and all below air become
    air. MONOCHROME1 says how to display, not what is stored (C.7.6.3.1.2), so it changes nothing here. Beside the
    result, memory holds one file and one decoded image. StudyRejected: TOO_LARGE, UNSUPPORTED_SYNTAX, TRUNCATED,
    UNREADABLE.
    """
    first = series.images[0]
    budget.check(len(series.images), first.rows, first.columns)
    hu = np.empty((len(series.images), first.rows, first.columns), dtype=np.int16)
    zeros = np.zeros(len(series.images))
    with quiet():
        for number, (data, image) in enumerate(_opened(series.images)):
            progress("images", number + 1, len(hu))
            try:
                frame = _frame(data, image)
                _hounsfield(_stored(frame, image), image, hu[number])
                zeros[number] = _zeros_at_the_end(frame, image)
            except EndsEarly as error:
                raise StudyRejected(Code.TRUNCATED) from error
            except (RuntimeError, *READ_ERRORS) as error:
                raise StudyRejected(Code.UNREADABLE, "The pixels of an image can't be decoded.") from error
    if (zeros > np.median(zeros) + _tolerated_zeros(series)).any() or (zeros == 1).any() > (zeros == 1).all():
        raise StudyRejected(Code.TRUNCATED, "The end of an image is empty, as after a copy that broke off.")
    return hu


def _opened(images: Sequence[Image]) -> Iterator[tuple[bytes, Image]]:
    """Each image with the pixel data of its file; a file that holds several in a row is opened once."""
    for path, frames in groupby(images, key=lambda image: image.path):
        data: bytes | None = None
        for image in frames:
            if image.transfer_syntax_uid not in SUPPORTED:
                raise StudyRejected(Code.UNSUPPORTED_SYNTAX, f"Found: {name_of(image.transfer_syntax_uid)}.")
            if data is None:
                data = _pixel_data(path, image)
            yield data, image


def _pixel_data(path: Path, image: Image) -> bytes:
    pixels = image.pixels
    most = MOST_EXPANDED * image.frames * image.rows * image.columns * ((pixels.bits_allocated or 0) // 8)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size - pixels.at > most + MOST_BEHIND_BYTES:
                raise StudyRejected(Code.TOO_LARGE, "A file holds far more than its image.")
            return read_pixel_data(file, pixels.at, implicit_vr=pixels.implicit_vr, little_endian=pixels.little_endian)
    except EOFError as error:
        raise StudyRejected(Code.TRUNCATED) from error
    except READ_ERRORS as error:
        raise StudyRejected(Code.UNREADABLE, "An image can't be opened any more.") from error


def _frame(data: bytes, image: Image) -> bytes:
    """The image's own part of the pixel data, as it is stored. EndsEarly where it is short."""
    pixels, syntax = image.pixels, SUPPORTED[image.transfer_syntax_uid]
    if pixels.samples != 1 or pixels.bits_allocated not in (8, 16, 32):
        raise StudyRejected(Code.UNREADABLE, "An image is not single-channel 8, 16 or 32 bit.")
    if syntax.coding is not Coding.NATIVE:
        frame = get_frame(data, image.frame, number_of_frames=image.frames)
        _check(frame, image, pixels.bits_allocated, syntax)
        return frame
    size = image.rows * image.columns * pixels.bits_allocated // 8
    frame = data[image.frame * size : (image.frame + 1) * size]
    if len(frame) < size:
        raise EndsEarly("pixel data is shorter than the image")
    return frame


def _check(frame: bytes, image: Image, bits: int, syntax: Syntax) -> None:
    """EndsEarly or ValueError where a compressed image is not whole, or not what the header says."""
    if syntax.coding is Coding.RLE:
        check_rle(frame, image.rows * image.columns, bits // 8)
        return
    found = described(frame, syntax.coding)
    if found.bits > bits or found != Description(image.rows, image.columns, 1, found.bits):
        raise ValueError(f"the stream holds {found}")


def _stored(frame: bytes, image: Image) -> NDArray[Any]:
    """The stored values of one image: integers (rows, columns). A decoder's errors are RuntimeError and READ_ERRORS."""
    syntax, pixels = SUPPORTED[image.transfer_syntax_uid], image.pixels
    allocated, stored, signed = pixels.bits_allocated, pixels.bits_stored, pixels.signed
    if allocated is None or stored is None or signed is None or not 1 <= stored <= allocated:
        raise ValueError(f"no way to store pixels: {pixels}")
    if syntax.coding is Coding.NATIVE:
        big_endian = image.transfer_syntax_uid == ExplicitVRBigEndian
        return _native(frame, allocated, stored, signed, big_endian).reshape(image.rows, image.columns)
    options: dict[str, Any] = {
        "pixel_keyword": "PixelData",
        "rows": image.rows,
        "columns": image.columns,
        "number_of_frames": 1,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": allocated,
        "bits_stored": stored,
        "pixel_representation": int(signed),
    }
    decoder = get_decoder(UID(image.transfer_syntax_uid))
    values, _ = decoder.as_array(encapsulate([frame]), index=0, raw=True, decoding_plugin=syntax.decoder, **options)
    return values


def _native(frame: bytes, allocated: int, stored: int, signed: bool, big_endian: bool) -> NDArray[Any]:
    """What pydicom's decoder makes of native data (PS3.5 8.1.1), without its cost per image."""
    values = np.frombuffer(frame, f"{'<>'[big_endian]}{'ui'[signed]}{allocated // 8}")
    if big_endian:
        values = values.astype(values.dtype.newbyteorder("="))
    if stored < allocated:  # what the unused bits hold is not defined: the highest used one goes into all of them
        values = values << (allocated - stored) >> (allocated - stored)
    return values


def _zeros_at_the_end(frame: bytes, image: Image) -> float:
    """The share of zero bytes that native pixel data ends with, as a file has that was made ahead of its copy."""
    if SUPPORTED[image.transfer_syntax_uid].coding is not Coding.NATIVE:
        return 0.0
    return 1 - len(frame.rstrip(b"\0")) / len(frame) if frame[-1] == 0 else 0.0


def _tolerated_zeros(series: Series) -> float:
    """How much larger the share of zeros of one image may be than the others'."""
    first = series.images[0]
    zero_is_air = first.rescale is None or first.rescale[1] < BRIGHTEST_AIR_HU
    return SUSPICIOUS_ZERO_SHARE if zero_is_air else FEW_ZEROS / (2 * first.rows * first.columns)


def _hounsfield(stored: NDArray[Any], image: Image, hu: NDArray[np.int16]) -> None:
    """One image's stored values in HU, into `hu`: int16 (rows, columns)."""
    if image.rescale is None:
        raise StudyRejected(Code.UNREADABLE, "An image without rescale slope and intercept.")
    slope, intercept = image.rescale
    if stored.itemsize == 2 and slope == 1 and intercept.is_integer() and abs(intercept) < 1 << 14:
        _shift(stored, int(intercept), hu)  # the usual case, in a tenth of the time and to the same numbers
    else:
        hu[:] = np.clip(np.rint(stored * slope + intercept), AIR_HU, BRIGHTEST_HU)
    if image.pixels.padding is not None:
        low, high = image.pixels.padding
        padded = stored == low if low == high else (stored >= low) & (stored <= high)
        if high * slope + intercept > BRIGHTEST_AIR_HU:  # a value that tissue has, too: padding lies around the patient
            padded = _from_the_edge(padded)
        np.copyto(hu, AIR_HU, where=padded)


def _from_the_edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The parts of the mask (rows, columns) that reach the image's edge."""
    edge = mask.copy()
    edge[1:-1, 1:-1] = False
    return np.asarray(ndimage.binary_propagation(edge, mask=mask))


def _shift(stored: NDArray[Any], intercept: int, hu: NDArray[np.int16]) -> None:
    """`stored`, of 16 bits, plus `intercept`, clipped: beforehand, so that no sum needs more than its 16 bits."""
    limits = np.iinfo(stored.dtype)
    low, high = max(AIR_HU - intercept, limits.min), min(BRIGHTEST_HU - intercept, limits.max)
    np.clip(stored, low, high, out=hu.view(stored.dtype))
    hu += np.int16(intercept)
