"""What bone does to the brain next to it: cupping along the inner table, dark bands between the petrous bones.

A scanner takes every ray as if it had one energy. The error grows with the square of the bone on the ray, so the bone
of each axial slice is projected and that error reconstructed: coarsely, since the artefact is smooth.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage, sparse

from phantom.fields import Field

_VIEWS = 60
_SIZE = 64
_PIXEL_MM = 4.0
_HALO_MM = 2.2
"""SD of how far bone's brightness reaches."""
_LONG_PATH_CM = 2.5
"""From about here on the error grows with the cube of the bone, which is what draws the bands."""


@lru_cache(maxsize=1)
def _projector() -> sparse.csr_array:
    """Sparse (views x bins, pixels) of a parallel-beam scanner over a square of _SIZE pixels."""
    centre = (_SIZE - 1) / 2
    y, x = (axis.ravel() - centre for axis in np.mgrid[:_SIZE, :_SIZE])
    rows, columns, values = [], [], []
    for view in range(_VIEWS):
        angle = np.pi * view / _VIEWS
        bins = np.clip(x * np.cos(angle) + y * np.sin(angle) + centre, 0, _SIZE - 1.001)
        low = np.floor(bins).astype(np.intp)
        for offset, value in ((0, 1 - (bins - low)), (1, bins - low)):
            rows.append(view * _SIZE + low + offset)
            columns.append(np.arange(_SIZE * _SIZE))
            values.append(value)
    entries = (np.concatenate(values).astype(np.float32), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.csr_array(entries, shape=(_VIEWS * _SIZE, _SIZE * _SIZE))


def _filtered(sinogram: Field) -> Field:
    """The ramp filter along bins, of (views, bins, slices), rolled off as a soft kernel does."""
    frequency = np.abs(np.fft.rfftfreq(2 * _SIZE))[None, :, None]
    ramp = frequency * np.cos(np.pi * frequency) ** 2
    spectrum = np.fft.rfft(sinogram, 2 * _SIZE, axis=1) * ramp
    filtered: Field = np.fft.irfft(spectrum, 2 * _SIZE, axis=1)[:, :_SIZE].astype(np.float32)
    return filtered


def artefact(bone: Field, step_mm: float, strength: float) -> Field:
    """HU to add, float32 of the shape of `bone` (Z, Y, X): its density (0 none, 1 cortical) at points `step_mm` apart.

    `strength` is what the scanner's own correction leaves: HU cm per square centimetre of bone, about 0.3 to 2.
    ValueError where the field of view is larger than the projector's 256 mm.
    """
    factor = step_mm / _PIXEL_MM
    smoothed: Field = np.asarray(ndimage.uniform_filter(bone, size=round(1 / factor), mode="nearest"))
    coarse = ndimage.zoom(smoothed, factor, order=1, grid_mode=True, mode="nearest")
    slices, height, width = coarse.shape
    if max(height, width) > _SIZE:
        raise ValueError(f"a field of {height} x {width} pixels of {_PIXEL_MM} mm does not fit the projector")
    square = np.zeros((_SIZE, _SIZE, slices), dtype=np.float32)
    inner = slice((_SIZE - height) // 2, (_SIZE + height) // 2), slice((_SIZE - width) // 2, (_SIZE + width) // 2)
    square[inner] = coarse.transpose(1, 2, 0)
    projector = _projector()
    path_cm = (projector @ square.reshape(-1, slices)) * np.float32(_PIXEL_MM / 10)
    error = -(path_cm**2) * (1 + path_cm / np.float32(_LONG_PATH_CM))
    filtered = _filtered(error.reshape(_VIEWS, _SIZE, slices)).reshape(-1, slices)
    image = (projector.T @ filtered) * np.float32(np.pi / _VIEWS * 10 / _PIXEL_MM)
    stack = image.reshape(_SIZE, _SIZE, slices)[inner].transpose(2, 0, 1)
    fine = ndimage.zoom(stack, np.array(bone.shape) / stack.shape, order=1, grid_mode=True, mode="nearest")
    return np.asarray(fine * np.float32(strength), dtype=np.float32)


def halo(bone: Field, step_mm: float, height_hu: float) -> Field:
    """HU to add, float32 of the shape of `bone`: the far skirts of the point spread, which a Gaussian alone lacks.

    `height_hu` is what is added deep inside the bone; half of it at its border.
    """
    spread: Field = ndimage.gaussian_filter(bone, _HALO_MM / step_mm, mode="nearest")
    return np.asarray(np.float32(height_hu) * spread, dtype=np.float32)
