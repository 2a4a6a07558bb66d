"""The frame of one head: where its anatomy lies in the scanner, and how it differs from the textbook.

Owns size, proportions, tilt and deformation; the anatomy modules then speak of one nominal head, in mm from the middle
of the cranial vault. Paints nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from phantom.fields import Field, Lattice
from phantom.shapes import Points

LATTICE = Lattice(start=(-100.0, -122.0, -104.0), shape=(100, 122, 101))
"""Large enough for every head that `Frame.random` makes."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One head on the lattice.

    lattice: where the fields are computed
    points: nominal x, y, z of every lattice point, float32 (Z, Y, X) mm; +x is the head's left, 0 its midline
    atrophy: 0 (young, tight) to 1 (old, wide sulci and ventricles)
    """

    lattice: Lattice
    points: Points
    atrophy: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Frame:
        lattice = LATTICE
        size = rng.normal(1.0, 0.03)
        scale = np.clip(size * rng.normal(1.0, 0.025, 3), 0.90, 1.09)
        tilt = np.clip(rng.normal(0, (9, 4, 5)), (-18, -9, -11), (18, 9, 11))  # about x (nod), y (lean) and z (turn)
        turn = Rotation.from_euler("xyz", tilt, degrees=True).as_matrix().T
        offset = rng.normal(0, 3, 3)
        moved = [axis - np.float32(shift) for axis, shift in zip(lattice.axes, offset, strict=True)]
        points: list[Field] = []
        for row, factor in zip(turn, scale, strict=True):
            wx, wy, wz = (row / factor).astype(np.float32)
            along = wx * moved[0] + wy * moved[1] + wz * moved[2]
            along += np.float32(rng.uniform(1.5, 3.0)) * lattice.noise(rng, 150)
            along += np.float32(rng.uniform(0.3, 0.8)) * lattice.noise(rng, 50)
            points.append(along)
        return cls(lattice, (points[0], points[1], points[2]), float(rng.beta(1.6, 1.6)))

    def noise(self, rng: np.random.Generator, wavelength_mm: float) -> Field:
        return self.lattice.noise(rng, wavelength_mm)
