"""The analysis grid: an evenly spaced, upright volume from any native one, and masks back to the native slices.

Follows docs/adr/0004. Planes keep their orientation and pixel size; only the spacing across them and, for a tilted
gantry, the in-plane offset change, so that one linear interpolation along the normal and one along the tilt are all
that touches a voxel.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from runtime.codes import Code
from runtime.errors import StudyRejected
from runtime.stacking import NATIVE_SPACING_MM
from runtime.volume import AIR_HU, Floats, Geometry, Volume

MOST_BYTES = 2 << 30
"""Of the grid: thick slices become many. A whole body of 1 m at 1024 x 1024 fits."""

Scalar = TypeVar("Scalar", bound=np.generic)


def to_grid(native: Volume, slice_spacing_mm: float) -> Volume:
    """`native` itself where it is thin, even and upright; else resampled to planes `slice_spacing_mm` apart.

    The grid reaches from the first native plane to the last, or just beyond, and is extended in plane so that nothing
    scanned is lost; outside is air. StudyRejected: TOO_LARGE, before any of it is made.
    """
    geometry = native.geometry
    if geometry.is_evenly_spaced and geometry.is_upright and geometry.spacing_mm[0] <= NATIVE_SPACING_MM:
        return native
    rows, columns = _pixel_offsets(geometry, geometry.origins[0])
    first_row, first_column = int(np.floor(rows.min())), int(np.floor(columns.min()))
    height = native.shape[1] + int(np.ceil(rows.max())) - first_row
    width = native.shape[2] + int(np.ceil(columns.max())) - first_column
    places = geometry.distances - geometry.distances[0]
    planes = int(np.ceil(places[-1] / slice_spacing_mm - 1e-6)) + 1
    if planes * height * width * np.dtype(np.int16).itemsize > MOST_BYTES:
        raise StudyRejected(Code.TOO_LARGE, f"Resampled, it has {planes} planes of {height} x {width}.")
    origin = geometry.origins[0] + first_row * geometry.y_step + first_column * geometry.x_step
    grid = np.empty((planes, height, width), dtype=np.int16)
    upright: dict[int, NDArray[np.float32]] = {}
    for index in range(planes):
        lower = min(int(np.searchsorted(places, index * slice_spacing_mm, side="right")) - 1, len(places) - 2)
        for plane in (lower, lower + 1):
            if plane not in upright:
                offset = rows[plane] - first_row, columns[plane] - first_column
                upright[plane] = _moved(native.hu[plane], offset, (height, width))
        upright = {plane: upright[plane] for plane in (lower, lower + 1)}
        weight = min((index * slice_spacing_mm - places[lower]) / (places[lower + 1] - places[lower]), 1.0)
        blend = upright[lower] + np.float32(weight) * (upright[lower + 1] - upright[lower])
        np.rint(blend, out=blend)
        grid[index] = blend
    step = geometry.normal * slice_spacing_mm
    return Volume(grid, Geometry.uniform(planes, origin, geometry.x_step, geometry.y_step, step))


def to_native(mask: NDArray[Scalar], grid: Geometry, native: Volume) -> NDArray[Scalar]:
    """Labels on the grid, or on a crop of it, as labels on the native slices, by nearest neighbour; outside is 0.

    mask: (Z, Y, X) on `grid`, which shares the native planes' orientation and pixel size. Returns `native.shape`.
    """
    labels = np.zeros(native.shape, dtype=mask.dtype)
    rows, columns = _pixel_offsets(native.geometry, grid.origins[0])
    spacing = grid.spacing_mm[0]
    for index, place in enumerate(native.geometry.distances - grid.distances[0]):
        plane = int(np.floor(place / spacing + 0.5))
        if 0 <= plane < len(mask):
            offset = -int(np.rint(rows[index])), -int(np.rint(columns[index]))
            _paste(labels[index], mask[plane], offset)
    return labels


def _pixel_offsets(geometry: Geometry, origin: Floats) -> tuple[Floats, Floats]:
    """Where each plane's first voxel lies against `origin`, in rows and columns."""
    offsets = geometry.origins - origin
    rows = offsets @ geometry.y_step / (geometry.y_step @ geometry.y_step)
    columns = offsets @ geometry.x_step / (geometry.x_step @ geometry.x_step)
    return rows, columns


def _moved(plane: NDArray[np.int16], offset: tuple[float, float], shape: tuple[int, int]) -> NDArray[np.float32]:
    """`plane` (H, W) on a canvas of air, moved by a fractional offset >= 0 with linear interpolation; float32."""
    moved = np.full(shape, AIR_HU, dtype=np.float32)
    whole = int(np.floor(offset[0] + 1e-6)), int(np.floor(offset[1] + 1e-6))
    _paste(moved, plane, whole)
    for axis in (0, 1):
        fraction = np.float32(max(offset[axis] - whole[axis], 0.0))
        if fraction > 1e-4:
            behind = np.roll(moved, 1, axis=axis)
            behind[(slice(None),) * axis + (0,)] = AIR_HU
            moved += fraction * (behind - moved)
    return moved


def _paste(canvas: NDArray[Scalar], picture: NDArray[np.generic], offset: tuple[int, int]) -> None:
    """Write `picture` into `canvas` with its first pixel at `offset`; what falls outside is dropped."""
    here, there = [], []
    for start, size, room in zip(offset, picture.shape, canvas.shape, strict=True):
        low, high = max(start, 0), min(start + size, room)
        if low >= high:
            return
        here.append(slice(low, high))
        there.append(slice(low - start, high - start))
    canvas[tuple(here)] = picture[tuple(there)]
