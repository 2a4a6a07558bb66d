"""A brain inside a skull: cortex, white matter, deep nuclei, stem and cerebellum around the spaces of csf.py.

Also says for the lesions which points are tissue, posterior fossa or ventricle. Old harmless findings (leukoaraiosis,
lacunes) are made here too: they are what a network must not call a stroke.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phantom import csf
from phantom.fields import Field
from phantom.head import Frame
from phantom.layers import Layer, Term
from phantom.shapes import Points, capsule, ellipsoid, intersection, mirrored, union

CSF_HU = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Brain:
    """One brain. Distances in mm, negative inside.

    points: the frame's, after what a lesion has pushed aside
    cavity: the skull's
    grey_hu, white_hu: of cortex and of the core
    sulci: signed distance from the middle of the nearest sulcus
    sulcal_half_mm: half its width, negative where there is none
    tentorium: negative below it
    """

    frame: Frame
    points: Points
    cavity: Field
    grey_hu: float
    white_hu: float
    sulci: Field
    sulcal_half_mm: Field
    ventricles: Field
    cisterns: Field
    tentorium: Field
    stem: Field

    @classmethod
    def random(cls, frame: Frame, points: Points, cavity: Field, rng: np.random.Generator) -> Brain:
        stem = brainstem(points)
        return cls(
            frame,
            points,
            cavity,
            grey_hu=float(rng.uniform(36, 40)),
            white_hu=float(rng.uniform(27.5, 30.5)),
            sulci=csf.sulci(frame, points, rng),
            sulcal_half_mm=csf.sulcal_half(frame, points, cavity, rng),
            ventricles=csf.ventricles(frame, points, rng),
            cisterns=csf.cisterns(frame, points, stem, rng),
            tentorium=csf.tentorium(points),
            stem=stem,
        )

    @property
    def infratentorial(self) -> Field:
        """Distance from the posterior fossa, negative inside."""
        return intersection(self.tentorium, np.float32(4) - self.points[1])

    @property
    def supratentorial(self) -> Field:
        """Distance from all the rest, a millimetre off the tent."""
        return 1 - self.infratentorial

    @property
    def parenchyma(self) -> Field:
        """Distance from brain tissue without the ventricles, cisterns and sulci, negative inside."""
        sulcus = self.sulcal_half_mm - np.abs(self.sulci)
        return intersection(self.cavity + np.float32(1.5), -self.ventricles, -self.cisterns, sulcus)

    def tissue_layers(self, rng: np.random.Generator) -> tuple[Layer, ...]:
        """Grey and white matter: what ischaemia darkens."""
        noise, grey, white = self.frame.noise, self.grey_hu, self.white_hu
        _, y, z = self.points
        core = white + np.float32(0.7) * noise(rng, 35)
        under_cortex = Term(self.cavity + np.float32(4.5) + np.float32(0.5) * noise(rng, 12))
        off_sulci = Term(self.sulci, self.sulcal_half_mm + np.float32(3.2), away=True)
        off_insula = Term(np.float32(3.5) - csf.sylvian_fissures(self.points, 0.0))
        posterior = Term(self.infratentorial)
        folia = np.sin(np.float32(1.43) * z + np.float32(0.55) * y + np.float32(2.4) * noise(rng, 25))
        cerebral = Term(self.supratentorial)
        return (
            Layer("meninges", CSF_HU + 4, (Term(self.cavity),)),
            Layer("cortex", grey + np.float32(0.8) * noise(rng, 30), (Term(self.cavity + np.float32(0.6)),)),
            Layer("white matter", core, (under_cortex, off_sulci, off_insula, cerebral), soft_mm=1.6),
            Layer("cerebellum", grey - 2 + 2 * folia, (posterior, Term(self.cavity + 1)), soft_mm=1.0),
            Layer("dentate", white + 2.5, (Term(_cerebellar_white(self.points)), posterior), soft_mm=4.0),
            Layer("brainstem", white + 3.0, (Term(self.stem),), soft_mm=2.0),
            Layer("deep grey", grey - 0.5, (Term(_deep_grey(self.points)),), soft_mm=1.6),
            *self._old_damage(rng, core),
        )

    def _old_damage(self, rng: np.random.Generator, core: Field) -> tuple[Layer, ...]:
        """Leukoaraiosis, and sharp old lacunes."""
        severity = float(np.clip(self.frame.atrophy + rng.normal(0, 0.25), 0, 1))
        halo = Term(self.ventricles - (14 * severity - 4 + np.float32(2.5) * self.frame.noise(rng, 28)))
        above = Term(-self.points[2] - 2), Term(-self.infratentorial)
        layers = [Layer("leukoaraiosis", core - (3 + 5 * severity), (halo, *above), soft_mm=5.0)]
        for _ in range(int(rng.poisson(1.2 * severity))):
            x, y, z = (float(rng.uniform(*limits)) for limits in ((12, 30), (-25, 20), (-2, 26)))
            radii = [float(radius) for radius in rng.uniform(1.8, 4.5, 3)]
            lacune = ellipsoid(self.points, (x * float(rng.choice((-1, 1))), y, z), (radii[0], radii[1], radii[2]))
            layers.append(Layer("old lacune", float(rng.uniform(8, 15)), (Term(lacune),), soft_mm=1.0))
        return tuple(layers)

    def fluid_layers(self) -> tuple[Layer, ...]:
        """CSF, over tissue and ischaemia."""
        inside = Term(self.cavity)
        sulci = Term(self.sulci, self.sulcal_half_mm), Term(self.supratentorial), inside
        return (
            Layer("sulci", CSF_HU, sulci, soft_mm=0.8),
            Layer("cisterns", CSF_HU, (Term(self.cisterns), inside), soft_mm=0.6),
            Layer("ventricles", CSF_HU - 1, (Term(self.ventricles),), soft_mm=0.4),
        )


def brainstem(points: Points) -> Field:
    """Midbrain, pons and medulla."""
    return union(
        ellipsoid(points, (0, 14, -14), (16, 11, 9)),
        ellipsoid(points, (0, 17, -34), (16, 13, 14)),
        capsule(points, (0, 20, -30), (0, 31, -62), 10, 6.5),
        capsule(points, (0, 31, -62), (0, 34, -140), 5.5),
        blend_mm=5,
    )


def _deep_grey(points: Points) -> Field:
    """Thalamus, caudate and lentiform nucleus; the internal capsule is what they leave between them."""
    x, y, z = points

    def nuclei(side: float) -> Field:
        oblique = x * np.float32(side) - np.float32(0.18) * (y + 6)  # the lentiform runs outwards to the back
        return union(
            ellipsoid(points, (10 * side, 9, 3), (7.5, 13, 9)),
            capsule(points, (14.5 * side, -24, 5), (19 * side, -2, 21), 5.5, 2.5),
            ellipsoid((oblique, y, z), (25, -6, 1), (5.5, 17, 10)),
        )

    return mirrored(nuclei)


def _cerebellar_white(points: Points) -> Field:
    return mirrored(lambda side: ellipsoid(points, (20 * side, 46, -44), (14, 15, 6)))
