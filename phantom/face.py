"""What is around a skull and below it: skin, fat, muscle, orbits, facial bones, and the air in sinuses and ears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phantom.fields import Field, Point
from phantom.head import Frame
from phantom.layers import AIR_HU, Layer, Term
from phantom.shapes import Points, bump, capsule, ellipsoid, intersection, mirrored, step, union

FAT_HU = -85.0
MUSCLE_HU = 52.0


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face.

    skin: distance from the skin, negative inside, mm
    layers: to be painted before the brain, from the skin inwards
    air: air cells, to be painted after the bone
    """

    skin: Field
    layers: tuple[Layer, ...]
    air: tuple[Layer, ...]

    @classmethod
    def random(cls, frame: Frame, solid: Field, rng: np.random.Generator) -> Face:
        """A face for the skull whose filled shape is `solid`."""
        skin = _skin(frame, rng, solid)
        orbits = mirrored(lambda side: ellipsoid(frame.points, (32 * side, -58, -33), (18.5, 24, 18)))
        layers = (*_soft_tissue(frame, rng, skin), *_bones(frame, rng, orbits), *_orbits(frame.points, rng, orbits))
        return cls(skin, layers, _air(frame, rng))


def _skin(frame: Frame, rng: np.random.Generator, solid: Field) -> Field:
    points = frame.points
    x, y, z = points
    scalp = rng.uniform(4.5, 7.5) + np.float32(0.6) * frame.noise(rng, 70)
    scalp += np.float32(rng.uniform(2, 6)) * bump(y, z, (-22, -18), (26, 26)) * step(np.abs(x) - 42, 12)  # temporalis
    face = union(
        ellipsoid(points, (0, -34, -78), (66, 60, 78)),
        capsule(points, (0, -84, -34), (0, -100, -66), 7, 10),
        capsule(points, (0, 18, -70), (0, 28, -140), 62),
        blend_mm=14,
    )
    ears = mirrored(lambda side: ellipsoid(points, (77 * side, 16, -38), (6, 15, 27)))
    return union(union(solid - scalp, face, blend_mm=18), ears, blend_mm=3)


def _soft_tissue(frame: Frame, rng: np.random.Generator, skin: Field) -> tuple[Layer, ...]:
    fat = rng.uniform(2.0, 4.5) + np.float32(0.8) * frame.noise(rng, 45)
    planes = frame.noise(rng, 34) * 11  # fat between the muscles
    muscle = MUSCLE_HU + 5 * frame.noise(rng, 12)
    muscle -= (1 - step(-frame.points[2] - 5, 25)) * 55  # on top of the head, aponeurosis and fat
    inner = skin + fat + np.float32(1.6)
    return (
        Layer("skin", 25.0, (Term(skin),)),
        Layer("fat", FAT_HU, (Term(skin + 1.7),)),
        Layer("muscle", muscle, (Term(inner), Term(planes, half_mm=0.6, away=True)), soft_mm=0.8),
    )


def _bones(frame: Frame, rng: np.random.Generator, orbits: Field) -> tuple[Layer, ...]:
    points = frame.points
    rough = frame.noise(rng, 14)
    vertebrae = intersection(
        capsule(points, (0, 31, -74), (0, 35, -140), 19), np.abs(np.mod(points[2] + 74, 17) - 8.5) - np.float32(7)
    )
    jaws = mirrored(
        lambda side: union(
            capsule(points, (68 * side, -2, -44), (48 * side, -56, -46), 3.2),
            capsule(points, (50 * side, 0, -54), (47 * side, -14, -125), 5.5, 7),
            capsule(points, (16 * side, -18, -60), (18 * side, -26, -95), 3),
        )
    )
    walls = union(
        orbits - 2,
        _antra(points) - 2,
        ellipsoid(points, (0, -52, -38), (14, 28, 15)),
        ellipsoid(points, (0, -17, -44), (19, 19, 15)),
        ellipsoid(points, (0, -60, -66), (16, 31, 23)),
    )
    palate = ellipsoid(points, (0, -62, -92), (30, 34, 8))
    return (
        Layer("vertebrae", 420.0, (Term(vertebrae),), soft_mm=1.5),
        Layer("jaws", 700.0, (Term(jaws + rough),), soft_mm=1.0),
        Layer("palate", 600.0, (Term(palate + rough),), soft_mm=1.5),
        Layer("walls", 650.0, (Term(walls + rough),), soft_mm=1.0),
    )


def _orbits(points: Points, rng: np.random.Generator, orbits: Field) -> tuple[Layer, ...]:
    y = float(rng.uniform(-77, -72))
    globes = mirrored(lambda side: ellipsoid(points, (32 * side, y, -33), (12, 12, 12)))
    lenses = mirrored(lambda side: ellipsoid(points, (32 * side, y - 8.5, -33), (4.8, 2.4, 4.8)))
    strings = mirrored(
        lambda side: union(
            capsule(points, (32 * side, y + 12, -33), (15 * side, -36, -31), 2.0),
            capsule(points, (44 * side, y + 8, -33), (17 * side, -35, -32), 1.9),
            capsule(points, (21 * side, y + 6, -33), (14 * side, -35, -32), 2.0),
            capsule(points, (32 * side, y + 5, -20), (16 * side, -36, -29), 1.9),
        )
    )
    return (
        Layer("orbital fat", FAT_HU, (Term(orbits),)),
        Layer("eyelids", 35.0, (Term(orbits), Term(points[1] - np.float32(y - 10))), soft_mm=1.0),
        Layer("eye muscles", 45.0, (Term(strings),), soft_mm=0.8),
        Layer("sclera", 45.0, (Term(globes),)),
        Layer("vitreous", 9.0, (Term(globes + 1.4),)),
        Layer("lenses", 75.0, (Term(lenses),), soft_mm=1.0),
    )


def _antra(points: Points) -> Field:
    """The maxillary sinuses."""
    return mirrored(lambda side: ellipsoid(points, (29 * side, -56, -68), (15, 17, 16)))


def _air(frame: Frame, rng: np.random.Generator) -> tuple[Layer, ...]:
    points = frame.points
    cells = np.float32(1.5) * frame.noise(rng, 7)
    grown = float(rng.uniform(0.5, 1.2))
    walls = Term(cells, half_mm=0.5, away=True)
    septum = Term(points[0] + np.float32(2) * frame.noise(rng, 40), half_mm=1.0, away=True)
    mastoids = mirrored(
        lambda side: union(
            ellipsoid(points, (57 * side, 27, -46), (9 * grown, 12 * grown, 15 * grown)),
            ellipsoid(points, (45 * side, 17, -40), (9, 5, 5)),
        )
    )
    canals = mirrored(lambda side: capsule(points, (82 * side, 12, -42), (49 * side, 12, -40), 3.0))
    sphenoid: Point = (float(rng.uniform(-3, 3)), -17, -44)
    frontal: Point = (float(rng.uniform(-4, 4)), -88.5, -16)
    throat = union(ellipsoid(points, (0, -18, -78), (10, 9, 18)), capsule(points, (0, -14, -85), (0, -8, -140), 7))
    turbinates = mirrored(
        lambda side: union(
            capsule(points, (8 * side, -74, -72), (8 * side, -40, -72), 4.5),
            capsule(points, (7 * side, -72, -58), (7 * side, -42, -58), 3.2),
        )
    )
    sphenoid_size = (13.0, 12.0, float(rng.uniform(6, 9)))
    return (
        Layer("mastoid cells", -750.0, (Term(mastoids + cells), walls), soft_mm=0.8),
        Layer("ear canals", AIR_HU, (Term(canals),)),
        Layer("nose", AIR_HU, (Term(ellipsoid(points, (0, -62, -66), (14, 32, 21))), septum)),
        Layer("turbinates", 45.0, (Term(turbinates),)),
        Layer("maxillary sinuses", AIR_HU, (Term(_antra(points)),)),
        Layer("ethmoid cells", AIR_HU, (Term(ellipsoid(points, (0, -52, -38), (12, 26, 13))), walls, septum)),
        Layer("sphenoid sinus", AIR_HU, (Term(ellipsoid(points, sphenoid, sphenoid_size)), septum)),
        Layer("frontal sinus", AIR_HU, (Term(ellipsoid(points, frontal, (18 * grown, 4, 11 * grown))), septum)),
        Layer("throat", AIR_HU, (Term(throat),)),
    )
