"""A labels file of any of the three kinds to a LabelVolume: the only place where their libraries' errors are caught."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pydicom
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from pydicom.errors import InvalidDicomError
from pydicom.uid import RTStructureSetStorage, SegmentationStorage

from runtime.dicom import quiet
from runtime.elements import READ_ERRORS
from runtime.selection import CT_STORAGES
from runtime.stacking import MINIMUM_SLICES
from runtime.study import Series, Study
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.nifti import read_nifti
from training.labels.segmentation import read_segmentation
from training.labels.structure_set import read_structure_set
from training.labels.volume import LabelVolume

Reader: TypeAlias = Callable[[Path, Sequence[Series], Names], tuple[Series, LabelVolume]]

NIFTI_NAMES = (".nii", ".nii.gz")
LABEL_MAP_STORAGE = "1.2.840.10008.5.1.4.1.1.66.7"
"""Label Map Segmentation Storage, younger than pydicom's list."""
_DICOM: Mapping[str, Reader] = {
    SegmentationStorage: read_segmentation,
    LABEL_MAP_STORAGE: read_segmentation,
    RTStructureSetStorage: read_structure_set,
}
_ERRORS = (*READ_ERRORS, RuntimeError, ImageFileError, HeaderDataError, WrapStructError)


def read_labels(path: Path, studies: Sequence[Study], names: Names) -> tuple[Series, LabelVolume]:
    """The series of `studies` that the labels were drawn on, and the labels on its voxels.

    LabelsRejected: see training/labels/faults.py. StudyRejected where the labelled series can't be stacked.
    """
    candidates = sorted(
        (series for study in studies for series in study.series if _is_stack(series)),
        key=lambda series: -len(series.images),
    )
    with quiet():
        try:
            return _reader(path)(path, candidates, names)
        except _ERRORS as error:
            raise LabelsRejected(Fault.UNREADABLE_LABELS, f"({type(error).__name__})") from error


def _reader(path: Path) -> Reader:
    if path.name.lower().endswith(NIFTI_NAMES):
        return read_nifti
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID"])
        return _DICOM[header.SOPClassUID]
    except (InvalidDicomError, KeyError, AttributeError) as error:
        raise LabelsRejected(Fault.NOT_LABELS) from error


def _is_stack(series: Series) -> bool:
    image = series.images[0]
    return image.sop_class_uid in CT_STORAGES and image.position is not None and len(series.images) >= MINIMUM_SLICES
