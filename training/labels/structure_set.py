"""Labels from an RTSTRUCT: closed contours on the slices of the series that it names (DICOM PS3.3 C.8.8.5, C.8.8.6).

Contours of one ROI on one slice are combined by exclusive or, so that a contour inside another is a hole, whether it is
written as CLOSED_PLANAR or CLOSEDPLANAR_XOR. ROIs of one class add up, and
a pixel in both classes is IH.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from runtime.study import Series
from runtime.volume import Floats, Geometry
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.polygons import filled
from training.labels.volume import LabelVolume

PLANE_TOLERANCE_MM = 0.5
AREAS = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


def read_structure_set(path: Path, candidates: Sequence[Series], names: Names) -> tuple[Series, LabelVolume]:
    """The series that the contours are on, and their labels: a pixel is labelled where its centre is inside.

    LabelsRejected: OTHER_SERIES, OTHER_FRAME, OFF_THE_SLICES, UNKNOWN_NAME.
    """
    data = pydicom.dcmread(path)
    series = _series(data, candidates)
    volume = LabelVolume.empty(series)
    rois = {int(roi.ROINumber): roi for roi in data.StructureSetROISequence}
    _, height, width = volume.labels.shape
    for drawn in data.get("ROIContourSequence", []):
        roi = rois[int(drawn.ReferencedROINumber)]
        stroke = names.meaning(str(roi.ROIName))
        if stroke is None:
            continue
        if roi.ReferencedFrameOfReferenceUID != series.images[0].frame_of_reference_uid:
            raise LabelsRejected(Fault.OTHER_FRAME)
        for plane, polygons in _by_plane(drawn, volume.geometry).items():
            area = filled(polygons, (height, width)) * np.uint8(stroke.label)
            np.maximum(volume.labels[plane], area, out=volume.labels[plane])
    return series, volume


def _series(data: Dataset, candidates: Sequence[Series]) -> Series:
    """By the series that the structure set refers to, else by the images that its contours do."""
    uids = {
        str(series.SeriesInstanceUID)
        for frame in data.get("ReferencedFrameOfReferenceSequence", [])
        for study in frame.get("RTReferencedStudySequence", [])
        for series in study.get("RTReferencedSeriesSequence", [])
    }
    images = {
        str(image.ReferencedSOPInstanceUID)
        for roi in data.get("ROIContourSequence", [])
        for contour in roi.get("ContourSequence", [])
        for image in contour.get("ContourImageSequence", [])
    }
    for series in candidates:
        own = {image.sop_instance_uid for image in series.images}
        if (series.uid in uids or not uids) and images <= own and (uids or images):
            return series
    raise LabelsRejected(Fault.OTHER_SERIES)


def _by_plane(drawn: Dataset, geometry: Geometry) -> dict[int, list[Floats]]:
    """An ROI's contours as (row, column) polygons, by the number of the slice."""
    planes: dict[int, list[Floats]] = defaultdict(list)
    for contour in drawn.get("ContourSequence", []):
        if contour.ContourGeometricType not in AREAS:
            kind = contour.ContourGeometricType
            raise LabelsRejected(Fault.OFF_THE_SLICES, f"It is no area on a slice but of the kind {kind}.")
        points = np.array(contour.ContourData, dtype=np.float64).reshape(-1, 3)
        places = points @ geometry.normal
        plane = int(np.abs(geometry.distances - places.mean()).argmin())
        away = float(np.abs(places - geometry.distances[plane]).max())
        if away > PLANE_TOLERANCE_MM:
            raise LabelsRejected(Fault.OFF_THE_SLICES, f"It is {away:.1f} mm away from the nearest.")
        offsets = points - geometry.origins[plane]
        steps = (geometry.y_step, geometry.x_step)
        planes[plane].append(np.stack([offsets @ step / (step @ step) for step in steps], axis=1))
    return planes
