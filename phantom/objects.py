"""What must be rejected: a skull without a brain, a chest. Volumes; what lies beside a series is in companions.py."""

from __future__ import annotations

from typing import Literal

import numpy as np

from phantom.fields import Field, Lattice, Sampler
from phantom.head import Frame
from phantom.layers import Layer, Term, paint
from phantom.scanner import Scanner
from phantom.shapes import Points, capsule, ellipsoid, intersection, union
from phantom.skull import Skull
from runtime.volume import Geometry, Volume

FILLINGS = {"air": -990.0, "plastic": 130.0, "water": 0.0}
"""HU of what a bone phantom holds where the brain would be."""
_BLOCK_PLANES = 8


def bone_phantom(
    seed: int,
    filling: Literal["air", "plastic", "water"] = "air",
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 0.488, 0.488),
) -> Volume:
    """A skull without brain, skin or face, filled with one thing: 210 x 210 x 150 mm."""
    of_head, of_scanner = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    frame = Frame.random(of_head)
    skull = Skull.random(frame, of_head)
    layers = [Layer("filling", FILLINGS[filling], (Term(skull.cavity),)), *skull.layers]
    return _scanned(frame.lattice, layers, (210.0, 210.0, 150.0), (0.0, 0.0, 5.0), spacing_mm, of_scanner)


def chest(seed: int, *, spacing_mm: tuple[float, float, float] = (2.5, 0.78, 0.78)) -> Volume:
    """A body of about 350 x 250 mm with lungs, heart, ribs and spine, 200 mm long."""
    of_body, of_scanner = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    lattice = Lattice(start=(-200.0, -150.0, -112.0), shape=(57, 76, 101), step_mm=4.0)
    points = _spread(lattice, of_body)
    x, y, z = points
    upright = (x, y, np.float32(0) * z)
    body = ellipsoid(upright, (0, 0, 0), (175, 125, 1000))
    cage = ellipsoid(upright, (0, -5, 0), (145, 98, 1000))
    ribs = intersection(np.abs(cage) - np.float32(4), np.abs(np.mod(z + np.float32(0.3) * y, 30) - 15) - np.float32(6))
    heart = ellipsoid(points, (25, -35, -20), (55, 45, 65))
    lungs = union(*(ellipsoid(points, (side * 75, -5, 0), (58, 82, 135)) for side in (-1.0, 1.0)))
    spine = capsule(points, (0, 85, -200), (0, 85, 200), 20)
    layers = [
        Layer("fat", -95.0, (Term(body),)),
        Layer("muscle", 50.0, (Term(body + 20),)),
        Layer("lungs", -850.0, (Term(lungs), Term(cage + 5), Term(-heart)), soft_mm=1.0),
        Layer("heart", 42.0, (Term(heart),)),
        Layer("aorta", 40.0, (Term(capsule(points, (25, 60, -200), (25, 60, 200), 12)),)),
        Layer("ribs", 500.0, (Term(ribs), Term(body + 8)), soft_mm=1.0),
        Layer("spine", 350.0, (Term(spine),), soft_mm=2.0),
    ]
    return _scanned(lattice, layers, (370.0, 270.0, 200.0), (0.0, 0.0, 0.0), spacing_mm, of_scanner)


def _spread(lattice: Lattice, rng: np.random.Generator) -> Points:
    """The lattice's points, a little deformed."""
    zero: Field = np.zeros(lattice.shape, dtype=np.float32)
    x, y, z = (axis + zero + 2 * lattice.noise(rng, 150) for axis in lattice.axes)
    return x, y, z


def _scanned(
    lattice: Lattice,
    layers: list[Layer],
    size_mm: tuple[float, float, float],
    centre: tuple[float, float, float],
    spacing_mm: tuple[float, float, float],
    rng: np.random.Generator,
) -> Volume:
    """The layers in a box of `size_mm` (x, y, z) about `centre` (x, y, z), with a scanner's blur and noise."""
    extent = np.array(size_mm[::-1])
    shape = tuple(int(count) for count in np.floor(extent / spacing_mm) + 1)
    first = np.array(centre) - 0.5 * (np.array(shape[::-1]) - 1) * spacing_mm[::-1]
    planes, rows, columns = shape
    sampler = Sampler.onto(lattice, (first[0], first[1], first[2]), (planes, rows, columns), spacing_mm)
    border = float(np.cbrt(np.prod(spacing_mm)))
    blocks = [slice(start, min(start + _BLOCK_PLANES, planes)) for start in range(0, planes, _BLOCK_PLANES)]
    hu = np.concatenate([paint(layers, sampler, block, border)[0] for block in blocks])
    Scanner.random(rng).acquire(hu, spacing_mm, rng)
    steps = np.diag(spacing_mm[::-1]).astype(np.float64)
    return Volume(np.clip(np.rint(hu), -1024, 3071).astype(np.int16), Geometry.uniform(planes, first, *steps))
