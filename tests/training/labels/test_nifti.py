from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from phantom.acquisition import acquire, table_positions
from runtime.classification import StrokeClass
from runtime.volume import Geometry
from tests.training.labels.drawn import THICK, block, write_nifti, write_scan
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.reading import read_labels


@pytest.mark.parametrize("axes", ["LPS", "RAS", "LAS", "SLA", "IRP"])
def test_voxels_go_by_the_affine_not_by_their_order(tmp_path: Path, axes: str) -> None:
    _, studies = write_scan(tmp_path / "scan")
    _, drawn = read_labels(write_nifti(tmp_path / "labels.nii.gz", block(), axes), studies, Names())
    np.testing.assert_array_equal(drawn.labels, block())


def test_a_tilted_stack_has_a_sheared_affine(tmp_path: Path) -> None:
    volume = acquire(THICK, table_positions(THICK, 5.0), tilt_degrees=15)
    _, studies = write_scan(tmp_path / "scan", volume)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.geometry.affine
    labels = block()[: len(volume.hu)]
    nibabel.nifti1.Nifti1Image(labels.transpose(2, 1, 0), affine).to_filename(tmp_path / "labels.nii")
    _, drawn = read_labels(tmp_path / "labels.nii", studies, Names())
    np.testing.assert_array_equal(drawn.labels, labels)


def test_other_values_are_names(tmp_path: Path) -> None:
    _, studies = write_scan(tmp_path / "scan")
    path = write_nifti(tmp_path / "labels.nii", block() * np.uint8(3))
    with pytest.raises(LabelsRejected, match="'3'"):
        read_labels(path, studies, Names())
    _, drawn = read_labels(path, studies, Names({"3": None, "6": StrokeClass.IS}))
    np.testing.assert_array_equal(drawn.labels, (block() == 2).astype(np.uint8))


@pytest.mark.parametrize("shift", [(1.0, 0.0, 0.0), (0.0, 0.0, 5.0)])
def test_labels_in_another_place_are_refused(tmp_path: Path, shift: tuple[float, float, float]) -> None:
    """Half a pixel aside, or a whole slice higher."""
    _, studies = write_scan(tmp_path / "scan")
    moved = Geometry(THICK.geometry.origins + shift, THICK.geometry.x_step, THICK.geometry.y_step)
    with pytest.raises(LabelsRejected) as caught:
        read_labels(write_nifti(tmp_path / "labels.nii", block(), geometry=moved), studies, Names())
    assert caught.value.fault is Fault.OTHER_GRID


def test_labels_of_another_size_are_refused(tmp_path: Path) -> None:
    _, studies = write_scan(tmp_path / "scan")
    geometry = replace(THICK.geometry, origins=THICK.geometry.origins[:30])
    with pytest.raises(LabelsRejected, match="100 x 100 x 30") as caught:
        read_labels(write_nifti(tmp_path / "labels.nii", block()[:30], geometry=geometry), studies, Names())
    assert caught.value.fault is Fault.OTHER_GRID


def test_a_file_that_says_not_where_it_lies_is_refused(tmp_path: Path) -> None:
    _, studies = write_scan(tmp_path / "scan")
    path = write_nifti(tmp_path / "labels.nii", block())
    image = nibabel.nifti1.load(path)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    image.to_filename(tmp_path / "nowhere.nii")
    with pytest.raises(LabelsRejected, match="qform") as caught:
        read_labels(tmp_path / "nowhere.nii", studies, Names())
    assert caught.value.fault is Fault.OTHER_GRID


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("labels.nii.gz", b"not gzip", Fault.UNREADABLE_LABELS),
        ("labels.nii", b"short", Fault.UNREADABLE_LABELS),
        ("labels.txt", b"IS", Fault.NOT_LABELS),
    ],
)
def test_other_files(tmp_path: Path, name: str, content: bytes, fault: Fault) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LabelsRejected) as caught:
        read_labels(tmp_path / name, (), Names())
    assert caught.value.fault is fault


def test_an_image_is_no_label(tmp_path: Path) -> None:
    paths, studies = write_scan(tmp_path / "scan")
    with pytest.raises(LabelsRejected) as caught:
        read_labels(paths[0], studies, Names())
    assert caught.value.fault is Fault.NOT_LABELS
