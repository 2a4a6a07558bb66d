"""Hard negatives: what is no fresh stroke and looks like one, for reader and network alike.

Each is a set of layers, or a change of layers that are there. They are drawn from a stream of their own, so that a
head has the same ones with and without a stroke. Motion, which is no layer, is in motion.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from phantom.brain import Brain
from phantom.fields import Field, Point
from phantom.ischaemia import ischaemia
from phantom.layers import Layer, Term
from phantom.plans import KINDS, StrokePlan
from phantom.shapes import SIDES, bump, distance_from, ellipsoid
from runtime.classification import StrokeClass

OLD_INFARCT_ML = (3.0, 60.0)
HARDENING_FACTOR = (2.0, 3.5)
VESSELS = ("sagittal sinus", "transverse sinuses", "arteries", "falx", "tentorium")
_MOST_AT_ONCE = 3


class Pitfall(str, Enum):
    CALCIFICATION = "calcification"
    OLD_INFARCT = "old infarct"
    LEUKOARAIOSIS = "leukoaraiosis"
    DENSE_SINUSES = "dense sinuses"
    BEAM_HARDENING = "beam hardening"
    MOTION = "motion"
    SCALP_SWELLING = "scalp swelling"


@dataclass(frozen=True, slots=True)
class Pitfalls:
    """The pitfalls of one head, in the order of Pitfall. ValueError where one is there twice."""

    kinds: tuple[Pitfall, ...] = ()

    def __post_init__(self) -> None:
        if self.kinds != tuple(kind for kind in Pitfall if kind in self.kinds):
            raise ValueError("pitfalls come once each, in their order")

    @classmethod
    def random(cls, rng: np.random.Generator) -> Pitfalls:
        """One to three of them."""
        count = 1 + int(rng.integers(_MOST_AT_ONCE))
        chosen = rng.choice(len(Pitfall), count, replace=False)
        return cls(tuple(kind for number, kind in enumerate(Pitfall) if number in chosen))

    def __contains__(self, kind: Pitfall) -> bool:
        return kind in self.kinds


def old_damage(pitfalls: Pitfalls, brain: Brain, rng: np.random.Generator) -> tuple[Layer, ...]:
    """Infarcts long healed into fluid, and white matter gone pale: over tissue, below the CSF."""
    layers: list[Layer] = []
    if Pitfall.LEUKOARAIOSIS in pitfalls:
        reach = np.float32(rng.uniform(5, 13)) + np.float32(3) * brain.frame.noise(rng, 26)
        terms = Term(brain.ventricles - reach), Term(-brain.points[2] - 2), Term(brain.cavity + 12)
        hu = brain.white_hu - float(rng.uniform(4, 9))
        layers.append(Layer("pale white matter", hu, terms, soft_mm=6.0, keep=0.2))
    if Pitfall.OLD_INFARCT in pitfalls:
        plan = _old_plan(rng)
        (dark,) = ischaemia(plan, brain, rng).on_tissue
        hu = np.float32(rng.uniform(8, 17)) + np.float32(2) * brain.frame.noise(rng, 14)
        layers.append(replace(dark, name="old infarct", hu=hu, soft_mm=1.5, keep=0.05, lesion=False))
    return tuple(layers)


def calcified(pitfalls: Pitfalls, brain: Brain, rng: np.random.Generator) -> tuple[Layer, ...]:
    """Lumps of lime in basal ganglia, dentate nuclei, or anywhere in the brain: over everything in the skull."""
    if Pitfall.CALCIFICATION not in pitfalls:
        return ()
    points, rough = brain.points, np.float32(1.3) * brain.frame.noise(rng, 7)
    layers = []
    pairs: tuple[tuple[Point, Point], ...] = (
        ((20, -8, 2), (3.5, 8, 5)),
        ((13, -16, 8), (3, 6, 4)),
        ((17, 46, -42), (5, 6, 3)),
    )
    centre, radii = pairs[int(rng.integers(len(pairs)))]
    for side in SIDES:
        if rng.random() < 0.75:
            size = float(rng.uniform(0.6, 1.2))
            shape = ellipsoid(points, (side * centre[0], centre[1], centre[2]), _scaled(radii, size))
            hu = float(rng.uniform(60, 180))
            layers.append(Layer("calcified nucleus", hu, (Term(shape + rough),), soft_mm=2.0))
    for _ in range(1 + int(rng.poisson(1.2))):
        at = (float(rng.uniform(-50, 50)), float(rng.uniform(-60, 60)), float(rng.uniform(-20, 45)))
        lump = ellipsoid(points, at, _scaled((2.5, 2.5, 2.5), float(rng.uniform(0.6, 2.6))))
        terms = Term(lump + rough * np.float32(0.6)), Term(brain.parenchyma)
        layers.append(Layer("calcified lump", float(rng.uniform(80, 400)), terms, soft_mm=1.0))
    return tuple(layers)


def dense_vessels(pitfalls: Pitfalls, bright: Sequence[Layer], rng: np.random.Generator) -> tuple[Layer, ...]:
    """`bright` with its sinuses, arteries and dura as dense as clotted blood (a high haematocrit)."""
    if Pitfall.DENSE_SINUSES not in pitfalls:
        return tuple(bright)
    hu = float(rng.uniform(62, 80))
    return tuple(replace(layer, hu=hu - 6) if layer.name in VESSELS else layer for layer in bright)


def swelling(
    pitfalls: Pitfalls, brain: Brain, skin: Field, rng: np.random.Generator
) -> tuple[Field, tuple[Layer, ...]]:
    """The skin's distance after a blow to the head, and the blood under it: over the face, below the brain."""
    if Pitfall.SCALP_SWELLING not in pitfalls:
        return skin, ()
    side, y, z = float(rng.choice(SIDES)), float(rng.uniform(-60, 60)), float(rng.uniform(0, 50))
    x = 75 * float(np.sqrt(max(1 - (y / 95) ** 2 - (z / 80) ** 2, 0.02)))
    width = float(rng.uniform(22, 45))
    height = float(rng.uniform(5, 14))
    away = distance_from(brain.frame.points, (side * x, y, z))
    bulge = np.float32(height) * bump(away, away, (0, 0), (width, 1e6))
    swollen = np.asarray(skin - bulge, dtype=np.float32)
    hu = np.float32(rng.uniform(30, 62)) + np.float32(5) * brain.frame.noise(rng, 14)
    local = Term(np.float32(1.5) - bulge)
    return swollen, (
        Layer("swollen skin", 25.0, (Term(swollen), local)),
        Layer("scalp haematoma", hu, (Term(swollen + 2), local), soft_mm=1.5),
    )


def _old_plan(rng: np.random.Generator) -> StrokePlan:
    low, high = np.log(OLD_INFARCT_ML)
    ml = float(np.exp(rng.uniform(low, high)))
    kinds = {name: kind for name, kind in KINDS[StrokeClass.IS].items() if ml <= kind.largest_ml}
    name = str(rng.choice(list(kinds)))
    side = float(rng.choice(SIDES))
    x, y, z = (float(rng.uniform(*limits)) for limits in (kinds[name].x, kinds[name].y, kinds[name].z))
    return StrokePlan(name, side, (side * x, y, z), ml)


def _scaled(radii: Point, factor: float) -> Point:
    return radii[0] * factor, radii[1] * factor, radii[2] * factor
