"""Volumes and masks as NIfTI-1 bytes, in the scanner's RAS millimetres."""

from __future__ import annotations

import gzip

import nibabel
import numpy as np
from numpy.typing import NDArray

from runtime.pipeline import Analysis
from runtime.volume import Geometry

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_NOT_GEOMETRIC = "slice positions not geometric"
_SCANNER = 1
_UNKNOWN = 0


def nifti_files(analysis: Analysis) -> dict[str, bytes]:
    """`segmentation.nii.gz` on the native slices (0 background, 1 IS, 2 IH), and for resampled series the uniform pair.

    A native grid with uneven or tilted planes has no true affine: its header then carries the in-plane pixel size and
    the median spacing, with a form code of 0 and a description that says so.
    """
    files = {"segmentation.nii.gz": _nifti(analysis.native_mask, analysis.native.geometry)}
    if analysis.is_resampled:
        files["volume_uniform.nii.gz"] = _nifti(analysis.grid.hu, analysis.grid.geometry)
        files["segmentation_uniform.nii.gz"] = _nifti(analysis.grid_mask, analysis.grid.geometry)
    return files


def _nifti(voxels: NDArray[np.int16] | NDArray[np.uint8], geometry: Geometry) -> bytes:
    """`voxels` (Z, Y, X), stored as (x, y, z) with y turned round to run forward, as dcm2niix stores them."""
    dz, dy, dx = geometry.spacing_mm
    is_geometric = geometry.is_evenly_spaced and geometry.is_upright
    affine = _LPS_TO_RAS @ (geometry.affine if is_geometric else np.diag([dx, dy, dz, 1.0]))
    affine[:3, 3] += affine[:3, 1] * (voxels.shape[1] - 1)
    affine[:3, 1] *= -1
    image = nibabel.nifti1.Nifti1Image(voxels.transpose(2, 1, 0)[:, ::-1], affine)
    image.header.set_xyzt_units("mm")
    code = _SCANNER if is_geometric else _UNKNOWN
    image.set_sform(affine, code)
    image.set_qform(affine, code)
    if not is_geometric:
        image.header["descrip"] = _NOT_GEOMETRIC
    return gzip.compress(image.to_bytes(), compresslevel=5, mtime=0)
