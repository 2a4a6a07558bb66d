"""A small head as a CT series, and what somebody could draw on it, in the three forms that labels come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from highdicom.seg import Segmentation, SegmentDescription
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import RTStructureSetStorage, generate_uid

from phantom.identity import StudyIdentity
from phantom.orientation import AXIAL, Orientation, Slices
from phantom.series import SeriesSettings, common_attributes, write_dataset, write_series
from runtime.dicom import read_studies
from runtime.study import Study
from runtime.volume import Floats, Geometry, Volume
from tests.builders import head

STUDY = StudyIdentity.of(1)
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
THICK = head((5.0, 2.0, 2.0))
"""40 slices of 100 x 100 pixels."""


def block() -> NDArray[np.uint8]:
    """On THICK: IS on slices 18 to 20, IH on slice 21, alike in no direction."""
    labels = np.zeros(THICK.shape, dtype=np.uint8)
    labels[18:21, 40:50, 55:75] = 1
    labels[18, 40, 55] = 0
    labels[21, 30:35, 52:60] = 2
    return labels


def write_scan(
    folder: Path,
    volume: Volume = THICK,
    number: int = 3,
    study: StudyIdentity = STUDY,
    orientation: Orientation = AXIAL,
) -> tuple[list[Path], tuple[Study, ...]]:
    """The series' files in the order of its slices, and the studies as read."""
    settings = SeriesSettings(
        study, number, f"HEAD {number}", matrix=None, orientation=orientation, shuffle_seed=1, instances_descend=True
    )
    paths = write_series(volume, folder, settings)
    return paths, read_studies(sorted(paths)).studies


def write_segmentation(
    path: Path,
    sources: Sequence[Path],
    labels: NDArray[np.uint8],
    geometry: Geometry = THICK.geometry,
    orientation: Orientation = AXIAL,
    names: Mapping[int, str] = {1: "IS", 2: "ih"},
    kind: str = "BINARY",
) -> Path:
    """A DICOM SEG with a segment for each name, of the labels (Z, Y, X) with its number."""
    images = [pydicom.dcmread(source) for source in sources]
    pixels = Slices.of(Volume(labels.astype(np.int16), geometry), orientation).hu
    segments = np.stack([pixels == label for label in names], axis=-1)
    tissue = codes.SCT.Tissue, codes.SCT.Tissue
    Segmentation(
        images,
        segments.astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
        kind,
        [SegmentDescription(number, name, *tissue, "MANUAL") for number, name in enumerate(names.values(), start=1)],
        generate_uid(), 100, generate_uid(), 1, "Strokebox", "tests", "1", "0",
    ).save_as(path)  # fmt: skip
    return path


Contours = Mapping[str, Sequence[Floats]]
"""By the name of the ROI: closed lines (n, 3) of points in LPS mm."""


def write_structure_set(
    path: Path, sources: Sequence[Path], contours: Contours, kind: str = "CLOSED_PLANAR", frame: str | None = None
) -> Path:
    """An RTSTRUCT that refers to the series of `sources`."""
    image = pydicom.dcmread(sources[0], stop_before_pixels=True)
    frame = frame or image.FrameOfReferenceUID
    data = common_attributes(STUDY, RTStructureSetStorage, "RTSTRUCT", 101)
    data.SOPInstanceUID = generate_uid()
    series = _dataset(SeriesInstanceUID=image.SeriesInstanceUID)
    study = _dataset(ReferencedSOPInstanceUID=image.StudyInstanceUID, RTReferencedSeriesSequence=[series])
    data.ReferencedFrameOfReferenceSequence = [
        _dataset(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study]),
    ]
    numbered = list(enumerate(contours.items(), start=1))
    data.StructureSetROISequence = [
        _dataset(ROINumber=number, ReferencedFrameOfReferenceUID=frame, ROIName=name) for number, (name, _) in numbered
    ]
    data.ROIContourSequence = [
        _dataset(
            ReferencedROINumber=number,
            ContourSequence=[
                _dataset(
                    ContourGeometricType=kind,
                    NumberOfContourPoints=len(points),
                    ContourData=[f"{value:.4f}" for value in points.ravel()],
                )
                for points in lines
            ],
        )
        for number, (_, lines) in numbered
    ]
    write_dataset(data, path)
    return path


def rectangle(plane: int, rows: tuple[float, float], columns: tuple[float, float], geometry: Geometry) -> Floats:
    """The closed line around pixels of a plane, in whole and half pixels: (4, 3) in LPS mm."""
    corners = [(rows[0], columns[0]), (rows[0], columns[1]), (rows[1], columns[1]), (rows[1], columns[0])]
    return np.array([geometry.origins[plane] + r * geometry.y_step + c * geometry.x_step for r, c in corners])


def write_nifti(path: Path, labels: NDArray[np.uint8], axes: str = "LPS", geometry: Geometry = THICK.geometry) -> Path:
    """Labels (Z, Y, X) on their geometry, stored with axes that run in these directions, as tools like best."""
    image = nibabel.nifti1.Nifti1Image(labels.transpose(2, 1, 0), LPS_TO_RAS @ geometry.affine)
    turned = nibabel.orientations.axcodes2ornt(axes)
    now = nibabel.orientations.io_orientation(image.affine)
    image.as_reoriented(nibabel.orientations.ornt_transform(now, turned)).to_filename(path)
    return path


def _dataset(**elements: object) -> Dataset:
    data = Dataset()
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    return data
