"""The spaces that hold cerebrospinal fluid: sulci, fissures, ventricles, cisterns; and the tent that divides them.

Shapes only, in nominal mm; brain.py makes tissue of them.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from phantom.fields import Field, Point
from phantom.head import Frame
from phantom.shapes import SIDES, Points, capsule, ellipsoid, intersection, union

_VENTRICLE: tuple[tuple[Point, float], ...] = (
    ((9, -36, 6), 3.0),
    ((9.5, -24, 10), 5.0),
    ((9, -6, 19), 4.2),
    ((13, 14, 20), 4.5),
    ((23, 31, 12), 6.5),
    ((24, 45, 6), 3.5),
    ((23, 58, 4), 1.2),
)
"""A lateral ventricle from its frontal to its occipital horn: points (outwards x) and radii, mm."""
_TEMPORAL_HORN: tuple[tuple[Point, float], ...] = (((24, 31, 8), 4.0), ((31, 16, -12), 1.8), ((31, -8, -24), 1.3))
_SULCUS_APART_MM = 26.0
"""Wavelength of the waves whose zeros are sulci, at the surface."""


def sulci(frame: Frame, points: Points, rng: np.random.Generator) -> Field:
    """A field whose zeros are sheets across the cortex, scaled to be about the distance from them in mm."""
    x, y, z = points
    # The waves hardly change with depth, so that sheets stand upright on the surface.
    radius = np.sqrt((x / 66) ** 2 + (y / 84) ** 2 + ((z + 4) / 71) ** 2) + np.float32(0.05)
    spread = np.float32(0.8) / radius + np.float32(0.2)
    at = [axis * spread + np.float32(3) * frame.noise(rng, 40) for axis in points]
    waves = np.zeros_like(x)
    for _ in range(12):
        direction = rng.normal(0, 1, 3)
        direction *= rng.uniform(0.85, 1.25) * 2 * np.pi / _SULCUS_APART_MM / np.linalg.norm(direction)
        kx, ky, kz = direction.astype(np.float32)
        waves += np.sin(kx * at[0] + ky * at[1] + kz * at[2] + np.float32(rng.uniform(0, 2 * np.pi)))
    slopes = np.gradient(waves, frame.lattice.step_mm)
    steepness = np.sqrt(slopes[0] ** 2 + slopes[1] ** 2 + slopes[2] ** 2)
    return np.asarray(waves / np.maximum(steepness, np.float32(0.15)), dtype=np.float32)


def sulcal_half(frame: Frame, points: Points, cavity: Field, rng: np.random.Generator) -> Field:
    """Half the width of a sulcus, mm: wide at the surface of an old brain, below 0 where sulci end."""
    width = 0.35 + 1.25 * frame.atrophy + np.float32(0.35) * frame.noise(rng, 40)
    reach = 13 + np.float32(4) * frame.noise(rng, 25)
    from_fissure = np.hypot(points[0], np.maximum(_fissure_reach(points), 0))  # sulci also start between hemispheres
    depth = np.minimum(-cavity, from_fissure + 3)
    half = width + np.float32(0.25) - np.maximum(depth - reach * np.float32(0.5), 0) * np.float32(0.22)
    return np.asarray(half, dtype=np.float32)


def sylvian_fissures(points: Points, grown: float) -> Field:
    """From the side of the brain to the insula, and along it."""
    x, y, z = points
    rising = z - np.float32(0.6) * (y + 6)
    sides = []
    for side in SIDES:
        opening = ellipsoid((x * side, y, rising), (57, -4, -1), (18, 24, 0.9 + 0.9 * grown))
        bent = x * side + np.float32(0.004) * (y + 4) ** 2
        insula = ellipsoid((bent, y, z), (40, -4, 2), (1.2 + 1.2 * grown, 21, 12))
        sides.append(union(opening, insula, blend_mm=2))
    return union(*sides)


def ventricles(frame: Frame, points: Points, rng: np.random.Generator) -> Field:
    grown = 0.75 + 0.9 * frame.atrophy + rng.uniform(-0.15, 0.15)
    limbs = []
    for side in SIDES:
        size = float(grown * rng.uniform(0.88, 1.12))
        outwards = max(0.0, (size - 0.9) * 3)  # wide ones keep their medial wall
        for path in (_VENTRICLE, _TEMPORAL_HORN):
            for (start, radius), (end, end_radius) in pairwise(path):
                a, b = (((x + outwards) * side, y, z) for x, y, z in (start, end))
                limbs.append(capsule(points, a, b, radius * size, end_radius * size))
    septum = np.float32(0.8) - np.abs(points[0])
    lateral = intersection(union(*limbs, blend_mm=3.0), septum)
    third = ellipsoid(points, (0, 0, -3), (1.2 + 2.2 * grown, 14, 11))
    fourth = ellipsoid(points, (0, 36, -36), (5 + 2 * grown, 3.5 + 1.5 * grown, 9))
    return np.asarray(union(lateral, third, fourth) + np.float32(0.3) * frame.noise(rng, 20))


def tentorium(points: Points) -> Field:
    """Height above the tentorium's tent, about mm: negative below it."""
    x, y, z = points
    roof = 5 - np.float32(0.52) * np.sqrt(x**2 + 16) - np.float32(0.0065) * (y - 24) ** 2
    return np.asarray((z - roof) * np.float32(0.85), dtype=np.float32)


def cisterns(frame: Frame, points: Points, stem: Field, rng: np.random.Generator) -> Field:
    """Around the brainstem `stem`, at the base, between the hemispheres, and the Sylvian fissures."""
    x, y, z = points
    grown = 0.4 + 0.9 * frame.atrophy
    ambient = intersection(
        np.abs(stem - np.float32(1.5 + grown)) - np.float32(0.9 + 0.8 * grown), np.abs(z + 12) - np.float32(12)
    )
    prepontine = intersection(np.abs(stem - np.float32(2.5)) - np.float32(2.2), y - 12)
    suprasellar = union(
        ellipsoid(points, (0, -8, -19), (9 + 3 * grown, 10, 5)),
        ellipsoid(points, (0, -24, -18), (3, 10, 4)),
        blend_mm=4,
    )
    canal = intersection(z + 62, np.hypot(x, y - 33) - np.float32(13), -stem)
    vermis = intersection(np.hypot(x, (y - 66) * np.float32(0.5)) - np.float32(2.0 + 2 * grown), z + 22)
    spaces = union(
        ambient,
        prepontine,
        suprasellar,
        ellipsoid(points, (0, 28, -5), (8, 3.5 + grown, 6)),  # quadrigeminal
        ellipsoid(points, (0, 52, -62), (14, 10 * (0.6 + grown / 2), 8)),  # cisterna magna
        canal,
        vermis,
        intersection(np.abs(x) - np.float32(0.7 + 1.7 * frame.atrophy), _fissure_reach(points)),
        sylvian_fissures(points, grown),
    )
    return np.asarray(spaces + np.float32(0.4) * frame.noise(rng, 16))


def falx_reach(points: Points) -> Field:
    """Distance from the part of the midline plane that the falx takes."""
    return np.asarray(_midline(points, (50, 44, 27)) + 2)


def _fissure_reach(points: Points) -> Field:
    """Distance from the part of the midline plane where the hemispheres do not touch."""
    return _midline(points, (50, 40, 23))


def _midline(points: Points, callosum: Point) -> Field:
    """Above the corpus callosum of these radii, behind above the tent, and down to the base in front."""
    x, y, z = points
    body = ellipsoid((np.zeros_like(x), y, z), (0, -2, 4), callosum)
    return np.maximum(-body, np.where(y > 0, -tentorium(points), np.float32(-9)))
