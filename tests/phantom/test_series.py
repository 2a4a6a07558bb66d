from datetime import date, datetime
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from phantom.acquisition import acquire
from phantom.identity import Patient, StudyIdentity, uid
from phantom.orientation import ORIENTATIONS, Orientation
from phantom.series import SeriesSettings, write_series
from runtime.volume import Geometry, Volume

STUDY = StudyIdentity.of(7)


@pytest.fixture
def volume() -> Volume:
    """5 x 4 x 3 voxels, no two alike, none symmetric, at 2.5 x 0.7 x 0.6 mm."""
    hu = (np.arange(60, dtype=np.int16) * 7 - 200).reshape(5, 4, 3)
    origin = np.array((-11.5, 3.25, 70.125))
    return Volume(hu, Geometry.uniform(5, origin, *np.diag((0.6, 0.7, 2.5))))


def read(paths: list[Path]) -> list[Dataset]:
    return [pydicom.dcmread(path) for path in paths]


def hounsfield(data: Dataset) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept))


def points(series: list[Dataset]) -> dict[tuple[float, ...], float]:
    """HU by LPS position (rounded to 0.001 mm), as DICOM PS3.3 C.7.6.2.1.1 computes it."""
    found = {}
    for data in series:
        row_spacing, column_spacing = map(float, data.PixelSpacing)
        directions = np.array(data.ImageOrientationPatient, dtype=float).reshape(2, 3)
        for (row, column), value in np.ndenumerate(hounsfield(data)):
            at = np.array(data.ImagePositionPatient, dtype=float)
            at += column * column_spacing * directions[0] + row * row_spacing * directions[1]
            found[tuple(np.round(at, 3) + 0.0)] = float(value)
    return found


@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
@pytest.mark.parametrize(
    ("signed", "rescale"), [(True, (1.0, 0.0)), (False, (1.0, -1024.0)), (True, (0.5, -100.0)), (False, (1.0, -8192.0))]
)
def test_highdicom_reads_the_volume_back(
    volume: Volume, tmp_path: Path, syntax: str, signed: bool, rescale: tuple[float, float]
) -> None:
    settings = SeriesSettings(STUDY, matrix=None, syntax=syntax, signed=signed, rescale=(rescale,))  # type: ignore[arg-type]
    back = highdicom.get_volume_from_series(read(write_series(volume, tmp_path, settings)))
    back = back.flip_spatial(0) if back.affine[2, 0] < 0 else back
    np.testing.assert_array_equal(back.array, volume.hu)
    k, j, i, origin = (volume.geometry.affine[:3, column] for column in (2, 1, 0, 3))
    np.testing.assert_allclose(back.affine[:3], np.column_stack((k, j, i, origin)), atol=1e-6)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=lambda o: o.row + o.column)
def test_every_orientation_tells_of_the_same_points(volume: Volume, tmp_path: Path, orientation: Orientation) -> None:
    assert len(set(ORIENTATIONS)) == 24
    axial = SeriesSettings(STUDY, matrix=None)
    turned = SeriesSettings(STUDY, matrix=None, orientation=orientation)
    expected = points(read(write_series(volume, tmp_path / "axial", axial)))
    series = read(write_series(volume, tmp_path / "turned", turned))
    assert points(series) == expected
    letters = {"L": (1, 0, 0), "P": (0, 1, 0), "H": (0, 0, 1), "R": (-1, 0, 0), "A": (0, -1, 0), "F": (0, 0, -1)}
    assert [float(v) for v in series[0].ImageOrientationPatient] == [
        *letters[orientation.row],
        *letters[orientation.column],
    ]


def test_only_planes_can_be_turned_in_a_tilted_series(tmp_path: Path) -> None:
    grid = Geometry.axis_aligned((12, 10, 6), (1.0, 1.0, 1.0))
    noise = np.random.default_rng(0).integers(-100, 100, (12, 10, 6)).astype(np.int16)
    tilted = acquire(Volume(noise, grid), (-3.0, 0.0, 3.0), tilt_degrees=-15.0)
    straight = points(read(write_series(tilted, tmp_path / "1", SeriesSettings(STUDY, matrix=None))))
    turned = SeriesSettings(STUDY, matrix=None, orientation=Orientation("A", "R"))
    assert points(read(write_series(tilted, tmp_path / "2", turned))) == straight
    with pytest.raises(ValueError, match="across its planes"):
        write_series(tilted, tmp_path / "3", SeriesSettings(STUDY, matrix=None, orientation=Orientation("L", "F")))


def test_a_tilted_series_is_stacked_along_the_table(tmp_path: Path) -> None:
    grid = Geometry.axis_aligned((12, 10, 6), (1.0, 1.0, 1.0))
    tilted = acquire(Volume(np.zeros((12, 10, 6), dtype=np.int16), grid), (-3.0, 0.0, 3.0), tilt_degrees=20.0)
    series = read(write_series(tilted, tmp_path, SeriesSettings(STUDY)))
    cosine, sine = np.cos(np.radians(20)), np.sin(np.radians(20))
    for data in series:
        np.testing.assert_allclose(
            [float(v) for v in data.ImageOrientationPatient], [1, 0, 0, 0, cosine, sine], atol=1e-9
        )
    positions = np.array([data.ImagePositionPatient for data in series], dtype=float)
    np.testing.assert_allclose(np.diff(positions, axis=0), [[0, 0, 3], [0, 0, 3]], atol=1e-9)
    assert float(series[0].SliceThickness) == pytest.approx(3 * cosine)


def test_the_head_lies_in_a_field_of_air_where_it_was(volume: Volume, tmp_path: Path) -> None:
    alone = points(read(write_series(volume, tmp_path / "1", SeriesSettings(STUDY, matrix=None))))
    field = points(read(write_series(volume, tmp_path / "2", SeriesSettings(STUDY, matrix=16))))
    assert len(field) == 5 * 16 * 16
    assert {at: field.pop(at) for at in alone} == alone
    assert set(field.values()) == {-1000.0}
    with pytest.raises(ValueError, match="do not fit a matrix of 3"):
        write_series(volume, tmp_path / "3", SeriesSettings(STUDY, matrix=3))


def test_padding_lies_in_the_corners_and_is_announced(volume: Volume, tmp_path: Path) -> None:
    settings = SeriesSettings(STUDY, matrix=16, padding_hu=-2000, rescale=((1.0, -24.0),))
    data = read(write_series(volume, tmp_path, settings))[0]
    padded = data.pixel_array == data.PixelPaddingValue
    assert data.PixelPaddingValue == -1976
    assert padded[0, 0]
    assert not padded[8].any()
    assert 1 - padded.mean() == pytest.approx(np.pi / 4, abs=0.08)


def test_the_rescale_may_change_from_slice_to_slice(volume: Volume, tmp_path: Path) -> None:
    settings = SeriesSettings(STUDY, matrix=None, rescale=((1.0, 0.0), (0.5, -1000.0), (1.0, -24.0)))
    series = read(write_series(volume, tmp_path, settings))
    assert [float(data.RescaleIntercept) for data in series] == [0, -1000, -24, 0, -1000]
    np.testing.assert_array_equal([hounsfield(data) for data in series], volume.hu)


def test_values_that_do_not_fit_are_refused(volume: Volume, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not fit uint16"):
        write_series(volume, tmp_path, SeriesSettings(STUDY, matrix=None, signed=False))


def test_shuffled_names_keep_the_slices(volume: Volume, tmp_path: Path) -> None:
    paths = write_series(volume, tmp_path, SeriesSettings(STUDY, shuffle_seed=1))
    names = [path.name for path in paths]
    assert names != sorted(names)
    assert sorted(names) == [f"IM00000{number}" for number in range(1, 6)]
    assert [data.InstanceNumber for data in read(paths)] == [1, 2, 3, 4, 5]


def test_instances_may_be_numbered_downwards(volume: Volume, tmp_path: Path) -> None:
    settings = SeriesSettings(STUDY, instances_descend=True, first_instance=11)
    assert [data.InstanceNumber for data in read(write_series(volume, tmp_path, settings))] == [15, 14, 13, 12, 11]


def test_identity_is_derived_from_the_seed(volume: Volume, tmp_path: Path) -> None:
    first, again = (read(write_series(volume, tmp_path / name, SeriesSettings(STUDY))) for name in "ab")
    assert [data.SOPInstanceUID for data in first] == [data.SOPInstanceUID for data in again]
    (other,) = {
        data.SeriesInstanceUID for data in read(write_series(volume, tmp_path / "c", SeriesSettings(STUDY, number=3)))
    }
    assert other != first[0].SeriesInstanceUID
    assert len({data.SOPInstanceUID for data in first}) == 5
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        value = first[0][name].value
        assert value.is_valid
        assert value.startswith("2.25.")
    assert StudyIdentity.of(8).study_uid != STUDY.study_uid
    assert uid("a", "b") == uid("a", "b") != uid("a", "c")


@pytest.mark.parametrize(
    ("character_sets", "name"),
    [
        (("ISO_IR 192",), "Müller^Zoë"),
        (("ISO_IR 100",), "Müller^Zoë"),
        (("ISO_IR 144",), "Иван^Шульц"),
        (("", "ISO 2022 IR 87"), "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
)
def test_names_survive_their_character_set(
    volume: Volume, tmp_path: Path, character_sets: tuple[str, ...], name: str
) -> None:
    patient = Patient(name, "4711", date(1944, 2, 29), "F")
    study = StudyIdentity(1, patient, datetime(2026, 3, 4, 5, 6, 7), character_sets=character_sets)
    data = read(write_series(volume, tmp_path, SeriesSettings(study)))[0]
    assert str(data.PatientName) == name
    assert (data.PatientBirthDate, data.PatientSex, data.PatientID) == ("19440229", "F", "4711")
    assert (data.StudyDate, data.StudyTime) == ("20260304", "050607")


def test_what_the_standard_demands_of_a_ct_image_is_there(volume: Volume, tmp_path: Path) -> None:
    data = read(write_series(volume, tmp_path, SeriesSettings(STUDY)))[0]
    present = (
        "SOPClassUID SOPInstanceUID PatientName PatientID PatientBirthDate PatientSex StudyInstanceUID StudyDate "
        "StudyTime ReferringPhysicianName StudyID AccessionNumber Modality SeriesInstanceUID SeriesNumber "
        "PatientPosition FrameOfReferenceUID PositionReferenceIndicator Manufacturer InstanceNumber PixelSpacing "
        "ImageOrientationPatient ImagePositionPatient SliceThickness SamplesPerPixel PhotometricInterpretation Rows "
        "Columns BitsAllocated BitsStored HighBit PixelRepresentation PixelData ImageType RescaleIntercept "
        "RescaleSlope KVP AcquisitionNumber"
    )
    assert [keyword for keyword in present.split() if keyword not in data] == []
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID


def test_another_modality_and_photometric_interpretation(volume: Volume, tmp_path: Path) -> None:
    settings = SeriesSettings(STUDY, modality="MR", photometric="MONOCHROME1")
    data = read(write_series(volume, tmp_path, settings))[0]
    assert (data.Modality, data.SOPClassUID.name, data.PhotometricInterpretation) == (
        "MR",
        "MR Image Storage",
        "MONOCHROME1",
    )


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="slopes above 0"):
        SeriesSettings(STUDY, rescale=((0.0, 1.0),))
    with pytest.raises(ValueError, match="there is none"):
        SeriesSettings(STUDY, matrix=None, padding_hu=-2000)
    with pytest.raises(ValueError, match="span no plane"):
        Orientation("L", "R")
