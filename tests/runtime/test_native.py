"""Uncompressed images: as pydicom's decoder reads them, and every value to the same HU as by the standard's formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from runtime.codes import Code
from runtime.dicom import read_studies
from runtime.errors import StudyRejected
from runtime.pixels import Budget, read_pixels
from tests.dicom_files import write_image

ROWS, COLUMNS = 16, 20


def hu_of(path: Path) -> NDArray[np.int16]:
    (series,) = read_studies([path]).studies[0].series
    hu: NDArray[np.int16] = read_pixels(series, Budget())[0]
    return hu


def expected(stored: NDArray[Any], slope: float = 1, intercept: float = 0) -> NDArray[np.int16]:
    """PS3.3 C.11.1.1.2, and clipped."""
    hu = np.rint(stored.astype(np.float64) * slope + intercept)
    return np.asarray(np.clip(hu, -1024, 32767), dtype=np.int16)


def stored_as(
    path: Path, syntax: UID, pixels: bytes, allocated: int, stored: int, signed: bool, **elements: Any
) -> Path:
    """`pixels` as they are, whatever the syntax's byte order."""
    write_image(
        path, syntax=ImplicitVRLittleEndian if syntax == ImplicitVRLittleEndian else ExplicitVRLittleEndian,
        Rows=ROWS, Columns=COLUMNS, BitsAllocated=allocated, BitsStored=stored, HighBit=stored - 1,
        PixelRepresentation=int(signed), RescaleIntercept=0, PixelData=pixels, **elements,
    )  # fmt: skip
    if syntax == ExplicitVRBigEndian:
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = syntax
        list(data)  # converts numbers, so that they are written in the other order; pixels are bytes
        pydicom.dcmwrite(path, data, implicit_vr=False, little_endian=False, force_encoding=True)
    return path


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    ("allocated", "stored"), [(8, 8), (8, 5), (16, 16), (16, 12), (16, 1), (32, 32), (32, 20), (32, 16)]
)
def test_any_bytes_are_read_as_by_pydicom(
    tmp_path: Path, syntax: UID, signed: bool, allocated: int, stored: int
) -> None:
    pixels = np.random.default_rng(allocated + stored).bytes(ROWS * COLUMNS * allocated // 8)
    path = stored_as(tmp_path / "a", syntax, pixels, allocated, stored, signed)
    options: dict[str, Any] = {
        "pixel_keyword": "PixelData", "rows": ROWS, "columns": COLUMNS, "number_of_frames": 1, "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2", "bits_allocated": allocated, "bits_stored": stored,
        "pixel_representation": int(signed),
    }  # fmt: skip
    theirs, _ = get_decoder(syntax).as_array(pixels, raw=True, **options)
    np.testing.assert_array_equal(hu_of(path), expected(theirs))


@pytest.mark.parametrize("kind", [np.int16, np.uint16])
@pytest.mark.parametrize("slope", [1, 2, 0.5])
@pytest.mark.parametrize("intercept", [0, -1024, -8192, 1000, 16383, -16383, 20000, -40000, 0.5])
def test_every_stored_value_becomes_its_hu(
    tmp_path: Path, kind: type[np.int16 | np.uint16], slope: float, intercept: float
) -> None:
    limits = np.iinfo(kind)
    every = np.arange(limits.min, limits.max + 1).astype(kind).reshape(256, 256)
    path = write_image(tmp_path / "a", every, RescaleSlope=slope, RescaleIntercept=intercept)
    np.testing.assert_array_equal(hu_of(path), expected(every, slope, intercept))


@pytest.mark.parametrize("elements", [{"BitsStored": 17}, {"BitsStored": 0}, {"PixelRepresentation": 2}])
def test_bits_that_cannot_be(tmp_path: Path, elements: dict[str, Any]) -> None:
    with pytest.raises(StudyRejected) as caught:
        hu_of(write_image(tmp_path / "a", **elements))
    assert caught.value.code is Code.UNREADABLE
