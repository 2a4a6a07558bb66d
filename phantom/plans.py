"""The plan of a stroke, drawn before the brain, which has to make room for it: kind, side, place, volume.

Ischaemia.py and haemorrhage.py make layers of a plan; lesions.py chooses between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phantom.brain import Brain
from phantom.difficulty import STANDARD, Difficulty, Limits
from phantom.fields import Field, Point
from phantom.layers import Layer
from phantom.shapes import Points, distance_from
from runtime.classification import StrokeClass


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of stroke: how frequent, how large at most (ml), and where its centre lies (nominal mm, x outwards)."""

    share: float
    largest_ml: float
    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]

    def holds(self, ml: float, limits: Limits) -> bool:
        largest_ml = self.largest_ml if limits.largest_ml is None else limits.largest_ml
        return limits.smallest_ml <= ml <= largest_ml


KINDS = {
    StrokeClass.IS: {
        "MCA": Kind(0.58, 200, (50, 62), (-40, 38), (-8, 45)),
        "PCA": Kind(0.13, 60, (8, 28), (55, 74), (-8, 18)),
        "ACA": Kind(0.09, 45, (4, 12), (-65, 0), (25, 50)),
        "PICA": Kind(0.07, 30, (18, 34), (50, 65), (-54, -38)),
        "lacunar": Kind(0.35, 16, (14, 30), (-20, 18), (-2, 26)),
    },
    StrokeClass.IH: {
        "deep": Kind(0.30, 80, (15, 30), (-14, 16), (-2, 16)),
        "lobar": Kind(0.24, 80, (26, 46), (-50, 52), (8, 40)),
        "cerebellar": Kind(0.08, 22, (6, 26), (42, 58), (-48, -36)),
        "subdural": Kind(0.17, 80, (45, 55), (-30, 30), (10, 40)),
        "epidural": Kind(0.09, 80, (54, 62), (-30, 40), (-8, 30)),
        "subarachnoid": Kind(0.14, 26, (0, 40), (-26, 20), (-22, 38)),
        "intraventricular": Kind(0.05, 22, (5, 10), (0, 20), (10, 20)),
    },
}


@dataclass(frozen=True, slots=True)
class StrokePlan:
    """One stroke to be: `kind` from KINDS; `side` 1 for the patient's left, -1 for the right; `centre` nominal mm.

    infarct_hu: how far the mean of an infarct falls below its tissue; None for what the first difficulty does
    mixed_blood: see phantom/difficulty.py
    """

    kind: str
    side: float
    centre: Point
    ml: float
    infarct_hu: float | None = None
    mixed_blood: bool = False

    @classmethod
    def random(cls, stroke: StrokeClass, rng: np.random.Generator, difficulty: Difficulty = STANDARD) -> StrokePlan:
        low, high = difficulty.volume_ml(stroke)
        ml = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        fitting = {name: kind for name, kind in KINDS[stroke].items() if kind.holds(ml, difficulty.limits_of(name))}
        limits = [difficulty.limits_of(name) for name in fitting]
        shares = np.array(
            [kind.share if of.share is None else of.share for kind, of in zip(fitting.values(), limits, strict=True)]
        )
        name = str(rng.choice(list(fitting), p=shares / shares.sum()))
        side = float(rng.choice((-1.0, 1.0)))
        kind = fitting[name]
        x, y, z = (float(rng.uniform(*limits)) for limits in (kind.x, kind.y, kind.z))
        fall = difficulty.infarct_hu if stroke is StrokeClass.IS else None
        infarct_hu = None if fall is None else float(rng.uniform(*fall))
        return cls(name, side, (side * x, y, z), ml, infarct_hu, difficulty.mixed_blood)

    def displaced(self, points: Points) -> Points:
        """The nominal points after the lesion's mass effect: what is found there has been pushed away from it."""
        x, y, z = points
        if self.kind in ("lobar", "deep", "cerebellar"):
            radius = (self.ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
            push = np.float32(0.4) * np.exp(-((distance_from(points, self.centre) / np.float32(1.9 * radius)) ** 2))
            x, y, z = (axis - push * (axis - np.float32(at)) for axis, at in zip(points, self.centre, strict=True))
        elif self.kind in ("subdural", "epidural", "MCA"):
            per_ml = {"subdural": 0.11, "epidural": 0.10, "MCA": 0.025}[self.kind]
            shift = np.float32(self.side * min(per_ml * self.ml, 8.0))
            middle = (self.side * 40, self.centre[1], self.centre[2])
            x = x + shift * np.exp(-((distance_from(points, middle) / np.float32(55)) ** 2))
        return x, y, z


@dataclass(frozen=True, slots=True, eq=False)
class StrokeLayers:
    """Layers over the tissue and below the CSF, layers over the CSF, and what the sulci lose of their half width."""

    on_tissue: tuple[Layer, ...] = ()
    on_fluid: tuple[Layer, ...] = ()
    sulcal_loss_mm: Field | None = None


def grown(order: Field, allowed: NDArray[np.bool_], ml: float, brain: Brain) -> Field:
    """Negative where the lesion has grown to, which takes the allowed points in `order` until they make `ml`.

    It takes at most 85 % of them. ValueError where there are none.
    """
    values = order[allowed]
    if not values.size:
        raise ValueError("a lesion has no room")
    count = int(np.clip(ml / brain.frame.lattice.cell_ml, 1, 0.85 * values.size))
    return np.asarray(order - np.partition(values, count - 1)[count - 1])


def same_side(plan: StrokePlan, brain: Brain) -> Field:
    """Distance from the half of the brain that the lesion is in."""
    return np.asarray(np.float32(1.5) - np.float32(plan.side) * brain.points[0])
