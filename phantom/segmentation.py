"""Labels as a DICOM Segmentation (PS3.3 A.51) of one segment, IS or IH, on the images that they were drawn on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.sr.codedict import codes

from phantom.identity import StudyIdentity, uid
from runtime.classification import StrokeClass

_NUMBER = 100
_FINDINGS = {
    StrokeClass.IS: CodedConcept("55641003", "SCT", "Infarct"),
    StrokeClass.IH: CodedConcept("50960005", "SCT", "Hemorrhage"),
}


def write_segmentation(
    labels: NDArray[np.uint8], images: Sequence[Path], path: Path, study: StudyIdentity, stroke: StrokeClass
) -> None:
    """`labels` (N, rows, columns) on `images`, a series' files in the slices' order; the segment is named IS or IH."""
    segment = SegmentDescription(
        segment_number=1,
        segment_label=stroke.value,
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=_FINDINGS[stroke],
        algorithm_type="MANUAL",
    )
    Segmentation(
        source_images=[pydicom.dcmread(image) for image in images],
        pixel_array=(labels > 0).astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[segment],
        series_instance_uid=uid(study.seed, "series", _NUMBER),
        series_number=_NUMBER,
        sop_instance_uid=uid(study.seed, "series", _NUMBER, "instance", 1),
        instance_number=1,
        manufacturer="Strokebox",
        manufacturer_model_name="phantom",
        software_versions="1",
        device_serial_number="0",
        content_label="STROKE",
    ).save_as(path)
