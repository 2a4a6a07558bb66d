from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
import pytest
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage, XRayRadiationDoseSRStorage

from phantom.companions import write_dose_report, write_localizer, write_secondary_capture
from phantom.identity import StudyIdentity
from phantom.objects import FILLINGS, bone_phantom, chest
from runtime.volume import Geometry, Volume

COARSE = (4.0, 2.0, 2.0)
STUDY = StudyIdentity.of(7)


@pytest.mark.parametrize("filling", ["air", "plastic", "water"])
def test_a_bone_phantom_holds_one_thing_instead_of_a_brain(filling: Literal["air", "plastic", "water"]) -> None:
    hu = bone_phantom(1, filling, spacing_mm=COARSE).hu
    middle = hu[len(hu) // 2 : len(hu) // 2 + 4, hu.shape[1] // 2 - 10 : hu.shape[1] // 2 + 10, hu.shape[2] // 2]
    assert np.median(middle) == pytest.approx(FILLINGS[filling], abs=3)
    assert (hu > 700).mean() > 0.01
    assert (hu[-1] < -900).all()


def test_a_chest_has_lungs_a_spine_and_the_size_of_a_chest() -> None:
    volume = chest(1, spacing_mm=(5.0, 2.0, 2.0))
    _, dy, dx = volume.geometry.spacing_mm
    body = (volume.hu[len(volume.hu) // 2] > -300).nonzero()
    assert np.ptp(body[1]) * dx == pytest.approx(350, abs=30)
    assert np.ptp(body[0]) * dy == pytest.approx(250, abs=30)
    assert ((volume.hu > -900) & (volume.hu < -800)).mean() > 0.1
    assert (volume.hu > 250).mean() > 0.005


@pytest.fixture
def volume() -> Volume:
    hu = np.zeros((6, 5, 3), dtype=np.int16)
    hu[5] = 90
    return Volume(hu, Geometry.axis_aligned((6, 5, 3), (3.0, 2.0, 2.0)))


def test_a_localizer_is_a_ct_image_seen_from_the_side(volume: Volume, tmp_path: Path) -> None:
    data = pydicom.dcmread(write_localizer(volume, tmp_path, STUDY))
    assert data.SOPClassUID == CTImageStorage
    assert "LOCALIZER" in data.ImageType
    assert data.pixel_array.shape == (6, 5)
    assert (data.pixel_array[0] == 90).all()  # the head end on top
    assert [float(v) for v in data.ImagePositionPatient] == [0, -4, 7.5]
    assert data.StudyInstanceUID == STUDY.study_uid


def test_a_secondary_capture_claims_to_be_ct_and_has_no_position(volume: Volume, tmp_path: Path) -> None:
    data = pydicom.dcmread(write_secondary_capture(volume, tmp_path, STUDY))
    assert (data.SOPClassUID, data.Modality) == (SecondaryCaptureImageStorage, "CT")
    assert "ImagePositionPatient" not in data
    assert data.pixel_array.dtype == np.uint8


def test_a_dose_report_has_no_pixels(tmp_path: Path) -> None:
    data = pydicom.dcmread(write_dose_report(tmp_path, STUDY))
    assert (data.SOPClassUID, data.Modality) == (XRayRadiationDoseSRStorage, "SR")
    assert "PixelData" not in data
