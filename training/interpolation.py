"""Labels drawn on thick slices, carried over to the voxels of a thin series (paper, section Data).

Two ways: linear, as the paper says, and by signed distance, which moves the border instead of fading from one slice to
the next (shape-based interpolation: Raya and Udupa, IEEE TMI 1990). Slices may lie at any positions, tilted or uneven.
`python -m training compare-interpolation` measures both.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from runtime.classification import StrokeClass
from runtime.volume import Box, Floats, Geometry
from training.labels.volume import LabelVolume

Floats32 = NDArray[np.float32]
FAR_MM = 1000.0
"""How far from any label a slice without labels is: farther than slices lie apart."""


class Interpolation(str, Enum):
    """How a point between two slices gets its label."""

    LINEAR = "linear"
    """Labelled where the two slices' labels, 0 or 1, weighted by nearness, reach a half."""
    DISTANCE = "distance"
    """Labelled where the two distances to the border, positive inside, weighted by nearness, are not negative.

    A distance counts up to that between the slices, or the deepest inside if that is less: so an area without a
    counterpart gets smaller all round and ends halfway, as with the other.
    """


def interpolated(drawn: LabelVolume, grid: Geometry, size: tuple[int, int], method: Interpolation) -> NDArray[np.uint8]:
    """`drawn` on the planes of `grid`, each of `size` (Y, X) pixels: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH.

    Within a slice labels are sampled linearly. The first and last slice count half their gap outwards. Where both
    classes reach a voxel, IH has it. ValueError where `grid` is uneven or its planes are shifted.
    """
    labels = np.zeros((grid.planes, *size), dtype=np.uint8)
    for stroke in StrokeClass:
        mask = drawn.labels == stroke.label
        if mask.any():
            field = _distances(mask, drawn.geometry) if method is Interpolation.DISTANCE else mask.astype(np.float32)
            box = _reach(mask, drawn.geometry, grid, labels.shape)
            labels[box][_inside(field, drawn.geometry, grid.cropped(box), labels[box].shape, method)] = stroke.label
    return labels


def _distances(mask: NDArray[np.bool_], geometry: Geometry) -> Floats32:
    """Per slice, each pixel's distance to the border, mm, positive inside; the border runs between pixels."""
    pixel = geometry.spacing_mm[1:]
    half = min(pixel) / 2
    field = np.full(mask.shape, -FAR_MM, dtype=np.float32)
    for plane in np.flatnonzero(mask.any(axis=(1, 2))):
        inside = ndimage.distance_transform_edt(mask[plane], sampling=pixel)
        outside = ndimage.distance_transform_edt(~mask[plane], sampling=pixel)
        field[plane] = np.where(mask[plane], inside - half, half - outside)
    return field


def _reach(mask: NDArray[np.bool_], geometry: Geometry, grid: Geometry, shape: tuple[int, ...]) -> Box:
    """The voxels of the grid that labels can reach: those around the labelled ones and one slice or pixel further."""
    z, rows, columns = (np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1)))
    planes = np.arange(max(z[0] - 1, 0), min(z[-1] + 2, geometry.planes))
    ends = geometry.normal * geometry.gaps.max()
    origins = np.concatenate((geometry.origins[planes], geometry.origins[z] - ends, geometry.origins[z] + ends))
    corners = np.concatenate([
        origins + row * geometry.y_step + column * geometry.x_step
        for row in (rows[0] - 1, rows[-1] + 1)
        for column in (columns[0] - 1, columns[-1] + 1)
    ])  # fmt: skip
    inverse = np.linalg.inv(grid.affine)
    places = (corners @ inverse[:3, :3].T + inverse[:3, 3])[:, ::-1]
    low = np.clip(np.floor(places.min(axis=0)), 0, shape).astype(int)
    high = np.clip(np.ceil(places.max(axis=0)) + 1, low, shape).astype(int)
    z_box, y_box, x_box = (slice(int(first), int(end)) for first, end in zip(low, high, strict=True))
    return z_box, y_box, x_box


def _inside(
    field: Floats32, geometry: Geometry, grid: Geometry, shape: tuple[int, ...], method: Interpolation
) -> NDArray[np.bool_]:
    """bool `shape`: the voxels of `grid` whose interpolated field is inside."""
    rows, columns = np.arange(shape[1])[:, None, None], np.arange(shape[2])[:, None]
    in_plane = rows * grid.y_step + columns * grid.x_step
    inside = np.zeros(shape, dtype=np.bool_)
    for plane, origin in enumerate(grid.origins):
        inside[plane] = _between(field, geometry, origin + in_plane, method)
    return inside


def _between(field: Floats32, geometry: Geometry, points: Floats, method: Interpolation) -> NDArray[np.bool_]:
    """Whether points, float64 (Y, X, 3) in LPS mm, are inside by the slices above and below them."""
    distances, gaps = geometry.distances, geometry.gaps
    places = points @ geometry.normal
    lower = np.clip(np.searchsorted(distances, places, side="right") - 1, 0, len(gaps) - 1)
    gap = gaps[lower]
    weight = np.clip((places - distances[lower]) / gap, 0, 1)
    below, above = (_sampled(field, geometry, points, plane) for plane in (lower, lower + 1))
    if method is Interpolation.DISTANCE:
        deepest = field.max(axis=(1, 2))
        most = np.minimum(gap, np.maximum(deepest[lower], deepest[lower + 1]))
        inside = (1 - weight) * np.clip(below, -most, most) + weight * np.clip(above, -most, most) >= 0
    else:
        inside = (1 - weight) * below + weight * above >= 0.5
    within = (places >= distances[0] - gaps[0] / 2) & (places <= distances[-1] + gaps[-1] / 2)
    result: NDArray[np.bool_] = inside & within
    return result


def _sampled(field: Floats32, geometry: Geometry, points: Floats, planes: NDArray[np.intp]) -> Floats:
    """The field (Z, Y, X) on the given slices, straight below or above the points."""
    offsets = points - geometry.origins[planes]
    rows, columns = (offsets @ step / (step @ step) for step in (geometry.y_step, geometry.x_step))
    outside = float(field.min())
    sampled: Floats = ndimage.map_coordinates(
        field, [planes, rows, columns], order=1, mode="constant", cval=outside, output=np.float64
    )
    return sampled
