"""The patient's sides, whatever way a scanner wrote its rows and columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phantom.identity import StudyIdentity
from phantom.orientation import ORIENTATIONS, Orientation
from phantom.series import SeriesSettings, write_series
from phantom.synthesis import synthesise
from runtime.classification import StrokeClass
from runtime.compute import cpu
from runtime.dicom import read_studies
from runtime.lesions import Side
from runtime.pipeline import analyse
from runtime.pixels import Budget, read_pixels
from runtime.selection import NoSeries, choose_series
from runtime.stacking import build_volume
from runtime.stopwatch import Stopwatch
from runtime.volume import Volume
from tests.builders import ensemble, spec

PLANTED_HU = 2500
AXIAL = [one for one in ORIENTATIONS if {one.row, one.column}.isdisjoint("HF")]


@pytest.fixture(scope="module")
def planted() -> Volume:
    """A coarse head with a block of 2500 HU on the patient's right."""
    head = synthesise(12, None, spacing_mm=(4.0, 3.0, 3.0)).volume
    hu = head.hu.copy()
    z, y, x = (size // 2 for size in hu.shape)
    hu[z : z + 5, y - 3 : y + 3, x - 14 : x - 8] = PLANTED_HU
    return Volume(hu, head.geometry)


def bright(images: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(images[:, 0]), (images[:, 0] > 0.99).astype(np.float32)], axis=1)


def written(volume: Volume, folder: Path, orientation: Orientation) -> list[Path]:
    settings = SeriesSettings(StudyIdentity.of(12), matrix=None, orientation=orientation, shuffle_seed=1)
    return write_series(volume, folder, settings)


def test_there_are_24_and_8_of_them_axial() -> None:
    assert len({(one.row, one.column) for one in ORIENTATIONS}) == 24
    assert len(AXIAL) == 8


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=lambda one: one.row + one.column)
def test_every_orientation_gives_the_same_lps_volume(orientation: Orientation, planted: Volume, tmp_path: Path) -> None:
    (study,) = read_studies(written(planted, tmp_path, orientation)).studies
    (series,) = study.series
    volume = build_volume(series, read_pixels(series, Budget())).volume
    assert np.array_equal(volume.hu, planted.hu)
    assert volume.geometry.affine == pytest.approx(planted.geometry.affine, abs=1e-3)


@pytest.mark.parametrize("orientation", AXIAL, ids=lambda one: one.row + one.column)
def test_the_lesion_stays_on_the_patients_right(orientation: Orientation, planted: Volume, tmp_path: Path) -> None:
    selection = choose_series(read_studies(written(planted, tmp_path, orientation)).studies)
    native = build_volume(selection.used, read_pixels(selection.used, Budget())).volume
    settings = spec(windows=((1800.0, 2400.0),))
    with ensemble(bright).running() as running:
        analysis = analyse(native, running, settings, cpu(), Stopwatch(lambda: 0.0))
    (lesion,) = analysis.lesions
    assert (lesion.stroke, lesion.side) == (StrokeClass.IH, Side.RIGHT)
    assert lesion.centroid_mm[0] < 0


@pytest.mark.parametrize("orientation", [Orientation("L", "F"), Orientation("P", "F")], ids=["coronal", "sagittal"])
def test_reformats_are_not_analysed(orientation: Orientation, planted: Volume, tmp_path: Path) -> None:
    with pytest.raises(NoSeries) as caught:
        choose_series(read_studies(written(planted, tmp_path, orientation)).studies)
    assert "Coronal or sagittal" in caught.value.verdicts[0].reason
