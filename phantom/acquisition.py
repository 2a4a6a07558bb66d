"""How a scanner steps through a head: thick slices, uneven table positions, a tilted gantry.

Takes a fine volume, gives the volume of what was scanned, on its own geometry. Adds no noise and knows no DICOM.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from runtime.volume import AIR_HU, Floats, Geometry, Volume


def table_positions(volume: Volume, spacing_mm: float, thickness_mm: float = 0.0) -> tuple[float, ...]:
    """Patient z in mm, `spacing_mm` apart, of straight slices that lie wholly inside the volume."""
    low, high = volume.geometry.origins[[0, -1], 2] + (thickness_mm / 2, -thickness_mm / 2)
    return tuple(float(low + spacing_mm * k) for k in range(int((high - low) / spacing_mm + 1e-6) + 1))


def acquire(
    volume: Volume, table_mm: Sequence[float], *, thickness_mm: float = 0.0, tilt_degrees: float = 0.0
) -> Volume:
    """One plane at each table position (patient z, ascending), averaged over its thickness along its normal.

    `volume` lies along the patient's axes. A tilted plane turns about x through the volume's middle (y), its back
    towards the head for a positive tilt, and the planes stay stacked along the patient's z, as on a table. In a plane,
    voxels keep their size and number. Trilinear interpolation; what was not scanned is AIR_HU. ValueError for another
    volume, a tilt beyond 35 degrees, or positions that don't ascend.
    """
    geometry = volume.geometry
    if geometry.is_tilted or not geometry.is_evenly_spaced or abs(geometry.normal[2]) < 0.9999:
        raise ValueError("only a regular axial volume can be scanned")
    if abs(tilt_degrees) > 35 or thickness_mm < 0:
        raise ValueError(f"no gantry tilts by {tilt_degrees} degrees, no slice is {thickness_mm} mm thick")
    dz, dy, _ = geometry.spacing_mm
    _, height, width = volume.shape
    tilt = np.radians(tilt_degrees)
    middle = (height - 1) / 2
    y_step = dy * np.array((0, np.cos(tilt), np.sin(tilt)))
    normal = np.array((0, -np.sin(tilt), np.cos(tilt)))
    first = geometry.origins[0]
    centre = first + middle * geometry.y_step
    origins = np.array([(first[0], centre[1], z) - middle * y_step for z in table_mm])
    samples = max(1, int(np.ceil(thickness_mm / dz * 2)))
    offsets = ((np.arange(samples) + 0.5) / samples - 0.5) * thickness_mm
    rows = np.arange(height)[:, None] * y_step
    hu = np.empty((len(origins), height, width), dtype=np.int16)
    source = volume.hu.astype(np.float32)
    for plane, origin in enumerate(origins):
        summed = np.zeros((height, width), dtype=np.float32)
        for offset in offsets:
            at = rows + origin + offset * normal
            summed += _rows(source, _snapped((at[:, 2] - first[2]) / dz), _snapped((at[:, 1] - first[1]) / dy))
        hu[plane] = np.rint(summed / samples)
    return Volume(hu, Geometry(origins, geometry.x_step, y_step))


def _rows(source: NDArray[np.float32], z: Floats, y: Floats) -> NDArray[np.float32]:
    """float32 (rows, X): whole rows of voxels at fractional z and y indices (rows,), linear in both, AIR_HU outside."""
    rows = np.zeros((len(z), source.shape[2]), dtype=np.float32)
    left = np.ones(len(z))
    for z_whole in (np.floor(z), np.floor(z) + 1):
        for y_whole in (np.floor(y), np.floor(y) + 1):
            weight = (1 - np.abs(z - z_whole)) * (1 - np.abs(y - y_whole))
            inside = (z_whole >= 0) & (z_whole < source.shape[0]) & (y_whole >= 0) & (y_whole < source.shape[1])
            taken = weight * inside
            left -= taken
            at = z_whole[inside].astype(np.intp), y_whole[inside].astype(np.intp)
            rows[inside] += taken[inside, None].astype(np.float32) * source[at]
    rows += (np.float32(AIR_HU) * left[:, None]).astype(np.float32)
    return rows


def _snapped(index: Floats) -> Floats:
    """Without the rounding errors that would mix air into the first and last voxels."""
    return np.round(index, 6)
