"""Labels from a NIfTI-1 or -2 file: 0 background, 1 IS, 2 IH, on the voxels of one of the patient's series.

NIfTI names no series, so the grid decides: the affine must lead from the series' voxels to the file's, one to one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from runtime.errors import StudyRejected
from runtime.study import Series
from runtime.volume import Floats
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.volume import LabelVolume

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
TOLERANCE_VOXELS = 0.1
"""Positions are decimal strings in DICOM and mostly single precision in NIfTI."""


def read_nifti(path: Path, candidates: Sequence[Series], names: Names) -> tuple[Series, LabelVolume]:
    """The first candidate with the file's grid, and the labels on it. LabelsRejected: OTHER_GRID, UNKNOWN_NAME."""
    image = nibabel.nifti1.load(path)
    if not (image.header["qform_code"] or image.header["sform_code"]):
        raise LabelsRejected(Fault.OTHER_GRID, "The file does not say where its voxels lie (qform and sform are 0).")
    values = np.asarray(image.dataobj)
    values = values.reshape(values.shape[:3])
    for series in candidates:
        first = series.images[0]
        if sorted(values.shape) != sorted((len(series.images), first.rows, first.columns)):
            continue
        try:
            empty = LabelVolume.empty(series)
        except StudyRejected:
            continue
        voxels = _on_series(_meant(values, names), RAS_TO_LPS @ image.affine, empty)
        if voxels is not None:
            return series, LabelVolume(voxels, empty.geometry)
    size = " x ".join(map(str, values.shape))
    raise LabelsRejected(Fault.OTHER_GRID, f"The labels have {size} voxels; no series has these voxels in this place.")


def _on_series(labels: NDArray[np.uint8], affine: Floats, empty: LabelVolume) -> NDArray[np.uint8] | None:
    """The file's labels on the voxels of the series, or None where these are not the file's own.

    affine: index of the file to LPS mm
    """
    geometry, (_, height, width) = empty.geometry, empty.labels.shape
    inverse = np.linalg.inv(affine)[:3]
    origins = geometry.origins @ inverse[:, :3].T + inverse[:, 3]
    steps = np.stack([geometry.y_step, geometry.x_step]) @ inverse[:, :3].T
    first, step = np.rint(origins).astype(np.intp), np.rint(steps).astype(np.intp)
    last = first + (height - 1) * step[0] + (width - 1) * step[1]
    errors = np.abs(origins - first).max(), (np.abs(steps - step) * [[height], [width]]).max()
    outside = min(first.min(), last.min()) < 0 or (np.maximum(first, last) >= labels.shape).any()
    if max(errors) > TOLERANCE_VOXELS or outside:
        return None
    rows, columns = np.arange(height)[:, None, None], np.arange(width)[:, None]
    planes = (origin + rows * step[0] + columns * step[1] for origin in first)
    return np.stack([labels[place[..., 0], place[..., 1], place[..., 2]] for place in planes])


def _meant(values: NDArray[np.generic], names: Names) -> NDArray[np.uint8]:
    labels = np.zeros(values.shape, dtype=np.uint8)
    for value in np.unique(values[values != 0]):
        stroke = names.meaning(f"{value:g}")
        if stroke is not None:
            labels[values == value] = stroke.label
    return labels
