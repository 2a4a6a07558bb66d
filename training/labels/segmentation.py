"""Labels from a DICOM Segmentation (PS3.3 A.51), through highdicom: segments on the images that they were drawn on.

Frames go to their images by the references in the file, since a tilted or uneven series has no grid to go by; then
position, orientation and pixel size of each frame must be those of its image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from highdicom.seg import Segmentation, segread
from pydicom.dataset import Dataset

from runtime.classification import StrokeClass
from runtime.study import Image, Series
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.volume import LabelVolume

TOLERANCE_MM = 0.1
TOLERANCE_COSINE = 1e-3
HALF = 0.5
"""Of a fractional segment, what counts as labelled."""


def read_segmentation(path: Path, candidates: Sequence[Series], names: Names) -> tuple[Series, LabelVolume]:
    """The series that the segments are on, and their labels.

    LabelsRejected: OTHER_SERIES, OTHER_FRAME, OTHER_GRID, UNKNOWN_NAME. StudyRejected where the series is no stack.
    """
    segmentation = segread(path)
    series = _series(segmentation, candidates)
    _check(segmentation, series)
    segments: dict[StrokeClass | None, list[int]] = {}
    for number in segmentation.segment_numbers:
        label = segmentation.get_segment_description(number).SegmentLabel
        segments.setdefault(names.meaning(str(label)), []).append(number)
    places = {uid: place for place, uid in enumerate(dict.fromkeys(image.sop_instance_uid for image in series.images))}
    labels = np.zeros((len(places), segmentation.Rows, segmentation.Columns), dtype=np.uint8)
    for stroke in StrokeClass:  # a pixel in both is IH
        for number in segments.get(stroke, []):
            segment = segmentation.get_pixels_by_source_instance(
                list(places),
                segment_numbers=[number],
                ignore_spatial_locations=True,
                assert_missing_frames_are_empty=True,
            )
            labels[segment[..., 0] >= HALF] = stroke.label
    return series, LabelVolume.stacked(series, labels[[places[image.sop_instance_uid] for image in series.images]])


def _series(segmentation: Segmentation, candidates: Sequence[Series]) -> Series:
    sources = {_source(frame) for frame in segmentation.PerFrameFunctionalGroupsSequence}
    for series in candidates:
        own = {image.sop_instance_uid for image in series.images}
        if sources <= own:
            if series.images[0].frames > 1:
                raise LabelsRejected(
                    Fault.OTHER_SERIES, "They are a SEG on an enhanced CT: only NIfTI and RTSTRUCT can be."
                )
            return series
    raise LabelsRejected(Fault.OTHER_SERIES)


def _source(frame: Dataset) -> str:
    """The one image that a frame was drawn on."""
    sources = [
        str(image.ReferencedSOPInstanceUID)
        for derivation in frame.get("DerivationImageSequence", [])
        for image in derivation.get("SourceImageSequence", [])
    ]
    if len(sources) != 1:
        raise LabelsRejected(Fault.OTHER_SERIES, f"A frame of the labels names {len(sources)} images.")
    return sources[0]


def _check(segmentation: Segmentation, series: Series) -> None:
    if segmentation.FrameOfReferenceUID != series.images[0].frame_of_reference_uid:
        raise LabelsRejected(Fault.OTHER_FRAME)
    images = {image.sop_instance_uid: image for image in series.images}
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        image = images[_source(frame)]
        if (segmentation.Rows, segmentation.Columns) != (image.rows, image.columns):
            raise LabelsRejected(
                Fault.OTHER_GRID,
                f"{segmentation.Rows} x {segmentation.Columns} pixels on an image of {image.rows} x {image.columns}.",
            )
        if not _lies_on(frame, shared, image):
            raise LabelsRejected(Fault.OTHER_GRID, "A frame of the labels does not lie on its image.")


def _lies_on(frame: Dataset, shared: Dataset, image: Image) -> bool:
    def of(sequence: str, keyword: str) -> list[float]:
        group: Any = frame.get(sequence) or shared.get(sequence)
        return [float(number) for number in group[0][keyword].value]

    if image.position is None or image.orientation is None or image.pixel_spacing is None:
        return False
    side_mm = max(image.rows, image.columns)
    return (
        np.allclose(of("PlanePositionSequence", "ImagePositionPatient"), image.position, atol=TOLERANCE_MM)
        and np.allclose(
            of("PlaneOrientationSequence", "ImageOrientationPatient"), image.orientation, atol=TOLERANCE_COSINE
        )
        and np.allclose(of("PixelMeasuresSequence", "PixelSpacing"), image.pixel_spacing, atol=TOLERANCE_MM / side_mm)
    )
