"""A volume as the slices of a series in any of the 24 row and column orientations: the same voxels, otherwise told.

Pixels, positions and directions change together and no value is interpolated. Knows no DICOM data sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.volume import Floats, Volume

_AXES = {"L": (2, 1), "R": (2, -1), "P": (1, 1), "A": (1, -1), "H": (0, 1), "F": (0, -1)}
"""Letter of a direction in the patient (DICOM PS3.3 C.7.6.1.1.1): its axis of (Z, Y, X), and its sign."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """Where a row runs, and a column: letters L R P A H F. ValueError where both lie on one axis."""

    row: str = "L"
    column: str = "P"

    def __post_init__(self) -> None:
        if self.row not in _AXES or self.column not in _AXES or _AXES[self.row][0] == _AXES[self.column][0]:
            raise ValueError(f"rows along {self.row} and columns along {self.column} span no plane")


AXIAL = Orientation()
ORIENTATIONS = tuple(Orientation(row, column) for row in _AXES for column in _AXES if _AXES[row][0] != _AXES[column][0])
"""All 24."""


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """The images of a series.

    hu: int16 (N, rows, columns)
    positions: float64 (N, 3), LPS mm of the first pixel's centre
    row_step, column_step: float64 (3,), mm, from a column to the next and from a row to the next
    """

    hu: NDArray[np.int16]
    positions: Floats
    row_step: Floats
    column_step: Floats

    @classmethod
    def of(cls, volume: Volume, orientation: Orientation = AXIAL) -> Slices:
        """ValueError where tilted or unevenly spaced planes would have to be cut across."""
        geometry = volume.geometry
        (columns, along_row), (rows, along_column) = _AXES[orientation.row], _AXES[orientation.column]
        planes = 3 - rows - columns
        steps: list[Floats] = [np.zeros(3), geometry.y_step, geometry.x_step]
        origins = geometry.origins
        if planes != 0:
            if geometry.is_tilted or not geometry.is_evenly_spaced:
                raise ValueError("only a regular volume can be cut across its planes")
            steps[0] = geometry.affine[:3, 2]
            origins = origins[0] + np.arange(volume.shape[planes])[:, None] * steps[planes]
        flipped = [axis for axis, sign in ((columns, along_row), (rows, along_column)) if sign < 0]
        for axis in flipped:
            origins = origins + (volume.shape[axis] - 1) * steps[axis]
        hu = np.flip(volume.hu, tuple(flipped)).transpose(planes, rows, columns)
        return cls(np.ascontiguousarray(hu), origins, along_row * steps[columns], along_column * steps[rows])

    @property
    def gaps_mm(self) -> Floats:
        """float64 (N - 1,): from each image to the next, across them."""
        normal = np.cross(self.row_step, self.column_step)
        return np.asarray(np.abs(np.diff(self.positions @ (normal / np.linalg.norm(normal)))))

    def embedded(self, matrix: int, air_hu: int) -> Slices:
        """In the middle of a square field of `matrix` pixels. ValueError where they don't fit."""
        count, rows, columns = self.hu.shape
        if max(rows, columns) > matrix:
            raise ValueError(f"images of {rows} x {columns} pixels do not fit a matrix of {matrix}")
        top, left = (matrix - rows) // 2, (matrix - columns) // 2
        hu = np.full((count, matrix, matrix), air_hu, dtype=np.int16)
        hu[:, top : top + rows, left : left + columns] = self.hu
        return Slices(
            hu, self.positions - top * self.column_step - left * self.row_step, self.row_step, self.column_step
        )
