"""Smooth scalar fields on a coarse lattice, and their values on a fine grid of voxels.

All anatomy is computed on the lattice as distances in mm, which vary smoothly, and only interpolated to the voxels, a
slab of planes at a time. That makes a head cheap at any spacing, and the same head at every spacing. Knows no anatomy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]
"""float32 (Z, Y, X) on the lattice."""
Point: TypeAlias = tuple[float, float, float]
"""(x, y, z) in LPS mm."""
Window: TypeAlias = tuple[slice, slice]
"""Rows and columns of voxels, with explicit starts and stops."""
_BLOCK = 24
_BLAS_THREADS_FROM = 250_000
"""Products of more multiplications than this make OpenBLAS start threads, which costs more than it gains here."""


def interpolation(positions: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """float32 (len(positions), count): cubic (Catmull-Rom) weights of `count` samples at fractional indices.

    Indices outside 0..count - 1 take the end sample.
    """
    positions = np.clip(positions, 0, count - 1)
    base = np.minimum(np.floor(positions), count - 2).astype(np.intp)
    t = positions - base
    taps = (
        -0.5 * t + t**2 - 0.5 * t**3,
        1.0 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2.0 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
    weights = np.zeros((len(positions), count))
    rows = np.arange(len(positions))
    for offset, tap in zip((-1, 0, 1, 2), taps, strict=True):
        np.add.at(weights, (rows, np.clip(base + offset, 0, count - 1)), tap)
    return weights.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Points `step_mm` apart: `start` is the LPS position (x, y, z) of the first, `shape` their number (Z, Y, X)."""

    start: Point
    shape: tuple[int, int, int]
    step_mm: float = 2.0

    def __post_init__(self) -> None:
        if min(self.shape) < 4 or self.step_mm <= 0:
            raise ValueError(f"a lattice needs at least 4 points on each axis, not {self.shape}")

    @property
    def axes(self) -> tuple[Field, Field, Field]:
        """x (1, 1, X), y (1, Y, 1) and z (Z, 1, 1) of the points, mm."""
        z, y, x = (
            (start + self.step_mm * np.arange(count)).astype(np.float32)
            for start, count in zip(self.start[::-1], self.shape, strict=True)
        )
        return x[None, None, :], y[None, :, None], z[:, None, None]

    @property
    def cell_ml(self) -> float:
        return self.step_mm**3 / 1000

    def noise(self, rng: np.random.Generator, wavelength_mm: float) -> Field:
        """A smooth random field of mean 0 and SD about 1 that changes sign about every half wavelength."""
        step = wavelength_mm / 2.5
        counts = [max(4, int(np.ceil(count * self.step_mm / step)) + 3) for count in self.shape]
        field = rng.standard_normal(counts, dtype=np.float32)
        offsets = rng.uniform(0, 1, 3)
        for axis, (count, coarse) in enumerate(zip(self.shape, counts, strict=True)):
            weights = interpolation(offsets[axis] + np.arange(count, dtype=np.float64) * self.step_mm / step, coarse)
            weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
            field = np.moveaxis(_product(weights, np.moveaxis(field, axis, 0)), 0, axis)
        return np.ascontiguousarray(field)


@dataclass(frozen=True, slots=True, eq=False)
class Sampler:
    """Interpolates fields from a lattice to a grid of voxels whose planes, rows and columns are the lattice's axes."""

    z: NDArray[np.float32]
    y: NDArray[np.float32]
    x: NDArray[np.float32]

    @classmethod
    def onto(cls, lattice: Lattice, first: Point, shape: tuple[int, int, int], spacing: Point) -> Sampler:
        """For voxels from `first` (x, y, z in mm), `shape` and `spacing` in the order (z, y, x)."""
        matrices = [
            interpolation((begin + gap * np.arange(count, dtype=np.float64) - start) / lattice.step_mm, points)
            for begin, gap, count, start, points in zip(
                first[::-1], spacing, shape, lattice.start[::-1], lattice.shape, strict=True
            )
        ]
        return cls(*matrices)

    def slab(self, field: Field, planes: slice, window: Window) -> Field:
        """float32 (planes, rows, columns): the field's values on these planes of voxels, within the window."""
        rows, columns = window
        at_z, at_y, at_x = _touched(self.z[planes]), _touched(self.y[rows]), _touched(self.x[columns])
        values = _product(self.z[planes, at_z], field[at_z, at_y, at_x])
        tall = np.empty((len(values), rows.stop - rows.start, values.shape[2]), dtype=np.float32)
        for block, near, weights in _blocks(self.y[rows, at_y]):
            np.matmul(weights, values[:, near], out=tall[:, block])
        fine = np.empty((*tall.shape[:2], columns.stop - columns.start), dtype=np.float32)
        for block, near, weights in _blocks(self.x[columns, at_x]):
            np.matmul(tall[:, :, near], weights.T, out=fine[:, :, block])
        return fine


def _product(weights: NDArray[np.float32], field: Field) -> Field:
    """The field with its first axis interpolated: weights (M, N), field (N, ...), result (M, ...)."""
    flat = np.ascontiguousarray(field).reshape(len(field), -1)
    product = np.empty((len(weights), flat.shape[1]), dtype=np.float32)
    width = max(1, _BLAS_THREADS_FROM // weights.size)
    for start in range(0, flat.shape[1], width):
        np.matmul(weights, flat[:, start : start + width], out=product[:, start : start + width])
    return product.reshape(len(weights), *field.shape[1:])


def _blocks(weights: NDArray[np.float32]) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
    """The voxels of one axis in blocks: which voxels, the lattice points they take from, and the weights of those.

    Without the blocks most weights would be zero, and the products large enough for BLAS to start threads.
    """
    for start in range(0, len(weights), _BLOCK):
        near = _touched(weights[start : start + _BLOCK])
        yield slice(start, min(start + _BLOCK, len(weights))), near, weights[start : start + _BLOCK, near]


def _touched(weights: NDArray[np.float32]) -> slice:
    """The lattice points between the first and the last that any of these voxels takes from."""
    points = np.flatnonzero(weights.any(axis=0))
    return slice(int(points[0]), int(points[-1]) + 1)
