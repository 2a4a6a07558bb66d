"""Ischaemic strokes: wedges of an artery's territory, and deep lacunar ones; darker tissue with less contrast in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from phantom.brain import Brain
from phantom.fields import Field, Point, Sampler
from phantom.layers import Layer, Slab, Term, paint
from phantom.plans import StrokeLayers, StrokePlan, grown, same_side
from phantom.shapes import distance_from, intersection, step

_APEX: dict[str, tuple[Point, float]] = {
    "MCA": ((18, 0, 4), 0.35),
    "ACA": ((2, -14, 12), 0.1),
    "PCA": ((14, 26, 2), 0.2),
    "PICA": ((6, 36, -40), 0.2),
}
"""Where a territory's wedges point to (outwards x), and how much they favour the surface."""
_SAMPLE_MM = 3.0
"""How far apart the tissue that an infarct lies in is looked at."""


def ischaemia(plan: StrokePlan, brain: Brain, rng: np.random.Generator) -> StrokeLayers:
    noise = brain.frame.noise
    jitter = np.float32(3.5) * noise(rng, 32) + np.float32(1.3) * noise(rng, 11)
    compartment = brain.infratentorial if plan.kind == "PICA" else brain.supratentorial
    limits = intersection(same_side(plan, brain), compartment)
    if plan.kind == "lacunar":
        order = distance_from(brain.points, plan.centre, (1.0, 1.35, 1.1))
    else:
        order = _wedge(plan, brain)
        limits = intersection(limits, _outside_territory(plan, brain))
    limits = limits + jitter * np.float32(0.7)
    region = grown(order + jitter, (brain.parenchyma < 0) & (limits < 0), plan.ml, brain)
    drop, keep = float(rng.uniform(6, 13)), float(rng.uniform(0.15, 0.5))
    mean = 0.55 * brain.grey_hu + 0.45 * brain.white_hu
    hu = np.maximum(mean - 0.9 * drop / (1 - keep) + np.float32(0.9) * noise(rng, 14), np.float32(10))
    terms = Term(region), Term(limits), Term(brain.cavity + 1)
    swelling = np.float32(rng.uniform(0.3, 1.2)) * step(-intersection(region, limits), 8)
    layer = Layer(plan.kind, hu, terms, soft_mm=float(rng.uniform(2.0, 4.0)), keep=keep, lesion=True)
    return StrokeLayers(on_tissue=(layer,), sulcal_loss_mm=swelling)


def darkened(
    lesion: StrokeLayers, tissue: Sequence[Layer], brain: Brain, infarct_hu: float, rng: np.random.Generator
) -> StrokeLayers:
    """The infarct as dark as planned: over all that is labelled, `infarct_hu` below the mean of the tissue it lies in.

    It takes away contrast between grey and white matter first, as far as nothing in it comes out brighter than it was.
    """
    (layer,) = lesion.on_tissue
    lattice = brain.frame.lattice
    step_mm = (_SAMPLE_MM,) * 3
    planes, rows, columns = (int((count - 1) * lattice.step_mm / _SAMPLE_MM) + 1 for count in lattice.shape)
    sampler = Sampler.onto(lattice, lattice.start, (planes, rows, columns), step_mm)
    slab = Slab(sampler, slice(0, planes))
    everywhere = slice(0, rows), slice(0, columns)
    weight = slab.weight(layer, everywhere, 1.0)
    hit = (weight > 0.5) & (slab.values(brain.parenchyma, everywhere) < 0)
    if not hit.any():
        hit = weight >= weight.max()
    core_hu = infarct_hu / float(weight[hit].mean())  # its border is soft
    before = paint(tissue, sampler, slice(0, planes), 1.0)[0][hit]
    mean = float(before.mean())
    darkest = min(float(np.percentile(before, 5)), mean - 0.5)
    keep = float(np.clip(1 - 0.8 * core_hu / (mean - darkest), layer.keep, 0.9))
    texture = np.float32(0.9) * brain.frame.noise(rng, 14)
    hu = np.asarray(np.float32(mean - core_hu / (1 - keep)) + texture, dtype=np.float32)
    return replace(lesion, on_tissue=(replace(layer, hu=hu, keep=keep),))


def _wedge(plan: StrokePlan, brain: Brain) -> Field:
    """mm off the axis of a cone from the territory's apex to the lesion's centre, more with depth."""
    apex, flatness = _APEX[plan.kind]
    apex = (plan.side * apex[0], apex[1], apex[2])
    offsets = [axis - np.float32(at) for axis, at in zip(brain.points, apex, strict=True)]
    aim = np.subtract(plan.centre, apex, dtype=np.float32)
    aim /= np.linalg.norm(aim)
    along = offsets[0] * aim[0] + offsets[1] * aim[1] + offsets[2] * aim[2]
    angle = np.arccos(np.clip(along / (distance_from(brain.points, apex) + 1), -1, 1))
    depth = np.maximum(brain.cavity + np.float32(28), 0)
    return np.asarray(angle * np.float32(48) + np.float32(flatness) * depth, dtype=np.float32)


def _outside_territory(plan: StrokePlan, brain: Brain) -> Field:
    """Distance from the artery's territory, negative inside."""
    x, y, z = brain.points
    out = x * np.float32(plan.side)
    paramedian = np.float32(17) - out + np.float32(0.15) * np.maximum(z - 20, 0)
    behind = np.float32(30) - y + np.float32(0.55) * np.maximum(z - 5, 0)
    if plan.kind == "ACA":
        return intersection(-paramedian, y - 30, np.float32(-2) - z)
    if plan.kind == "PCA":
        return intersection(behind, z - 26)
    if plan.kind == "PICA":
        return np.asarray(-out)
    return intersection(paramedian, -behind)
