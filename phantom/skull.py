"""A skull: the vault, the base with its three fossae, and the cavity that brain and haemorrhages are measured from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phantom.fields import Field
from phantom.head import Frame
from phantom.layers import Layer, Term
from phantom.shapes import Points, bump, capsule, ellipsoid, intersection, step, union


@dataclass(frozen=True, slots=True, eq=False)
class Skull:
    """One skull; distances in mm, negative inside.

    cavity: what the inner table encloses, with the spinal canal
    solid: the skull filled with its cavity
    layers: the bone, to be painted over the brain
    """

    cavity: Field
    solid: Field
    layers: tuple[Layer, ...]

    @classmethod
    def random(cls, frame: Frame, rng: np.random.Generator, ridges: Field | None = None) -> Skull:
        """`ridges`: mm to add to the height of the base's floor."""
        points = frame.points
        vault = _vault(points)
        floor, base_thickness = _base(frame, rng)
        if ridges is not None:
            floor, base_thickness = floor + ridges, base_thickness + ridges
        canal = capsule(points, (0, 30, -48), (0, 34, -140), 12.5)
        cavity = union(intersection(vault, (floor - points[2]) * np.float32(0.8)), canal, blend_mm=4)
        thickness = _vault_thickness(frame, rng)
        outer = vault - thickness
        solid = intersection(outer, (floor - base_thickness - points[2]) * np.float32(0.8))
        return cls(cavity, solid, _bone(frame, rng, solid, outer, thickness, cavity))

    @property
    def density(self) -> Field:
        """Bone from 0 to 1 at every lattice point."""
        return np.asarray(np.clip(np.float32(0.5) - np.maximum(self.solid, -self.cavity) / 2, 0, 1))


def _vault(points: Points) -> Field:
    x, y, z = points
    wide = 1 + np.float32(0.045) * np.tanh((y - 10) / 45)  # widest at the parietal eminences
    boxy = 1 + np.float32(0.22) * np.minimum((y / 84) * (x / 66), 1) ** 2
    return ellipsoid((x / (wide * boxy), y, z), (0, 0, -4), (66, 84, 71))


def _base(frame: Frame, rng: np.random.Generator) -> tuple[Field, Field]:
    """Height of the base's floor (nominal z), and the thickness of the bone below it, mm, at every lattice point."""
    x, y, _ = frame.points
    far = np.abs(x)
    wing = -18 - np.float32(0.33) * far  # the sphenoid's wing: behind it the middle fossa
    ridge = 1 + np.float32(0.36) * far  # the petrous ridge: behind it the posterior fossa
    anterior = -26 + rng.uniform(6, 10) * bump(far, y, (30, -50), (17, 24))
    middle = np.full_like(far, rng.uniform(-45, -41))
    posterior = np.full_like(far, rng.uniform(-66, -61))
    floor = anterior + (middle - anterior) * step(y - wing, 8)
    floor += (posterior - floor) * step(y - ridge, 10)
    petrous = np.clip((far - 8) / 10, 0, 1) * np.clip((68 - far) / 14, 0, 1)
    floor += rng.uniform(20, 26) * petrous * np.exp(-(((y - ridge) / 7) ** 2))
    clivus = -26 - np.clip((y + 4) / 22, 0, 1) * 36
    sella = clivus - 7 * bump(x, y, (0, -12), (9, 5))
    middle_line = step(12 - far, 5) * step(y + 30, 6) * step(24 - y, 6)
    floor += (sella - floor) * middle_line
    thickness = 3.0 + 2.5 * step(y + 20, 10) - 1.2 * bump(far, y, (30, -50), (14, 18))
    thickness += rng.uniform(16, 21) * petrous * np.exp(-(((y - ridge - 3) / 10) ** 2))
    thickness += 9 * middle_line
    floor += np.float32(0.8) * frame.noise(rng, 25)
    return floor.astype(np.float32), thickness.astype(np.float32)


def _vault_thickness(frame: Frame, rng: np.random.Generator) -> Field:
    """mm, 3 to 10: thin at the temporal squama, thick at the frontal sinus and the occipital protuberance."""
    x, y, z = frame.points
    thickness = rng.uniform(5.0, 7.5) + np.float32(0.7) * frame.noise(rng, 60) + np.float32(0.25) * frame.noise(rng, 18)
    thickness -= np.float32(2.2) * step(np.abs(x) - 48, 12) * bump(y, z, (-10, -20), (26, 20))
    thickness += rng.uniform(5, 8) * bump(x, z, (0, -14), (24, 13)) * np.exp(-(((y + 84) / 25) ** 2))
    thickness += 4.0 * bump(x, z, (0, -26), (14, 10)) * np.exp(-(((y - 82) / 25) ** 2))
    return np.asarray(np.maximum(thickness, np.float32(2.8)), dtype=np.float32)


def _bone(
    frame: Frame, rng: np.random.Generator, solid: Field, outer: Field, thickness: Field, cavity: Field
) -> tuple[Layer, ...]:
    table = np.float32(rng.uniform(0.24, 0.32)) * thickness
    diploe = intersection(outer + table, table - cavity)
    marrow = rng.uniform(380, 560) + 90 * frame.noise(rng, 9)
    cortex = rng.uniform(1100, 1350) + 50 * frame.noise(rng, 30)
    above_base = (-22 - frame.points[2]) * np.float32(0.8)
    return (
        Layer("cortical bone", cortex, (Term(solid), Term(-cavity))),
        Layer("diploe", marrow, (Term(diploe), Term(solid + 1.5), Term(above_base)), soft_mm=0.6),
    )
