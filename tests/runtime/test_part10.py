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
from runtime.part10 import HEAD_BYTES, plain_meta, read_file
from runtime.syntaxes import DEFLATED
from tests.dicom_files import write_image

TAGS = [Tag(keyword) for keyword in ("SOPInstanceUID", "PatientName", "Rows", "RescaleIntercept", "PixelData")]


def outcome(reading: Callable[[], Dataset]) -> list[Any]:
    try:
        return told(reading())
    except READ_ERRORS as error:
        return [type(error)]


def read(path: Path, pixels: bool) -> Dataset:
    with path.open("rb") as file:
        return read_file(file, plain_meta(file.read(HEAD_BYTES)), TAGS, pixels=pixels)


def told(dataset: Dataset) -> list[Any]:
    """All that is in a data set, and of its file meta information what is used."""
    meta = [dataset.file_meta.get(keyword) for keyword in ("TransferSyntaxUID", "MediaStorageSOPClassUID")]
    return [*meta, *((element.tag, element.VR, element.value) for element in dataset)]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("pixels", [True, False])
def test_a_plain_file_is_read_as_by_pydicom(tmp_path: Path, syntax: UID, pixels: bool) -> None:
    path = write_image(tmp_path / "a", syntax=syntax)
    theirs = pydicom.dcmread(path, stop_before_pixels=not pixels, specific_tags=list(TAGS))
    assert plain_meta(path.read_bytes()[:HEAD_BYTES]) is not None
    assert told(read(path, pixels)) == told(theirs)
    assert ("PixelData" in theirs) == pixels


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
            assert outcome(lambda: read(path, True)) == outcome(lambda: pydicom.dcmread(path, specific_tags=list(TAGS)))
    assert plain > 100
