"""A donor's NIfTI to a Donor: axes put in order, and the Cormack units of the scct template back into HU."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError

from phantom.donor import Donor
from phantom.fields import Field
from runtime.errors import UsageError

_AIR_IN_HU = -500.0
_CORMACK = (900.0, 3100.0)


def read_donor(path: Path) -> Donor:
    """A whole healthy head, in HU or, as Clinical Toolbox's scct template, in Cormack units.

    Its axes are taken as the nearest ones of the patient's; a few degrees don't matter. UsageError where it can't be
    read or no head is found in it.
    """
    try:
        image = nibabel.as_closest_canonical(nibabel.load(path))
        values = np.asarray(image.dataobj, dtype=np.float32)
        zooms = image.header.get_zooms()
    except (OSError, ImageFileError, ValueError) as error:
        raise UsageError(f"{path} can't be read as a NIfTI: {error}") from error
    if values.ndim != 3:
        raise UsageError(f"{path} has {values.ndim} dimensions. A donor is one volume.")
    hu = values if values.min() < _AIR_IN_HU else hounsfield(values)
    # NIfTI runs to the right and to the front, DICOM to the left and to the back.
    ordered = np.ascontiguousarray(hu[::-1, ::-1, :].transpose(2, 1, 0))
    try:
        return Donor.of(ordered, (float(zooms[2]), float(zooms[1]), float(zooms[0])))
    except ValueError as error:
        raise UsageError(f"{path} is no donor: {error}") from error


def hounsfield(cormack: Field) -> Field:
    """Cormack units to HU: they spread the values of soft tissue elevenfold (Rorden et al. 2012, Clinical Toolbox)."""
    low, high = _CORMACK
    middle = (cormack - np.float32(low)) / np.float32(11) - np.float32(124)
    outer = np.where(cormack <= low, cormack - np.float32(1024), cormack - np.float32(3024))
    return np.asarray(np.where((cormack > low) & (cormack <= high), middle, outer), dtype=np.float32)
