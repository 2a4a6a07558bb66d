"""Geometry and Volume: voxels in Hounsfield units and where they lie in the patient.

Everything is in the patient's LPS millimetres (DICOM PS3.3 C.7.6.2.1.1): +x to the left, +y to the back, +z to the
head. A volume's axes are always (z, y, x), each running towards its positive direction as nearly as the scan allows.
Planes may be unevenly spaced or sheared (a tilted gantry); what needs an affine says so. Nothing here reads DICOM or
resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Box: TypeAlias = tuple[slice, slice, slice]

AIR_HU = -1024
"""What lies outside the scanned circle, and what padding is set to."""
SPACING_TOLERANCE_MM = 0.02
"""Scanners write positions with two to six decimals; gaps closer than this are the same."""
TILT_TOLERANCE_DEGREES = 0.2
SHIFT_TOLERANCE_MM = 0.5
"""Planes this much aside of each other, about a pixel, are not straightened."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where the voxels of a stack of parallel planes lie.

    origins: float64 (Z, 3), the centre of voxel [k, 0, 0] of each plane k, in LPS mm, ascending along the normal
    x_step: float64 (3,), from voxel [k, j, i] to [k, j, i + 1]
    y_step: float64 (3,), from voxel [k, j, i] to [k, j + 1, i]

    ValueError where the steps are not perpendicular, or the planes are not in ascending order.
    """

    origins: Floats
    x_step: Floats
    y_step: Floats

    def __post_init__(self) -> None:
        for name, shape in (("origins", (len(self.origins), 3)), ("x_step", (3,)), ("y_step", (3,))):
            array = np.array(getattr(self, name), dtype=np.float64)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite numbers of shape {shape}, not {array.shape}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        lengths = np.linalg.norm(self.x_step), np.linalg.norm(self.y_step)
        if min(lengths) <= 0 or abs(self.x_step @ self.y_step) > 1e-3 * lengths[0] * lengths[1]:
            raise ValueError("row and column directions must be perpendicular and not zero")
        if not len(self.origins) or (np.diff(self.distances) <= 0).any():
            raise ValueError("planes must be at least one, in ascending order along the normal, no two at one place")

    @classmethod
    def uniform(cls, planes: int, origin: Floats, x_step: Floats, y_step: Floats, z_step: Floats) -> Geometry:
        """Evenly spaced planes: `z_step` (3,) leads from each to the next."""
        return cls(np.asarray(origin) + np.arange(planes)[:, None] * np.asarray(z_step), x_step, y_step)

    @classmethod
    def axis_aligned(cls, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> Geometry:
        """A grid along the patient's axes, centred on 0; shape and spacing in the order (z, y, x)."""
        dz, dy, dx = spacing_mm
        origin = -0.5 * (np.array(shape[::-1]) - 1) * (dx, dy, dz)
        steps = np.diag((dx, dy, dz)).astype(np.float64)
        return cls.uniform(shape[0], origin, *steps)

    @property
    def planes(self) -> int:
        return len(self.origins)

    @property
    def normal(self) -> Floats:
        """float64 (3,): unit vector across the planes, towards the head for axial planes."""
        normal: Floats = np.cross(self.x_step, self.y_step)
        unit: Floats = normal / np.linalg.norm(normal)
        return unit

    @property
    def distances(self) -> Floats:
        """float64 (Z,): each plane's place along the normal, mm."""
        return self.origins @ self.normal

    @property
    def gaps(self) -> Floats:
        """float64 (Z - 1,): from each plane to the next along the normal, mm."""
        return np.diff(self.distances)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """(z, y, x); z is the median gap, or 0 for a single plane."""
        z = float(np.median(self.gaps)) if self.planes > 1 else 0.0
        return z, float(np.linalg.norm(self.y_step)), float(np.linalg.norm(self.x_step))

    @property
    def tilt_degrees(self) -> float:
        """The angle between the normal and the line on which the planes are stacked: 0 for a straight gantry."""
        if self.planes < 2:
            return 0.0
        line = self.origins[-1] - self.origins[0]
        across = float(line @ self.normal)
        return float(np.degrees(np.arctan2(np.linalg.norm(line - across * self.normal), across)))

    @property
    def is_evenly_spaced(self) -> bool:
        """Whether all gaps are equal within the tolerance of written positions."""
        return self.planes < 3 or bool(np.ptp(self.gaps) <= 2 * SPACING_TOLERANCE_MM)

    @property
    def is_tilted(self) -> bool:
        return self.tilt_degrees > TILT_TOLERANCE_DEGREES

    @property
    def is_upright(self) -> bool:
        """Whether the planes lie straight above each other along the normal: neither tilted nor shifted sideways."""
        return _largest_offset(self.origins, self.normal) <= SHIFT_TOLERANCE_MM

    @property
    def is_straight(self) -> bool:
        """Whether the planes lie on one line, tilted or not; else some are shifted against the others."""
        line = self.origins[-1] - self.origins[0]
        return self.planes < 3 or _largest_offset(self.origins, line / np.linalg.norm(line)) <= SHIFT_TOLERANCE_MM

    @property
    def affine(self) -> Floats:
        """float64 (4, 4): index (i, j, k, 1) to LPS mm. ValueError where the planes have no single affine."""
        if not self.is_evenly_spaced or not self.is_straight:
            raise ValueError("unevenly spaced or shifted planes have no affine")
        affine = np.eye(4)
        affine[:3, 0], affine[:3, 1], affine[:3, 3] = self.x_step, self.y_step, self.origins[0]
        if self.planes > 1:
            affine[:3, 2] = (self.origins[-1] - self.origins[0]) / (self.planes - 1)
        else:
            affine[:3, 2] = self.normal
        return affine

    @property
    def slice_widths_mm(self) -> Floats:
        """float64 (Z,): half the distance to each neighbour; the end planes take their one gap on both sides.

        Never SliceThickness: planes can overlap or leave gaps, and millilitres must not.
        """
        if self.planes < 2:
            raise ValueError("a single plane has no width")
        gaps = np.concatenate((self.gaps[:1], self.gaps, self.gaps[-1:]))
        return (gaps[:-1] + gaps[1:]) / 2

    def cropped(self, box: Box) -> Geometry:
        """The geometry of the voxels inside `box` (slices of z, y, x with explicit starts and stops, step 1)."""
        z, y, x = box
        return Geometry(self.origins[z] + x.start * self.x_step + y.start * self.y_step, self.x_step, self.y_step)


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Hounsfield units on a geometry: hu is int16 (Z, Y, X). ValueError where they don't fit each other."""

    hu: NDArray[np.int16]
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.hu.dtype != np.int16 or self.hu.ndim != 3 or not self.hu.size:
            raise ValueError(f"hu must be int16 (Z, Y, X) and not empty, not {self.hu.dtype} {self.hu.shape}")
        if len(self.hu) != self.geometry.planes:
            raise ValueError(f"{len(self.hu)} planes of voxels, but {self.geometry.planes} positions")

    @property
    def shape(self) -> tuple[int, int, int]:
        z, y, x = self.hu.shape
        return z, y, x

    def cropped(self, box: Box) -> Volume:
        """The voxels inside `box`, as a view."""
        return Volume(self.hu[box], self.geometry.cropped(box))


def _largest_offset(points: Floats, direction: Floats) -> float:
    """How far any of `points` (N, 3) lies from the line through the first one along the unit vector `direction`, mm."""
    offsets = points - points[0]
    return float(np.linalg.norm(offsets - np.outer(offsets @ direction, direction), axis=1).max())
