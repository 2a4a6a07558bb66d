"""The reader against its peers: highdicom where it reads a series, dcm2niix where the gantry was tilted."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pydicom
import pytest
from scipy import ndimage

from appliance.nifti import nifti_files
from phantom.acquisition import acquire
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings, write_series
from phantom.synthesis import synthesise
from runtime.compute import cpu
from runtime.dicom import read_studies
from runtime.pipeline import Analysis, analyse
from runtime.pixels import Budget, read_pixels
from runtime.selection import choose_series
from runtime.stacking import Stack, build_volume
from runtime.stopwatch import Stopwatch
from runtime.volume import AIR_HU, Floats, Volume
from tests.builders import ensemble, spec
from tests.requirements import require_data


def stack_of(paths: list[Path]) -> Stack:
    selection = choose_series(read_studies(paths).studies)
    return build_volume(selection.used, read_pixels(selection.used, Budget()))


def analysed(paths: list[Path]) -> Analysis:
    with ensemble(lambda images: np.zeros((len(images), 2, *images.shape[2:]), np.float32)).running() as running:
        return analyse(stack_of(paths).volume, running, spec(), cpu(), Stopwatch(lambda: 0.0))


def tilt_corrected(folder: Path, out: Path) -> nibabel.nifti1.Nifti1Image:
    """What dcm2niix makes of a tilted, unevenly spaced series."""
    out.mkdir()
    program = Path(sys.executable).parent / "dcm2niix"
    subprocess.run([program, "-o", out, "-f", "series", folder], check=True, capture_output=True)
    (path,) = out.glob("*_Tilt_Eq*.nii")
    return nibabel.nifti1.Nifti1Image.from_filename(path)


def assert_agrees(analysis: Analysis, peer: nibabel.nifti1.Nifti1Image, folder: Path) -> None:
    """Same orientation, position within 1 mm, mean absolute difference inside the brain at most 5 HU."""
    path = folder / "volume_uniform.nii.gz"
    path.write_bytes(nifti_files(analysis)["volume_uniform.nii.gz"])
    ours = nibabel.nifti1.Nifti1Image.from_filename(path)
    between = np.linalg.inv(ours.affine) @ peer.affine  # voxels of the peer to ours
    directions = ours.affine[:3, :3] / np.linalg.norm(ours.affine[:3, :3], axis=0)
    theirs = peer.affine[:3, :3] / np.linalg.norm(peer.affine[:3, :3], axis=0)
    assert directions.T @ theirs == pytest.approx(np.eye(3), abs=1e-3)
    hu = np.asarray(peer.dataobj).astype(np.float32)
    at: Floats = between[:3, :3] @ np.indices(hu.shape).reshape(3, -1) + between[:3, 3:]
    sampled = ndimage.map_coordinates(np.asarray(ours.dataobj, np.float32), at, order=1, cval=AIR_HU).reshape(hu.shape)
    brain = ndimage.binary_erosion((hu > 0) & (hu < 80), iterations=2)
    assert brain.sum() > 20_000
    assert np.abs(sampled - hu)[brain].mean() <= 5.0
    # a shift by 1 mm in any direction fits worse: the position is right to better than that
    here = np.abs(sampled - hu)[brain].mean()
    for axis, mm in enumerate(np.linalg.norm(peer.affine[:3, :3], axis=0)):
        for direction in (-1, 1):
            offset = np.zeros(3)
            offset[axis] = direction / mm
            moved = ndimage.shift(sampled, offset, order=1, cval=AIR_HU)
            assert np.abs(moved - hu)[brain].mean() > here


@pytest.fixture(scope="module")
def head() -> Volume:
    return synthesise(13, None, spacing_mm=(2.0, 1.5, 1.5)).volume


@pytest.mark.parametrize("descend", [False, True])
def test_highdicom_sees_the_same_voxels_at_the_same_places(head: Volume, tmp_path: Path, descend: bool) -> None:
    settings = SeriesSettings(
        StudyIdentity.of(13), matrix=None, rescale=((1.0, -1024.0),), signed=False, instances_descend=descend
    )
    paths = write_series(head, tmp_path / "drop", settings)
    peer = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in paths])
    volume = stack_of(paths).volume
    # both as arrays whose axes run to the left, to the back and to the head
    array = peer.to_patient_orientation("HPL")
    assert np.array_equal(np.maximum(array.array, AIR_HU), volume.hu)
    assert array.affine[:3, 3] == pytest.approx(volume.geometry.origins[0], abs=1e-3)
    assert array.affine[:3, :3] == pytest.approx(volume.geometry.affine[:3, 2::-1], abs=1e-3)


def test_a_tilted_phantom_agrees_with_dcm2niix(head: Volume, tmp_path: Path) -> None:
    """Tilted as the real head is; for the opposite tilt this dcm2niix misplaces its own output by some 50 mm.

    That both tilts put a planted lesion where it was is asserted in test_analyse.py.
    """
    low, high = head.geometry.origins[[0, -1], 2]
    table = [*np.arange(low, low + 60, 4.0), *np.arange(low + 61, high, 7.0)]
    native = acquire(head, table, tilt_degrees=-18.5)
    paths = write_series(native, tmp_path / "drop", SeriesSettings(StudyIdentity.of(13), matrix=256))
    assert_agrees(analysed(paths), tilt_corrected(tmp_path / "drop", tmp_path / "peer"), tmp_path)


@pytest.mark.parametrize("syntax", ["jpeg lossless", "jpeg lossless sv1"])
def test_dcm2niix_decodes_the_same_voxels_from_jpeg_lossless(head: Volume, tmp_path: Path, syntax: str) -> None:
    """With a decoder of its own, where encoder and decoder are both GDCM's."""
    settings = SeriesSettings(StudyIdentity.of(13), matrix=None, syntax=syntax)  # type: ignore[arg-type]  # one of them
    paths = write_series(head, tmp_path / "drop", settings)
    (tmp_path / "peer").mkdir()
    program = Path(sys.executable).parent / "dcm2niix"
    subprocess.run(
        [program, "-o", tmp_path / "peer", "-f", "series", tmp_path / "drop"], check=True, capture_output=True
    )
    peer = nibabel.nifti1.Nifti1Image.from_filename(tmp_path / "peer/series.nii")
    voxels = np.asarray(peer.dataobj)[:, ::-1].transpose(2, 1, 0)  # of a matrix with rows from the back to the front
    np.testing.assert_array_equal(np.maximum(voxels, AIR_HU), stack_of(paths).volume.hu)


@pytest.mark.data
def test_the_real_tilted_head_agrees_with_dcm2niix(tmp_path: Path) -> None:
    with zipfile.ZipFile(require_data("head-ct/ge-tilted-head.zip")) as zipped:
        zipped.extractall(tmp_path / "drop")
    paths = [path for path in (tmp_path / "drop").rglob("*") if path.is_file()]
    assert_agrees(analysed(paths), tilt_corrected(tmp_path / "drop", tmp_path / "peer"), tmp_path)
