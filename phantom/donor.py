"""A real healthy head, or a template, that lesions are painted into: where its brain, fluid, bone and skin are.

It is laid onto the nominal head by the box around its skull's cavity, and then deformed and tilted as procedural heads
are. Reads no files: that is donor_file.py's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from phantom import csf
from phantom.anatomy import Anatomy, Picture
from phantom.brain import Brain, brainstem
from phantom.fields import Field, Point
from phantom.head import Frame
from phantom.layers import Layer, Term
from phantom.membranes import membranes
from phantom.pitfalls import VESSELS
from phantom.plans import StrokePlan
from phantom.shapes import Points, ellipsoid

_COARSE_MM = 2.0
_BONE_HU = 90.0
"""Low: at 2 mm thin bone is much averaged, and a healthy head has nothing else as bright."""
_BODY_HU = -300.0
_FLUID_HU = 17.0
"""Between CSF and brain."""
_HU_PER_MM = 6.0
"""About how steeply they change into each other at 2 mm."""
_DEEP_MM = 22.0
"""Fluid farther than this from the skull is in ventricles; a donor must have some."""
_VENTRICLES: tuple[Point, Point] = ((0, 8, 7), (34, 66, 23))
"""Centre and radii of the part of the nominal head that they lie in."""
_HALF_WIDTH_MM, _HALF_LENGTH_MM, _TOP_MM = 68.0, 84.0, 67.0
"""Of the nominal head's cavity (phantom/skull.py)."""
_GAP = 8
"""Half the width, in points, of what thin bone at the temples may leave open."""
_SHEET_MM = np.float32(50)
_SMALLEST_CAVITY_ML = 700.0
_SMALLEST_VENTRICLES_ML = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Donor:
    """A head as voxels along the patient's axes, and what was found in it.

    hu: float32 (Z, Y, X), x to the left, y to the back, z upwards; spacing_mm: (z, y, x)
    cavity, fluid, skin: float32 at 2 mm from the same first voxel, distances in mm, negative inside; fluid's is rough
    bone: float32 on the same points, 0 to 1
    middle, scale: donor mm from its first voxel = middle + scale * nominal mm, each (x, y, z)
    tissue_hu: (white, grey); noise_hu: SD
    """

    hu: Field
    spacing_mm: Point
    cavity: Field
    fluid: Field
    skin: Field
    bone: Field
    middle: Point
    scale: Point
    tissue_hu: tuple[float, float]
    noise_hu: float

    @classmethod
    def of(cls, hu: Field, spacing_mm: Point) -> Donor:
        """ValueError where no skull with a brain and ventricles is found."""
        coarse = _resampled(hu, spacing_mm)
        bone = coarse > _BONE_HU
        cavity = _cavity(coarse, bone)
        if cavity.sum() * _COARSE_MM**3 / 1000 < _SMALLEST_CAVITY_ML:
            raise ValueError("no skull encloses a brain: give a whole adult head in HU, upright, without a defect")
        distance = _distance(cavity)
        smooth: Field = ndimage.gaussian_filter(coarse, 0.6)
        fluid = np.asarray(np.clip((smooth - np.float32(_FLUID_HU)) / np.float32(_HU_PER_MM), -6, 6), dtype=np.float32)
        deep = cavity & (distance < -_DEEP_MM)
        if (fluid[deep] < 0).sum() * _COARSE_MM**3 / 1000 < _SMALLEST_VENTRICLES_ML:
            raise ValueError("no ventricles are found: give a head in HU whose CSF is below 17 HU")
        brain = coarse[(distance < -8) & (fluid > 0.5)]
        white, grey = (float(value) for value in np.percentile(brain, (25, 75)))
        body = ndimage.binary_fill_holes(coarse > _BODY_HU)
        middle, scale = _fit(cavity)
        return cls(
            hu,
            spacing_mm,
            distance,
            fluid,
            _distance(np.asarray(body)),
            np.asarray(np.clip(coarse / 1000, 0, 1) * bone, dtype=np.float32),
            middle,
            scale,
            (white, grey),
            _noise(hu[:: max(1, round(4 / spacing_mm[0]))]),
        )

    def anatomy(
        self, plan: StrokePlan | None, is_dense: bool, of_head: np.random.Generator, of_brain: np.random.Generator
    ) -> Anatomy:
        """This head as another one: deformed, turned, with room for the stroke; `is_dense` adds bright sinuses."""
        frame = Frame.random(of_head)
        outer = self._millimetres(frame.points)
        cavity = self._on_lattice(self.cavity, outer)
        points = frame.points
        if plan is not None:  # inside, what the lesion pushes moves; the skull doesn't
            inwards = np.clip(-cavity / np.float32(10), 0, 1)
            pushed = plan.displaced(points)
            points = _sum(points, tuple(inwards * (new - old) for new, old in zip(pushed, points, strict=True)))
        inner = self._millimetres(points)
        fluid = self._on_lattice(self.fluid, inner)
        central = ellipsoid(points, *_VENTRICLES)  # fluid in here is in ventricles, fluid around it in sulci
        white, grey = self.tissue_hu
        brain = Brain(
            frame,
            points,
            cavity,
            grey_hu=grey,
            white_hu=white,
            sulci=np.maximum(fluid, -central) + _SHEET_MM,
            sulcal_half_mm=np.full_like(fluid, _SHEET_MM),
            ventricles=np.maximum(fluid, central),
            cisterns=np.maximum(fluid, np.abs(points[2] + 18) - np.float32(13)),
            tentorium=csf.tentorium(points),
            stem=brainstem(points),
        )
        picture = Picture(self.hu, _indices(inner, self.spacing_mm), self.noise_hu)
        on_lattice = ndimage.map_coordinates(self.hu, list(picture.at[::-1]), order=1, mode="nearest")
        tissue = Layer("donor", np.asarray(on_lattice, dtype=np.float32), (Term(np.full_like(fluid, -10)),))
        vessels = [layer for layer in membranes(brain, of_brain) if is_dense and layer.name in VESSELS[:2]]
        skin, bone = self._on_lattice(self.skin, outer), self._on_lattice(self.bone, outer)
        return Anatomy(frame, brain, skin, bone, (), (tissue,), tuple(vessels), (), picture)

    def _millimetres(self, points: Points) -> Points:
        """Nominal points to mm from the donor's first voxel."""
        x, y, z = (
            np.float32(middle) + np.float32(scale) * axis
            for middle, scale, axis in zip(self.middle, self.scale, points, strict=True)
        )
        return x, y, z

    def _on_lattice(self, field: Field, at_mm: Points) -> Field:
        indices = [axis / np.float32(_COARSE_MM) for axis in at_mm[::-1]]
        return np.asarray(ndimage.map_coordinates(field, indices, order=1, mode="nearest"), dtype=np.float32)


def outside(layer: Layer, skin: Field) -> Layer:
    """A swelling's layer kept off the head that a picture already shows."""
    return replace(layer, terms=(*layer.terms, Term(np.float32(-1) - skin)))


def in_tissue(layer: Layer, brain: Brain) -> Layer:
    """An infarct's layer kept out of the CSF that a picture already shows."""
    return replace(layer, terms=(*layer.terms, Term(brain.parenchyma)))


def _resampled(hu: Field, spacing: Point) -> Field:
    """At 2 mm from the same first voxel, smoothed as far as that needs."""
    sigmas = [max(_COARSE_MM / gap / 2.5, 0.01) if gap < _COARSE_MM else 0.01 for gap in spacing]
    smooth: Field = ndimage.gaussian_filter(hu, sigmas)
    axes = [
        np.arange(0, (count - 1) * gap + 1e-6, _COARSE_MM) / gap for count, gap in zip(hu.shape, spacing, strict=True)
    ]
    indices = np.meshgrid(*axes, indexing="ij")
    return np.asarray(ndimage.map_coordinates(smooth, indices, order=1, mode="nearest"), dtype=np.float32)


def _cavity(coarse: Field, bone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest piece of soft tissue with bone on three of its four sides, in plane."""
    sides = np.zeros(bone.shape, dtype=np.uint8)
    for axis in (1, 2):
        sides += np.logical_or.accumulate(bone, axis=axis)
        sides += np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis=axis), axis)
    soft = (sides >= 3) & (coarse > -30) & ~bone
    pieces, count = ndimage.label(ndimage.binary_opening(soft, iterations=3))
    if not count:
        return np.zeros_like(bone)
    sizes = np.bincount(pieces.ravel())[1:]
    core = pieces == 1 + int(sizes.argmax())
    grown = ndimage.binary_dilation(core, iterations=3, mask=~bone & (coarse > -30))
    padded = np.pad(grown, ((0, 0), (_GAP, _GAP), (_GAP, _GAP)))
    closed = ndimage.binary_closing(padded, np.ones((1, 3, 3), dtype=np.bool_), iterations=_GAP)[
        :, _GAP:-_GAP, _GAP:-_GAP
    ]
    closed &= ~bone & (coarse > -30)
    return np.asarray(closed | grown, dtype=np.bool_)


def _fit(cavity: NDArray[np.bool_]) -> tuple[Point, Point]:
    """The nominal head's middle and scale in the donor, by the box around the upper 7 cm of its cavity."""
    top = int(np.flatnonzero(cavity.any(axis=(1, 2)))[-1])
    upper = np.logical_or.reduce(cavity[max(0, top - 35) : top + 1])
    rows, columns = np.flatnonzero(upper.any(axis=1)), np.flatnonzero(upper.any(axis=0))
    half_y, half_x = (float(index[-1] - index[0] + 1) * _COARSE_MM / 2 for index in (rows, columns))
    wide, long = half_x / _HALF_WIDTH_MM, half_y / _HALF_LENGTH_MM
    high = (wide + long) / 2
    middle_y, middle_x = (float(index[-1] + index[0]) * _COARSE_MM / 2 for index in (rows, columns))
    return (middle_x, middle_y, top * _COARSE_MM - _TOP_MM * high), (wide, long, high)


def _distance(inside: NDArray[np.bool_]) -> Field:
    """Signed distance in mm at 2 mm points, negative inside."""
    outside = ndimage.distance_transform_edt(~inside) - ndimage.distance_transform_edt(inside)
    return np.asarray(outside * _COARSE_MM, dtype=np.float32)


def _noise(hu: Field) -> float:
    """SD of the noise in brain: from differences of neighbours in a row, which share tissue."""
    step = np.diff(hu, axis=2)
    tissue = (hu[..., 1:] > 20) & (hu[..., 1:] < 45) & (hu[..., :-1] > 20) & (hu[..., :-1] < 45)
    return float(1.4826 * np.median(np.abs(step[tissue])) / np.sqrt(2)) if tissue.any() else 0.0


def _indices(at_mm: Points, spacing: Point) -> Points:
    x, y, z = (axis / np.float32(gap) for axis, gap in zip(at_mm, spacing[::-1], strict=True))
    return x, y, z


def _sum(points: Points, moves: tuple[Field, ...]) -> Points:
    x, y, z = (point + move for point, move in zip(points, moves, strict=True))
    return x, y, z
