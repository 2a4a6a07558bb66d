"""Compressed images: as stored, bit for bit, from whichever encoder; and nothing that is short or of another size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from openjpeg.utils import encode_array
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import UID, JPEG2000Lossless, JPEGLSLossless, RLELossless

from phantom.compression import LOSSY, SYNTAXES, Compressed, compress
from runtime.codes import Code
from runtime.dicom import read_studies
from runtime.errors import StudyRejected
from runtime.pixels import Budget, read_pixels
from tests.dicom_files import write_image

LOSSLESS = [name for name in SYNTAXES if name not in LOSSY]


def stored(bits: int, signed: bool, shape: tuple[int, int] = (40, 64)) -> NDArray[Any]:
    """A wandering surface with both ends of the range in it: values in int16 or uint16."""
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    steps = np.random.default_rng(bits + signed).integers(-30, 31, shape)
    values = np.clip(steps.cumsum(axis=1) + (low + high) // 2, low, high)
    values[0, :3] = low, high, -5 if signed else 5
    kind: type[np.int16] | type[np.uint16] = np.int16 if signed else np.uint16
    return np.asarray(values, dtype=kind)


def hu_of(path: Path) -> NDArray[np.int16]:
    (series,) = read_studies([path]).studies[0].series
    hu: NDArray[np.int16] = read_pixels(series, Budget())[0]
    return hu


def expected(values: NDArray[Any]) -> NDArray[np.int16]:
    return np.asarray(np.clip(values.astype(np.int32), -1024, 32767), dtype=np.int16)


def written(path: Path, values: NDArray[Any], bits: int, **elements: Any) -> Path:
    return write_image(path, values, BitsStored=bits, HighBit=bits - 1, RescaleIntercept=0, **elements)


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("bits", [12, 16])
def test_lossless_syntaxes_give_back_every_bit(tmp_path: Path, syntax: Compressed, signed: bool, bits: int) -> None:
    values = stored(bits, signed)
    path = written(tmp_path / "a", values, bits)
    compress(path, syntax)
    assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    np.testing.assert_array_equal(hu_of(path), expected(values))


def _jpeg_ls(values: NDArray[Any], bits: int) -> bytes:
    encoded: bytes = get_encoder(JPEGLSLossless).encode(
        values, encoding_plugin="pyjpegls", rows=values.shape[0], columns=values.shape[1], samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2", pixel_representation=int(values.dtype.kind == "i"),
        bits_allocated=16, bits_stored=bits, number_of_frames=1,
    )  # fmt: skip
    return encoded


def _rle(values: NDArray[Any], _bits: int) -> bytes:
    encoded: bytes = get_encoder(RLELossless).encode(
        values, encoding_plugin="pydicom", rows=values.shape[0], columns=values.shape[1], samples_per_pixel=1,
        photometric_interpretation="MONOCHROME2", pixel_representation=int(values.dtype.kind == "i"),
        bits_allocated=16, bits_stored=16, number_of_frames=1,
    )  # fmt: skip
    return encoded


def _jpeg_2000(values: NDArray[Any], bits: int) -> bytes:
    return encode_array(values, bits_stored=bits)


@pytest.mark.parametrize(
    ("syntax", "encode"), [(JPEGLSLossless, _jpeg_ls), (JPEG2000Lossless, _jpeg_2000), (RLELossless, _rle)]
)
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("bits", "precision"), [(12, 12), (16, 16), (12, 16)])
def test_other_encoders_than_the_decoders_own(
    tmp_path: Path, syntax: UID, encode: Callable[[NDArray[Any], int], bytes], signed: bool, bits: int, precision: int
) -> None:
    values = stored(bits, signed)
    pixels = encapsulate([encode(values, precision)])
    path = written(tmp_path / "a", values, bits, syntax=syntax, PixelData=pixels)
    np.testing.assert_array_equal(hu_of(path), expected(values))


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_a_stream_of_more_bits_than_are_stored(tmp_path: Path, syntax: Compressed) -> None:
    values = stored(12, True)
    path = written(tmp_path / "a", values, 16)
    compress(path, syntax)
    data = pydicom.dcmread(path)
    data.BitsStored, data.HighBit = 12, 11
    data.save_as(path)
    np.testing.assert_array_equal(hu_of(path), expected(values))


def short_streams(stream: bytes) -> dict[str, bytes]:
    """What is left of a stream when a copy breaks off, with and without the room that was made for the rest."""
    lengths = {"the last 40 bytes": len(stream) - 40, "half": len(stream) // 2, "all but 60 bytes": 60, "nearly all": 8}
    cut = {f"{what} lost": stream[:length] for what, length in lengths.items()}
    return cut | {f"{name}, zeros instead": part + bytes(len(stream) - len(part)) for name, part in cut.items()}


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("what", list(short_streams(bytes(1000))))
def test_a_short_stream_is_never_taken_for_an_image(tmp_path: Path, syntax: Compressed, what: str) -> None:
    path = written(tmp_path / "a", stored(16, True), 16)
    compress(path, syntax)
    data = pydicom.dcmread(path)
    (stream,) = generate_frames(data.PixelData, number_of_frames=1)
    data.PixelData = encapsulate([short_streams(stream)[what]])
    data.save_as(path)
    with pytest.raises(StudyRejected) as caught:
        hu_of(path)
    assert caught.value.code in (Code.TRUNCATED, Code.UNREADABLE)


@pytest.mark.parametrize("syntax", LOSSLESS)
def test_a_file_that_ends_within_a_stream(tmp_path: Path, syntax: Compressed) -> None:
    path = written(tmp_path / "a", stored(16, True), 16)
    compress(path, syntax)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(StudyRejected) as caught:
        hu_of(path)
    assert caught.value.code in (Code.TRUNCATED, Code.UNREADABLE)


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize("shape", [(20, 64), (80, 64), (40, 128), (40, 32), (64, 40), (0xFFF, 0xFFF)])
def test_a_stream_of_another_size_never_reaches_its_decoder(
    tmp_path: Path, syntax: Compressed, shape: tuple[int, int]
) -> None:
    """JPEG-LS of another size than announced ends the process."""
    path = written(tmp_path / "a", stored(16, True), 16)
    compress(path, syntax)
    data = pydicom.dcmread(path)
    data.Rows, data.Columns = shape
    data.save_as(path)
    if syntax == "rle" and shape == (64, 40):
        return  # the same number of pixels, and runs of bytes know no rows
    with pytest.raises(StudyRejected) as caught:
        hu_of(path)
    assert caught.value.code in (Code.TRUNCATED, Code.UNREADABLE)
