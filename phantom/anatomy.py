"""Anatomy: one healthy head ready to be painted, wherever it comes from; and the one that is made of shapes.

The other kind, of a real head, is in donor.py. Knows no lesions but for the room that a plan's mass effect takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from phantom.brain import Brain
from phantom.difficulty import Difficulty
from phantom.face import Face
from phantom.fields import Field, Sampler
from phantom.head import Frame
from phantom.layers import Layer
from phantom.membranes import membranes
from phantom.plans import StrokePlan
from phantom.shapes import Points
from phantom.skull import Skull


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A head as voxels.

    hu: float32 (Z, Y, X)
    at: x, y and z of every lattice point, as indices of these voxels
    noise_hu: SD of the noise that is in it
    """

    hu: Field
    at: Points
    noise_hu: float

    def slab(self, sampler: Sampler, planes: slice) -> Field:
        """float32 (planes, Y, X): its values on these planes of voxels; beyond its borders its last ones."""
        everywhere = slice(0, len(sampler.y)), slice(0, len(sampler.x))
        indices = [sampler.slab(axis, planes, everywhere) for axis in self.at[::-1]]
        return np.asarray(ndimage.map_coordinates(self.hu, indices, order=1, mode="nearest"), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """One head without its lesions.

    skin: distance from the skin, negative inside, mm
    bone: its density, 0 to 1
    around: layers below the brain, from the skin inwards
    tissue: layers that ischaemia darkens; with a picture they only tell what is there
    bright: layers over brain, CSF and blood
    over: bone, and air in it
    picture: what all layers are painted on; None for air
    """

    frame: Frame
    brain: Brain
    skin: Field
    bone: Field
    around: tuple[Layer, ...]
    tissue: tuple[Layer, ...]
    bright: tuple[Layer, ...]
    over: tuple[Layer, ...]
    picture: Picture | None = None

    def fluid(self, sulcal_loss_mm: Field | None) -> tuple[Layer, ...]:
        """CSF, in sulci that a lesion has narrowed; none over a picture, which has its own."""
        if self.picture is not None:
            return ()
        brain = self.brain
        if sulcal_loss_mm is not None:
            brain = replace(brain, sulcal_half_mm=brain.sulcal_half_mm - sulcal_loss_mm)
        return brain.fluid_layers()


def procedural(
    plan: StrokePlan | None,
    difficulty: Difficulty,
    of_head: np.random.Generator,
    of_brain: np.random.Generator,
    of_bone: np.random.Generator,
) -> Anatomy:
    """A head made of shapes, with room for the stroke that is planned."""
    frame = Frame.random(of_head)
    skull = Skull.random(frame, of_head, _ridges(frame, difficulty, of_bone))
    face = Face.random(frame, skull.solid, of_head)
    points = frame.points if plan is None else plan.displaced(frame.points)
    brain = Brain.random(frame, points, skull.cavity, of_brain)
    tissue, bright = brain.tissue_layers(of_brain), membranes(brain, of_brain)
    over = (*skull.layers, *face.air)
    return Anatomy(frame, brain, face.skin, skull.density, face.layers, tissue, bright, over)


def _ridges(frame: Frame, difficulty: Difficulty, rng: np.random.Generator) -> Field | None:
    if difficulty.rough_mm[1] == 0:
        return None
    height = np.float32(rng.uniform(*difficulty.rough_mm))
    return np.asarray(height * (frame.noise(rng, 13) + np.float32(0.5) * frame.noise(rng, 7)), dtype=np.float32)
