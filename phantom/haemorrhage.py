"""Haemorrhages: in the brain with oedema around, in ventricles, along the inner table, in the subarachnoid space."""

from __future__ import annotations

import numpy as np

from phantom.brain import Brain
from phantom.fields import Field
from phantom.layers import Layer, Term
from phantom.plans import StrokeLayers, StrokePlan, grown, same_side
from phantom.shapes import distance_from, intersection, step

_LARGE_ML = 20.0
_SMALL_FAINTER_HU = 8.0


def parenchymal(plan: StrokePlan, brain: Brain, rng: np.random.Generator) -> StrokeLayers:
    noise = brain.frame.noise
    stretch = [float(factor) for factor in rng.uniform(0.75, 1.4, 3)]
    order = distance_from(brain.frame.points, plan.centre, (stretch[0], stretch[1], stretch[2]))
    order += np.float32(rng.uniform(1.0, 3.0)) * noise(rng, 26) + np.float32(rng.uniform(0.4, 1.2)) * noise(rng, 9)
    if plan.kind == "cerebellar":
        compartment = brain.infratentorial
    else:
        compartment = intersection(brain.supratentorial, same_side(plan, brain))
    limits = intersection(compartment, brain.cavity + np.float32(1.5))
    settled_ml = 0.0
    if plan.mixed_blood:
        order += np.float32(rng.choice((0.0, 0.0, 3.0))) * noise(rng, 7)  # some are contusions, with brain in between
        if plan.kind == "deep" and rng.random() < 0.4:
            settled_ml = min(float(rng.uniform(0.05, 0.4)) * plan.ml, 20.0)
    region = grown(order, limits < 0, plan.ml - settled_ml, brain)
    rim = np.float32(rng.uniform(2, 8)) + np.float32(1.2) * noise(rng, 20)
    oedema_hu = brain.white_hu - float(rng.uniform(3, 10))
    oedema = Layer("oedema", oedema_hu, (Term(region - rim), Term(limits)), soft_mm=4.0, keep=0.3)
    hu = _blood(plan, brain, rng, 55, 78)
    soft_mm = float(rng.uniform(0.6, 2.5)) if plan.mixed_blood else 0.9
    clot = [Layer(plan.kind, hu, (Term(region), Term(limits)), soft_mm=soft_mm, lesion=True)]
    if settled_ml:
        clot.append(_settled(plan, brain, rng, settled_ml))
    elif not plan.mixed_blood and plan.kind == "deep" and rng.random() < 0.4:
        clot.append(_settled(plan, brain, rng, float(rng.uniform(1.0, 12.0))))
    return StrokeLayers((oedema,), tuple(clot), step(rim - region, 12))


def intraventricular(plan: StrokePlan, brain: Brain, rng: np.random.Generator) -> StrokeLayers:
    return StrokeLayers(on_fluid=(_settled(plan, brain, rng, plan.ml),))


def extraaxial(plan: StrokePlan, brain: Brain, rng: np.random.Generator) -> StrokeLayers:
    """A subdural crescent or an epidural lens: a thickness that depends on the place along the inner table.

    Small ones have the shape of large ones, so that even 2 ml are thicker (3 mm) than a scanner's blur of bone.
    """
    noise = brain.frame.noise
    away = _along_table(plan, brain)
    if plan.kind == "epidural":
        spread = np.float32(11.6 * plan.ml ** (1 / 3)) * (1 + np.float32(0.05) * noise(rng, 40))
        profile = 1 - (away / spread) ** 2
    else:
        spread = np.float32(14.6 * plan.ml ** (1 / 3)) * (1 + np.float32(0.10) * noise(rng, 40))
        profile = (1 - (away / spread) ** 4) * (1 + np.float32(0.12) * noise(rng, 30))
    limits = intersection(same_side(plan, brain), brain.supratentorial, brain.cavity)
    thin = np.float32(0.05)
    order = -brain.cavity / np.maximum(profile, thin)
    taken = (limits < 0) & (profile > thin)
    thickness = np.max(order[taken & (grown(order, taken, plan.ml, brain) <= 0)])
    region = -brain.cavity - thickness * np.maximum(profile, np.float32(-0.5))
    hu = _blood(plan, brain, rng, 52, 74)
    if plan.kind == "subdural" and rng.random() < 0.3:  # older blood mixed in
        hu = hu - 12 * step(noise(rng, 35), 1.0)
    clot = Layer(plan.kind, hu, (Term(region), Term(limits)), soft_mm=0.6, lesion=True)
    return StrokeLayers(on_fluid=(clot,), sulcal_loss_mm=step(45 - away, 25) * step(-limits, 6))


def subarachnoid(plan: StrokePlan, brain: Brain, rng: np.random.Generator) -> StrokeLayers:
    order = distance_from(brain.points, plan.centre, (1.25, 1.25, 1.0)) + np.float32(5) * brain.frame.noise(rng, 25)
    near_surface = np.float32(0.2) - np.maximum(-brain.cavity - 14, 0)
    half_mm = np.maximum(brain.sulcal_half_mm + np.float32(0.5), near_surface)  # blood opens the sulci
    in_sulci = (np.abs(brain.sulci) < half_mm) & (brain.supratentorial < 0)
    region = grown(order, ((brain.cisterns < 0) | in_sulci) & (brain.cavity < 0), plan.ml, brain)
    hu = _blood(plan, brain, rng, 48, 68, fainter=0)
    inside = Term(region), Term(brain.cavity)
    sulci = Term(brain.sulci, half_mm), Term(brain.supratentorial), *inside
    return StrokeLayers(
        on_fluid=(
            Layer("sulcal", hu, sulci, soft_mm=1.0, lesion=True),
            Layer("cisternal", hu, (Term(brain.cisterns), *inside), soft_mm=1.0, lesion=True),
        )
    )


def _blood(
    plan: StrokePlan, brain: Brain, rng: np.random.Generator, low: float, high: float, fainter: float = 8
) -> Field:
    """HU of a clot: a level between the two, more or less mixed; mixed blood begins `fainter` HU lower.

    On real slices (CT-ICH 1.0.0, those that may guide choices) large clots are about 25 HU above brain at the median,
    small ones as often 6 to 12: so these begin lower still.
    """
    if plan.mixed_blood:
        small = float(np.clip(1 - np.log(plan.ml) / np.log(_LARGE_ML), 0, 1))
        return _mixed(plan, brain, rng, low - fainter - _SMALL_FAINTER_HU * small, high)
    texture = np.float32(rng.uniform(1.0, 4.0)) * brain.frame.noise(rng, 12)
    return np.asarray(np.float32(rng.uniform(low, high)) + texture)


def _mixed(plan: StrokePlan, brain: Brain, rng: np.random.Generator, low: float, high: float) -> Field:
    """Blood in all its states: coarse and fine texture, unclotted patches, and serum that stands on settled cells."""
    noise = brain.frame.noise
    hu = np.float32(rng.uniform(low, high)) + np.float32(rng.uniform(0.5, 4.0)) * noise(rng, 12)
    hu += np.float32(rng.uniform(0.0, 4.0)) * noise(rng, 30)
    if rng.random() < 0.25:
        hu -= np.float32(rng.uniform(6, 16)) * step(noise(rng, 22) - np.float32(0.6), 0.8)
    if rng.random() < 0.2:
        radius = (plan.ml * 1000 * 3 / (4 * np.pi)) ** (1 / 3)
        level = plan.centre[1] + float(rng.uniform(-0.4, 0.4)) * radius
        in_front = step(np.float32(level) - brain.points[1] + np.float32(0.8) * noise(rng, 30), 2.0)
        hu += np.float32(rng.uniform(2, 8)) - np.float32(rng.uniform(14, 28)) * in_front
    return np.asarray(np.maximum(hu, np.float32(36)), dtype=np.float32)


def _settled(plan: StrokePlan, brain: Brain, rng: np.random.Generator, ml: float) -> Layer:
    """Blood at the back of the ventricles, with the level that lying down makes."""
    _, y, z = brain.points
    order = -y - np.float32(0.25) * z + np.float32(rng.uniform(0.5, 4.0)) * brain.frame.noise(rng, 25)
    level = grown(order, brain.ventricles < 0, ml, brain)
    terms = Term(brain.ventricles), Term(level)
    return Layer("intraventricular", _blood(plan, brain, rng, 50, 72), terms, soft_mm=0.6, lesion=True)


def _along_table(plan: StrokePlan, brain: Brain) -> Field:
    """About how far along the inner table a point's place is from the lesion's centre, mm."""
    x, y, z = brain.frame.points
    directions = x / np.float32(66), y / np.float32(84), (z + 4) / np.float32(71)
    aim = np.array((plan.centre[0] / 66, plan.centre[1] / 84, (plan.centre[2] + 4) / 71), dtype=np.float32)
    aim /= np.linalg.norm(aim)
    length = distance_from(directions, (0, 0, 0)) + np.float32(1e-3)
    along = (directions[0] * aim[0] + directions[1] * aim[1] + directions[2] * aim[2]) / length
    return np.asarray(np.arccos(np.clip(along, -1, 1)) * np.float32(74), dtype=np.float32)
