"""The bright things in a head that are no blood outside vessels: dura, sinuses, arteries, plexus, calcifications."""

from __future__ import annotations

import numpy as np

from phantom import csf
from phantom.brain import Brain
from phantom.fields import Field
from phantom.layers import Layer, Term
from phantom.shapes import Points, capsule, ellipsoid, mirrored, union


def membranes(brain: Brain, rng: np.random.Generator) -> tuple[Layer, ...]:
    """To be painted over brain, CSF and blood."""
    x, y, z = brain.points
    sinus_hu, dura_hu = float(rng.uniform(50, 64)), float(rng.uniform(46, 60))
    falx = Term(x + np.float32(0.6) * brain.frame.noise(rng, 50), 1.1), Term(csf.falx_reach(brain.points))
    off_notch = Term(np.float32(17) - np.hypot(x, (y - 22) * np.float32(0.62)))
    inside = Term(brain.cavity)
    near_table = brain.cavity + np.float32(1.5)
    sagittal = np.hypot(x * np.float32(0.9), near_table) - np.float32(rng.uniform(3.0, 4.8))
    transverse = np.hypot(brain.tentorium, near_table) - np.float32(rng.uniform(2.8, 4.2))
    course = Term(np.maximum(-z - 20, np.minimum(-z - 10, -y)))  # from the forehead over the vertex to the torcula
    return (
        Layer("falx", dura_hu, (*falx, inside), soft_mm=0.4),
        Layer("tentorium", dura_hu - 4, (Term(brain.tentorium, 1.0), off_notch, Term(12 - y), inside), soft_mm=0.6),
        Layer("sagittal sinus", sinus_hu, (Term(sagittal), course, inside), soft_mm=0.8),
        Layer("transverse sinuses", sinus_hu, (Term(transverse), Term(36 - y), inside), soft_mm=0.8),
        Layer("arteries", float(rng.uniform(40, 50)), (Term(_arteries(brain.points)), inside), soft_mm=1.0),
        *_calcifications(brain, rng),
    )


def _arteries(points: Points) -> Field:
    """Basilar, carotid siphons, middle cerebral stems."""
    carotids = mirrored(
        lambda side: union(
            capsule(points, (7 * side, -12, -28), (8 * side, -12, -19), 2.0),
            capsule(points, (8 * side, -12, -19), (36 * side, -14, -15), 1.5, 1.1),
        )
    )
    return union(carotids, capsule(points, (0, 4, -38), (0, 0, -18), 1.7))


def _calcifications(brain: Brain, rng: np.random.Generator) -> tuple[Layer, ...]:
    old, points = brain.frame.atrophy, brain.points
    speck = np.float32(1.2) * brain.frame.noise(rng, 8)
    plexus = mirrored(lambda side: capsule(points, (24 * side, 33, 9), (20 * side, 24, 19), 2.4, 1.6))
    layers = [Layer("choroid plexus", 42.0, (Term(plexus),), soft_mm=1.2)]
    if rng.random() < 0.35 + 0.5 * old:
        hu = float(rng.uniform(90, 260))
        layers.append(Layer("calcified plexus", hu, (Term(plexus + 1 + speck),), soft_mm=0.8))
    if rng.random() < 0.7:
        radius = float(rng.uniform(1.2, 3.2))
        pineal = ellipsoid(points, (0, 26, 0), (radius, radius * 1.3, radius))
        hu = float(rng.uniform(90, 300))
        layers.append(Layer("pineal", hu, (Term(pineal + speck * np.float32(0.5)),), soft_mm=1.0))
    if rng.random() < 0.15 + 0.2 * old:
        pallidum = mirrored(lambda side: ellipsoid(points, (20 * side, -8, 2), (2.5, 6, 3)))
        hu = float(rng.uniform(55, 110))
        layers.append(Layer("calcified pallidum", hu, (Term(pallidum + speck),), soft_mm=2.0))
    if rng.random() < 0.25:
        at = (0.0, float(rng.uniform(-70, -30)), float(rng.uniform(25, 45)))
        plaque = ellipsoid(points, at, (1.5, float(rng.uniform(3, 9)), float(rng.uniform(2, 5))))
        terms = Term(plaque), Term(csf.falx_reach(points))
        layers.append(Layer("calcified falx", float(rng.uniform(120, 300)), terms, soft_mm=0.8))
    return tuple(layers)
