from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.config import disable_value_validation
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
)

from runtime.codes import Code
from runtime.dicom import read_studies
from runtime.errors import StudyRejected
from runtime.pixels import Budget, read_pixels
from runtime.study import Series
from tests.dicom_files import write_image


def only_series(*files: Path) -> Series:
    (one,) = read_studies(files).studies[0].series
    return one


def hu_of(*files: Path) -> NDArray[np.int16]:
    return read_pixels(only_series(*files), Budget())


def rejection(series: Series, budget: Budget | None = None) -> Code:
    with pytest.raises(StudyRejected) as caught:
        read_pixels(series, budget or Budget())
    return caught.value.code


STORED = np.array([[0, 1, 24], [1024, 1064, 4095]], np.uint16)


def test_headers_become_a_study(tmp_path: Path) -> None:
    write_image(tmp_path / "a", AccessionNumber="A1", PatientBirthDate="19500203", StudyDescription="Head")
    reading = read_studies([tmp_path / "a"])
    (study,) = reading.studies
    assert (study.patient.name, study.patient.id, study.patient.birth_date) == ("Doe^Jane", "17", date(1950, 2, 3))
    assert (study.accession, study.date, study.time) == ("A1", date(2026, 3, 1), time(10, 15, 0))
    (image,) = study.series[0].images
    assert (image.position, image.pixel_spacing, image.rows, image.columns) == ((0.0, 0.0, 1.0), (0.5, 0.5), 4, 5)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_unsigned_values_with_an_intercept(tmp_path: Path, syntax: UID) -> None:
    hu = hu_of(write_image(tmp_path / "a", STORED, syntax=syntax))
    assert hu.dtype == np.int16
    assert hu[0].tolist() == [[-1024, -1023, -1000], [0, 40, 3071]]


def test_signed_values_and_padding_below_air(tmp_path: Path) -> None:
    stored = np.array([[-1500, -1000, 40]], np.int16)
    assert hu_of(write_image(tmp_path / "a", stored, RescaleIntercept=0))[0].tolist() == [[-1024, -1000, 40]]


def test_water_inside_the_head_is_no_padding(tmp_path: Path) -> None:
    """Where air around the head was replaced by 0, cerebrospinal fluid may be 0 HU as well."""
    stored = np.full((5, 5), 40, dtype=np.int16)
    stored[0] = stored[:, 0] = stored[2, 2] = 0
    hu = hu_of(write_image(tmp_path / "a", stored, PixelPaddingValue=0, RescaleIntercept=0))[0]
    expected = stored.copy()
    expected[0] = expected[:, 0] = -1024
    np.testing.assert_array_equal(hu, expected)


def test_padding_value_and_range_become_air(tmp_path: Path) -> None:
    stored = np.array([[0, 5, 10, 2000]], np.uint16)
    padded = write_image(tmp_path / "a", stored, PixelPaddingValue=2000, RescaleIntercept=0)
    assert hu_of(padded)[0].tolist() == [[0, 5, 10, -1024]]
    ranged = write_image(tmp_path / "b", stored, PixelPaddingValue=5, PixelPaddingRangeLimit=10, RescaleIntercept=0)
    assert hu_of(ranged)[0].tolist() == [[0, -1024, -1024, 2000]]


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    first = write_image(tmp_path / "1", STORED, 1, RescaleSlope=1, RescaleIntercept=-1024)
    second = write_image(tmp_path / "2", STORED, 2, RescaleSlope=0.5, RescaleIntercept=-500)
    hu = hu_of(first, second)
    assert hu[0, 1].tolist() == [0, 40, 3071]
    assert hu[1, 1].tolist() == [12, 32, 1548]  # 1547.5 rounds to the even neighbour


def test_monochrome1_changes_the_display_and_not_the_hu(tmp_path: Path) -> None:
    plain = hu_of(write_image(tmp_path / "a", STORED))
    assert np.array_equal(hu_of(write_image(tmp_path / "b", STORED, PhotometricInterpretation="MONOCHROME1")), plain)


def test_short_pixel_data_is_truncated(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a", STORED, PixelData=STORED.tobytes()[:-2])
    assert rejection(only_series(path)) is Code.TRUNCATED


def test_a_file_that_ends_early_is_truncated(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a", STORED)
    path.write_bytes(path.read_bytes()[:-3])
    assert rejection(only_series(path)) is Code.TRUNCATED


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGExtended12Bit, HTJ2KLossless])
def test_a_syntax_that_is_not_read_is_named(tmp_path: Path, syntax: UID) -> None:
    path = write_image(tmp_path / "a", STORED, syntax=syntax, PixelData=encapsulate([b"\xff\xd8"]))
    with pytest.raises(StudyRejected, match=syntax.name.replace("(", r"\(").replace(")", r"\)")) as caught:
        read_pixels(only_series(path), Budget())
    assert caught.value.code is Code.UNSUPPORTED_SYNTAX


def test_budgets_are_checked_before_memory_is_taken(tmp_path: Path) -> None:
    series = only_series(write_image(tmp_path / "a", Rows=60_000, Columns=60_000))
    assert rejection(series) is Code.TOO_LARGE
    small = only_series(write_image(tmp_path / "b"))
    assert rejection(small, Budget(decoded_bytes=39)) is Code.TOO_LARGE
    assert rejection(small, Budget(slices=0)) is Code.TOO_LARGE


def test_colour_is_no_ct(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a", SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    assert rejection(only_series(path)) is Code.UNREADABLE


def test_a_file_without_preamble_is_read(tmp_path: Path) -> None:
    whole = write_image(tmp_path / "a", STORED, syntax=ImplicitVRLittleEndian).read_bytes()
    start = whole.index(b"\x08\x00\x08\x00")  # ImageType, the first element behind the file meta information
    (tmp_path / "bare").write_bytes(whole[start:])
    assert hu_of(tmp_path / "bare")[0, 1].tolist() == [0, 40, 3071]


def test_malformed_values_are_absent_not_fatal(tmp_path: Path) -> None:
    with disable_value_validation():
        path = write_image(tmp_path / "a", InstanceNumber=None, PixelSpacing=None, StudyDate="20261399", StudyTime="99")
    (study,) = read_studies([path]).studies
    (image,) = study.series[0].images
    assert (image.instance_number, image.pixel_spacing, study.date, study.time) == (None, None, None, None)


def test_files_that_are_no_images_are_counted(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4 ...")
    (tmp_path / "damaged").write_bytes(bytes(128) + b"DICM" + b"\xff" * 300)
    reading = read_studies([write_image(tmp_path / "a"), tmp_path / "report.pdf", tmp_path / "damaged"])
    assert (reading.others, reading.damaged) == (1, 1)


@pytest.mark.parametrize("content", [bytes(5000), bytes(100), bytes(128) + b"DI"])
def test_a_file_that_was_never_filled_or_ends_in_its_preamble_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "IM2").write_bytes(content)
    assert read_studies([write_image(tmp_path / "a"), tmp_path / "IM2"]).damaged == 1


@pytest.mark.parametrize(
    ("contents", "code", "detail"),
    [
        ([], Code.NO_IMAGES, ""),
        ([b"%PDF"], Code.NOT_DICOM, "Found: 1 file."),
        ([b"%PDF", b"MZ"], Code.NOT_DICOM, "Found: 2 files."),
        ([b""], Code.UNREADABLE, "Damaged: 1 file."),
        ([bytes(128) + b"DICM" + b"\xff" * 300], Code.UNREADABLE, "Damaged: 1 file."),
        ([bytes(5000)] * 2, Code.UNREADABLE, "Damaged: 2 files."),
        ([bytes(100)], Code.UNREADABLE, "Damaged: 1 file."),
        ([bytes(128) + b"DI"], Code.UNREADABLE, "Damaged: 1 file."),
    ],
)
def test_nothing_to_read(tmp_path: Path, contents: list[bytes], code: Code, detail: str) -> None:
    files = [tmp_path / str(number) for number, _ in enumerate(contents)]
    for path, content in zip(files, contents, strict=True):
        path.write_bytes(content)
    with pytest.raises(StudyRejected) as caught:
        read_studies(files)
    assert (caught.value.code, caught.value.detail) == (code, detail)


def test_two_patients_are_rejected(tmp_path: Path) -> None:
    write_image(tmp_path / "a")
    write_image(tmp_path / "b", number=2, PatientID="18", StudyInstanceUID="1.2.9")
    with pytest.raises(StudyRejected) as caught:
        read_studies([tmp_path / "a", tmp_path / "b"])
    assert caught.value.code is Code.CONFLICTING_PATIENTS


def test_two_patients_in_one_study_are_rejected(tmp_path: Path) -> None:
    write_image(tmp_path / "a")
    write_image(tmp_path / "b", number=2, PatientID="18")
    with pytest.raises(StudyRejected) as caught:
        read_studies([tmp_path / "a", tmp_path / "b"])
    assert caught.value.code is Code.CONFLICTING_PATIENTS


REPORT: dict[str, Any] = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67",
    "Modality": "SR",
    "SeriesInstanceUID": "1.2.8",
    **dict.fromkeys(("Rows", "Columns", "PixelData")),
}


@pytest.mark.parametrize("other", [{"PatientName": "Other^Person"}, {"PatientID": "999"}])
def test_a_report_of_another_patient_in_the_study_is_a_conflict(tmp_path: Path, other: dict[str, Any]) -> None:
    write_image(tmp_path / "0", number=9, **{**REPORT, **other})
    write_image(tmp_path / "1")
    with pytest.raises(StudyRejected) as caught:
        read_studies([tmp_path / "0", tmp_path / "1"])
    assert caught.value.code is Code.CONFLICTING_PATIENTS


def test_patient_and_study_are_those_of_the_scan(tmp_path: Path) -> None:
    blank = {"PatientName": "", "PatientID": "", "StudyDate": "20200101", "AccessionNumber": "of the report"}
    write_image(tmp_path / "0", number=9, **{**REPORT, **blank})
    capture: dict[str, Any] = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7",
        "SeriesInstanceUID": "1.2.7",
        "StudyDate": "20200202",
    }
    write_image(tmp_path / "1", number=8, **capture)
    write_image(tmp_path / "2", AccessionNumber="of the scan")
    (study,) = read_studies([tmp_path / "0", tmp_path / "1", tmp_path / "2"]).studies
    assert (study.patient.name, study.patient.id) == ("Doe^Jane", "17")
    assert (study.date, study.accession) == (date(2026, 3, 1), "of the scan")


def test_images_that_do_not_stack_are_series_of_their_own(tmp_path: Path) -> None:
    files = [write_image(tmp_path / str(number), number=number) for number in range(1, 4)]
    files.append(write_image(tmp_path / "stray", np.zeros((6, 5), np.int16), number=9))
    stacks = read_studies(files).studies[0].series
    assert [len(one.images) for one in stacks] == [3, 1]


@pytest.mark.parametrize(
    ("name", "character_set"),
    [
        ("Иванов^Пётр", "ISO_IR 192"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ["", "ISO 2022 IR 87"]),
        ("王^小东", "GB18030"),
    ],
)
def test_names_in_their_own_script(tmp_path: Path, name: str, character_set: object) -> None:
    path = write_image(tmp_path / "a", SpecificCharacterSet=character_set, PatientName=name)
    assert read_studies([path]).studies[0].patient.name == name


def test_a_zero_tail_is_truncated_unless_all_images_have_it(tmp_path: Path) -> None:
    whole = np.full((20, 20), 1000, np.uint16)
    preallocated = whole.copy()
    preallocated[12:] = 0
    files = [write_image(tmp_path / str(k), preallocated if k == 3 else whole, number=k) for k in range(1, 6)]
    assert rejection(only_series(*files)) is Code.TRUNCATED
    circle = [write_image(tmp_path / f"c{k}", preallocated, number=k) for k in range(1, 6)]
    assert hu_of(*circle).shape == (5, 20, 20)


def test_where_zero_is_water_a_few_zeros_tell(tmp_path: Path) -> None:
    whole = np.full((20, 20), 40, np.int16)
    short = whole.copy()
    short[-1, -9:] = 0
    files = [write_image(tmp_path / str(k), short if k == 3 else whole, k, RescaleIntercept=0) for k in range(1, 6)]
    assert rejection(only_series(*files)) is Code.TRUNCATED


def test_a_deflated_file_is_never_inflated(tmp_path: Path) -> None:
    bomb = write_image(tmp_path / "a", np.zeros((2000, 2000), np.int16), syntax=DeflatedExplicitVRLittleEndian)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(StudyRejected) as caught:
        read_studies([bomb])
    assert caught.value.code is Code.UNSUPPORTED_SYNTAX
    assert read_studies([bomb, write_image(tmp_path / "b")]).damaged == 1


def test_a_file_that_cannot_be_opened_is_damaged(tmp_path: Path) -> None:
    assert read_studies([tmp_path / "vanished", write_image(tmp_path / "b")]).damaged == 1


@pytest.mark.parametrize(
    ("changes", "conflict"),
    [
        ({"PatientName": "DOE^JANE^^"}, False),
        ({"PatientName": "Doe^Jane=山田"}, False),
        ({"PatientName": "", "PatientID": ""}, False),
        ({"PatientName": "Doe^John"}, True),
        ({"PatientID": "18"}, True),
    ],
)
def test_how_a_patient_is_written_makes_no_other_patient(
    tmp_path: Path, changes: dict[str, Any], conflict: bool
) -> None:
    files = [
        write_image(tmp_path / "a"),
        write_image(tmp_path / "b", number=2, SpecificCharacterSet="ISO_IR 192", **changes),
    ]
    if conflict:
        with pytest.raises(StudyRejected):
            read_studies(files)
    else:
        assert len(read_studies(files).studies[0].series[0].images) == 2


def test_pixel_sizes_are_compared_as_written_to_four_digits(tmp_path: Path) -> None:
    files = [write_image(tmp_path / str(k), number=k, PixelSpacing=[0.5, 0.5 + k * 1e-7]) for k in range(1, 4)]
    assert len(only_series(*files).images) == 3


def test_damaged_bytes_are_told_and_never_escape(tmp_path: Path) -> None:
    """2,000 mutants of one file: read, or coded, never another exception."""
    original = write_image(tmp_path / "whole", STORED, ConvolutionKernel="H30s").read_bytes()
    rng = np.random.default_rng(5)
    outcomes = {"read": 0, "coded": 0}
    for _ in range(2000):
        mutant = bytearray(original)
        for place in rng.integers(132, len(mutant), rng.integers(1, 4)):
            mutant[place] = rng.integers(256)
        (tmp_path / "mutant").write_bytes(mutant)
        try:
            for study in read_studies([tmp_path / "mutant"]).studies:
                for one in study.series:
                    read_pixels(one, Budget())
            outcomes["read"] += 1
        except StudyRejected:
            outcomes["coded"] += 1
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize("filler", [b"", bytes(5000)])
def test_a_slice_that_breaks_off_before_its_pixels_is_damaged_and_no_series_of_its_own(
    tmp_path: Path, filler: bytes
) -> None:
    paths = [write_image(tmp_path / str(number), number=number) for number in range(1, 5)]
    whole = paths[3].read_bytes()
    paths[3].write_bytes(whole[: whole.index(b"1.2.2") + 3] + filler)
    reading = read_studies(paths)
    assert [len(series.images) for study in reading.studies for series in study.series] == [3]
    assert reading.damaged == 1
