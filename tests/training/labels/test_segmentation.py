from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from phantom.acquisition import acquire, table_positions
from phantom.orientation import AXIAL, Orientation
from runtime.classification import StrokeClass
from runtime.dicom import read_studies
from runtime.study import Study
from tests.builders import head
from tests.training.labels.drawn import THICK, block, write_scan, write_segmentation
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.reading import read_labels


@pytest.mark.parametrize("orientation", [AXIAL, Orientation("R", "A")])
@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_segments_lie_where_they_were_drawn(tmp_path: Path, orientation: Orientation, kind: str) -> None:
    paths, studies = write_scan(tmp_path / "scan", orientation=orientation)
    path = write_segmentation(tmp_path / "labels", paths, block(), orientation=orientation, kind=kind)
    series, drawn = read_labels(path, studies, Names())
    assert series is studies[0].series[0]
    np.testing.assert_array_equal(drawn.labels, block())
    np.testing.assert_allclose(drawn.geometry.affine, THICK.geometry.affine, atol=1e-6)


def test_on_tilted_slices_that_are_unevenly_apart(tmp_path: Path) -> None:
    table = table_positions(THICK, 5.0)
    volume = acquire(THICK, [*table[:20], *table[20::2]], tilt_degrees=15)
    paths, studies = write_scan(tmp_path / "scan", volume)
    labels = block()[: len(volume.hu)]
    path = write_segmentation(tmp_path / "labels", paths, labels, volume.geometry)
    _, drawn = read_labels(path, studies, Names())
    np.testing.assert_array_equal(drawn.labels, labels)
    np.testing.assert_allclose(drawn.geometry.origins, volume.geometry.origins, atol=1e-3)


def test_the_labelled_series_is_found_among_others(tmp_path: Path) -> None:
    _, thin = write_scan(tmp_path / "thin", head((2.0, 2.0, 2.0)), number=2)
    paths, thick = write_scan(tmp_path / "thick")
    (study,) = thin
    both = (replace(study, series=(*study.series, *thick[0].series)),)
    series, _ = read_labels(write_segmentation(tmp_path / "labels", paths, block()), both, Names())
    assert series is thick[0].series[0]


def test_a_sites_own_names(tmp_path: Path) -> None:
    paths, studies = write_scan(tmp_path / "scan")
    path = write_segmentation(tmp_path / "labels", paths, block(), names={1: "infarct", 2: "oedema"})
    with pytest.raises(LabelsRejected, match="'infarct'") as caught:
        read_labels(path, studies, Names())
    assert caught.value.fault is Fault.UNKNOWN_NAME
    _, drawn = read_labels(path, studies, Names({"Infarct": StrokeClass.IS, "oedema": None}))
    assert set(np.unique(drawn.labels)) == {0, 1}


def _other_frame(path: Path) -> None:
    data = pydicom.dcmread(path)
    data.FrameOfReferenceUID = "1.2.3"
    data.save_as(path)


def _moved(path: Path) -> None:
    """A frame 1 mm away from its image."""
    data = pydicom.dcmread(path)
    position = data.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    position.ImagePositionPatient = [position.ImagePositionPatient[0] + 1, *position.ImagePositionPatient[1:]]
    data.save_as(path)


def _without_sources(path: Path) -> None:
    data = pydicom.dcmread(path)
    for frame in data.PerFrameFunctionalGroupsSequence:
        del frame.DerivationImageSequence
    data.save_as(path)


def _cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        (_other_frame, Fault.OTHER_FRAME),
        (_moved, Fault.OTHER_GRID),
        (_without_sources, Fault.OTHER_SERIES),
        (_cut_off, Fault.UNREADABLE_LABELS),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, spoil: object, fault: Fault) -> None:
    paths, studies = write_scan(tmp_path / "scan")
    path = write_segmentation(tmp_path / "labels", paths, block())
    assert callable(spoil)
    spoil(path)
    with pytest.raises(LabelsRejected) as caught:
        read_labels(path, studies, Names())
    assert caught.value.fault is fault


def test_copies_of_an_image_do_no_harm(tmp_path: Path) -> None:
    """A file that was exported twice."""
    paths, _ = write_scan(tmp_path / "scan")
    (tmp_path / "scan/again").write_bytes(paths[19].read_bytes())
    path = write_segmentation(tmp_path / "labels", paths, block(), names={2: "IH", 1: "IS"})
    _, drawn = read_labels(path, read_studies(sorted((tmp_path / "scan").iterdir())).studies, Names())
    np.testing.assert_array_equal(drawn.labels, block())


def test_a_labelled_image_must_not_be_missing(tmp_path: Path) -> None:
    paths, studies = write_scan(tmp_path / "scan")
    path = write_segmentation(tmp_path / "labels", paths, block())
    (study,) = studies
    (series,) = study.series
    labelled = pydicom.dcmread(paths[19]).SOPInstanceUID
    images = tuple(image for image in series.images if image.sop_instance_uid != labelled)
    fewer: Study = replace(study, series=(replace(series, images=images),))
    with pytest.raises(LabelsRejected) as caught:
        read_labels(path, (fewer,), Names())
    assert caught.value.fault is Fault.OTHER_SERIES
