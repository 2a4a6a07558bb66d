from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
)

from runtime.dicom import quiet
from runtime.elements import READ_ERRORS
from runtime.part10 import HEAD_BYTES, plain_meta, read_header, read_pixel_data
from runtime.syntaxes import DEFLATED
from tests.dicom_files import write_image

TAGS = [Tag(keyword) for keyword in ("SOPInstanceUID", "PatientName", "Rows", "RescaleIntercept")]


def outcome(reading: Callable[[], Dataset]) -> list[Any]:
    try:
        return told(reading())
    except READ_ERRORS as error:
        return [type(error)]


def read(path: Path) -> Dataset:
    with path.open("rb") as file:
        return read_header(file, plain_meta(file.read(HEAD_BYTES)), TAGS)


def pixel_data(path: Path) -> bytes:
    with path.open("rb") as file:
        header = read_header(file, plain_meta(file.read(HEAD_BYTES)), TAGS)
        implicit_vr, little_endian = header.original_encoding
        return read_pixel_data(file, file.tell(), implicit_vr=bool(implicit_vr), little_endian=bool(little_endian))


def told(dataset: Dataset) -> list[Any]:
    """All that is in a data set, and of its file meta information what is used."""
    meta = [dataset.file_meta.get(keyword) for keyword in ("TransferSyntaxUID", "MediaStorageSOPClassUID")]
    return [*meta, *((element.tag, element.VR, element.value) for element in dataset)]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_plain_file_is_read_as_by_pydicom(tmp_path: Path, syntax: UID) -> None:
    path = write_image(tmp_path / "a", syntax=syntax)
    theirs = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
    assert plain_meta(path.read_bytes()[:HEAD_BYTES]) is not None
    assert told(read(path)) == told(theirs)


@pytest.mark.parametrize("rows", [8, 0x5858 // 16])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("preamble", [True, False])
def test_the_pixel_data_begins_where_the_header_ends(tmp_path: Path, syntax: UID, rows: int, preamble: bool) -> None:
    """Also where the length of it looks like a value representation ('XX')."""
    values = np.arange(rows * 8, dtype=np.int16).reshape(rows, 8)
    path = write_image(tmp_path / "a", values, syntax=syntax)
    if not preamble:  # as older exports are: no file meta information either
        dataset = pydicom.dcmread(path)
        buffer = pydicom.filebase.DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, syntax == ImplicitVRLittleEndian
        pydicom.filewriter.write_dataset(buffer, dataset)
        path.write_bytes(buffer.getvalue())
    assert pixel_data(path) == values.tobytes()


def test_a_file_that_ends_within_its_pixels(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:-1])
    assert len(pixel_data(path)) == 4 * 5 * 2 - 1


def test_a_document_has_no_pixel_data(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a")
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(ValueError, match="no pixel data"):
        pixel_data(path)


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, HTJ2KLossless])
def test_a_syntax_that_is_not_read_is_not_plain(tmp_path: Path, syntax: UID) -> None:
    path = write_image(tmp_path / "a", syntax=ExplicitVRLittleEndian)
    data = path.read_bytes()
    was = ExplicitVRLittleEndian.encode()
    other = syntax.encode() + b"\0" * (len(syntax) % 2)
    at = data.index(was) - 2
    data = data[:at] + len(other).to_bytes(2, "little") + other + data[at + 2 + len(was) + len(was) % 2 :]
    assert plain_meta(data[:HEAD_BYTES]) is None


def test_of_two_syntaxes_the_last_one_counts(tmp_path: Path) -> None:
    """As pydicom has it, which would inflate."""
    data = write_image(tmp_path / "a").read_bytes()
    value = DEFLATED.encode() + b"\0" * (len(DEFLATED) % 2)
    second = b"\x02\x00\x10\x00UI" + len(value).to_bytes(2, "little") + value
    end = plain_meta(data[:HEAD_BYTES])
    assert end is not None
    assert plain_meta((data[: end.end] + second + data[end.end :])[:HEAD_BYTES]) is None


def test_damaged_beginnings_are_read_as_by_pydicom_or_left_to_it(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a")
    whole = path.read_bytes()
    meta = plain_meta(whole[:HEAD_BYTES])
    assert meta is not None
    rng = np.random.default_rng(3)
    plain = 0
    with quiet():
        for _ in range(1500):
            mutant = bytearray(whole)
            for place in rng.integers(132, meta.end + 12, rng.integers(1, 3)):
                mutant[place] = rng.integers(256)
            path.write_bytes(mutant)
            if plain_meta(bytes(mutant[:HEAD_BYTES])) is None:
                continue
            plain += 1
            assert outcome(lambda: read(path)) == outcome(
                lambda: pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
            )
    assert plain > 100


def test_more_header_than_any_image_has_is_not_read(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a", syntax=ImplicitVRLittleEndian)
    whole = path.read_bytes()
    at = whole.index(b"\x10\x00\x10\x00\x08\x00\x00\x00")
    size = HEAD_BYTES << 20
    with path.open("wb") as file:
        file.write(whole[: at + 4] + size.to_bytes(4, "little"))
        file.truncate(at + 8 + size)
    with pytest.raises(ValueError, match="more header"):
        read(path)
    with path.open("rb") as file, pytest.raises(ValueError, match="more header"):
        read_header(file, None, TAGS)


def test_a_file_of_much_pixel_data_is_read_all_the_same(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a")
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    assert told(read(path)) == told(read(write_image(tmp_path / "b")))
