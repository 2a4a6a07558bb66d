"""Solid shapes as signed distances in mm: negative inside. The ellipsoid's is approximate away from its surface."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from phantom.fields import Field, Point

Points: TypeAlias = tuple[Field, Field, Field]
"""x, y and z of every lattice point, mm."""
SIDES = (1.0, -1.0)
"""Left and right: factors of x."""


def ellipsoid(points: Points, centre: Point, radii: Point) -> Field:
    squared = scaled = np.float32(0)
    for axis, middle, radius in zip(points, centre, radii, strict=True):
        squared = squared + ((axis - np.float32(middle)) * np.float32(1 / radius)) ** 2
        scaled = scaled + ((axis - np.float32(middle)) * np.float32(1 / radius**2)) ** 2
    length = np.sqrt(squared)
    distance: Field = length * (length - 1) / np.sqrt(scaled + np.float32(1e-12))
    return np.asarray(np.maximum(distance, np.float32(-min(radii))))


def capsule(points: Points, start: Point, end: Point, radius: float, end_radius: float | None = None) -> Field:
    """The points within `radius` of the line from `start` to `end`, tapering to `end_radius`."""
    line = np.subtract(end, start, dtype=np.float32)
    offsets = [axis - np.float32(middle) for axis, middle in zip(points, start, strict=True)]
    along = offsets[0] * line[0] + offsets[1] * line[1] + offsets[2] * line[2]
    along = np.clip(along / np.float32(line @ line), 0, 1)
    squared = np.float32(0)
    for offset, step_along in zip(offsets, line, strict=True):
        squared = squared + (offset - along * step_along) ** 2
    taper = 0.0 if end_radius is None else end_radius - radius
    distance: Field = np.sqrt(squared) - np.float32(radius) - np.float32(taper) * along
    return distance


def distance_from(points: Points, centre: Point, stretch: Point = (1.0, 1.0, 1.0)) -> Field:
    """mm from `centre`, of space stretched by these factors along x, y and z."""
    squared = np.float32(0)
    for axis, middle, factor in zip(points, centre, stretch, strict=True):
        squared = squared + ((axis - np.float32(middle)) * np.float32(1 / factor)) ** 2
    return np.asarray(np.sqrt(squared), dtype=np.float32)


def bump(x: Field, y: Field, at: tuple[float, float], width: tuple[float, float]) -> Field:
    """A bell of height 1 at `at`, 1/e high at `width` from there."""
    along_x, along_y = (x - np.float32(at[0])) / np.float32(width[0]), (y - np.float32(at[1])) / np.float32(width[1])
    return np.asarray(np.exp(-(along_x**2) - along_y**2), dtype=np.float32)


def mirrored(make: Callable[[float], Field]) -> Field:
    """The union of what `make` gives for the left (1.0) and the right (-1.0)."""
    left, right = (make(side) for side in SIDES)
    return np.minimum(left, right)


def union(*shapes: Field, blend_mm: float = 0.0) -> Field:
    """The smallest distance; with `blend_mm` the seams are rounded over about that length."""
    joined = shapes[0]
    for shape in shapes[1:]:
        if blend_mm:
            seam = np.maximum(np.float32(blend_mm) - np.abs(joined - shape), 0)
            joined = np.minimum(joined, shape) - seam**2 * np.float32(0.25 / blend_mm)
        else:
            joined = np.minimum(joined, shape)
    return joined


def intersection(*shapes: Field) -> Field:
    joined = shapes[0]
    for shape in shapes[1:]:
        joined = np.maximum(joined, shape)
    return joined


def step(field: Field, width: float) -> Field:
    """A smooth step from 0 (field well below 0) to 1 over about `width`."""
    return np.asarray(0.5 + 0.5 * np.tanh(field * np.float32(2 / width)), dtype=np.float32)
