"""The one way to make a synthetic head: `synthesise`, the same bytes for the same seed. Writes no files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from phantom import pitfalls as pits
from phantom.anatomy import Anatomy, Picture, procedural
from phantom.beam_hardening import artefact, halo
from phantom.cohort import Scan
from phantom.difficulty import STANDARD, Difficulty
from phantom.donor import Donor, in_tissue, outside
from phantom.fields import Field, Point, Sampler
from phantom.head import Frame
from phantom.layers import Layer, paint
from phantom.lesions import stroke_layers
from phantom.motion import Motion
from phantom.pitfalls import HARDENING_FACTOR, Pitfall, Pitfalls
from phantom.plans import StrokeLayers, StrokePlan
from phantom.scanner import Scanner
from phantom.shapes import distance_from
from runtime.classification import StrokeClass
from runtime.volume import Geometry, Volume

MARGIN_MM = 8.0
_SLAB = 8
"""Planes painted at a time: their arrays stay in the processor's cache."""
_THIN_MM = 1.2
"""Thicker slices are averaged from ones of about this."""


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticHead:
    """A head CT and the truth about it.

    labels: uint8 (Z, Y, X), 0 background, else StrokeClass.label where a voxel is at least half lesion
    kind: the kind of lesion (phantom/lesions.py), and the patient's side with most of it; None without one
    pitfalls: the hard negatives in it
    """

    volume: Volume
    labels: NDArray[np.uint8]
    stroke: StrokeClass | None
    kind: str | None
    side: Literal["left", "right", "midline"] | None
    lesion_ml: float
    seed: int
    pitfalls: tuple[Pitfall, ...] = ()

    def __post_init__(self) -> None:
        if self.labels.shape != self.volume.shape or self.labels.dtype != np.uint8:
            raise ValueError("labels must be uint8 and fit the volume")
        if (self.stroke is None) != (self.side is None):
            raise ValueError("a head has a side exactly if it has a stroke")


def synthesise(
    seed: int,
    stroke: StrokeClass | Literal["random"] | None = "random",
    *,
    spacing_mm: tuple[float, float, float] = (1.0, 0.488, 0.488),
    difficulty: Difficulty = STANDARD,
    has_pitfalls: bool = False,
    donor: Donor | None = None,
) -> SyntheticHead:
    """A head with the given stroke (None: without; "random": none, IS or IH, equally likely) and 8 mm of air around.

    The anatomy depends on the seed alone, not on stroke (but for its mass effect) or spacing (z, y, x; mm). Slices are
    as thick as they are apart. `has_pitfalls` adds hard negatives (phantom/pitfalls.py), the same for every stroke.
    With a `donor` the head is that one, deformed as the seed has it, instead of one made of shapes.
    """
    if min(spacing_mm) <= 0:
        raise ValueError(f"spacing must be positive, not {spacing_mm}")
    streams = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(8))
    of_head, of_brain, of_stroke, of_scanner, of_noise, of_chance, of_pitfalls, of_bone = streams
    chosen = (None, *StrokeClass)[int(of_chance.integers(3))] if stroke == "random" else stroke
    plan = None if chosen is None else StrokePlan.random(chosen, of_stroke, difficulty)
    pitfalls = Pitfalls.random(of_pitfalls) if has_pitfalls else Pitfalls()
    if donor is None:
        head = procedural(plan, difficulty, of_head, of_brain, of_bone)
    else:
        head = donor.anatomy(plan, Pitfall.DENSE_SINUSES in pitfalls, of_head, of_brain)
    frame, picture = head.frame, head.picture
    skin, swollen = pits.swelling(pitfalls, head.brain, head.skin, of_pitfalls)
    if picture is not None:
        swollen = tuple(outside(layer, head.skin) for layer in swollen)
    layers = [*head.around, *swollen, *_inside(head, plan, pitfalls, of_stroke, of_pitfalls), *head.over]
    scanner = Scanner.random(of_scanner, difficulty)
    first, shape = _box(frame, skin, spacing_mm, below_mm=float(of_scanner.uniform(66, 88)))
    stronger = float(of_pitfalls.uniform(*HARDENING_FACTOR)) if Pitfall.BEAM_HARDENING in pitfalls else 1.0
    artefacts = artefact(head.bone, frame.lattice.step_mm, scanner.hardening * stronger)
    if difficulty.halo_hu[1] > 0:
        artefacts += halo(head.bone, frame.lattice.step_mm, float(of_bone.uniform(*difficulty.halo_hu)))
    hu, lesion, left = _painted(layers, picture, artefacts, frame, first, shape, spacing_mm)
    if Pitfall.MOTION in pitfalls:
        Motion.random(of_pitfalls).spoil(hu, spacing_mm)
    scanner.after(0.0 if picture is None else picture.noise_hu).acquire(hu, spacing_mm, of_noise)
    np.clip(np.rint(hu, out=hu), -1024, 3071, out=hu)
    volume = Volume(hu.astype(np.int16), Geometry.uniform(shape[0], np.array(first), *np.diag(spacing_mm[::-1])))
    labels = lesion.astype(np.uint8) * np.uint8(0 if chosen is None else chosen.label)
    voxels = int(lesion.sum())
    return SyntheticHead(
        volume,
        labels,
        chosen,
        kind=None if plan is None else plan.kind,
        side=None if plan is None else _side(left, voxels),
        lesion_ml=voxels * float(np.prod(spacing_mm)) / 1000,
        seed=seed,
        pitfalls=pitfalls.kinds,
    )


def synthesise_scan(scan: Scan, donor: Donor | None = None) -> SyntheticHead:
    """The head that a cohort plans."""
    return synthesise(
        scan.seed,
        scan.stroke,
        spacing_mm=scan.spacing_mm,
        difficulty=scan.difficulty,
        has_pitfalls=scan.has_pitfalls,
        donor=donor,
    )


def _inside(
    head: Anatomy,
    plan: StrokePlan | None,
    pitfalls: Pitfalls,
    of_stroke: np.random.Generator,
    of_pitfalls: np.random.Generator,
) -> list[Layer]:
    """What the skull holds, in painting order."""
    brain = head.brain
    old, lime = pits.old_damage(pitfalls, brain, of_pitfalls), pits.calcified(pitfalls, brain, of_pitfalls)
    bright = pits.dense_vessels(pitfalls, head.bright, of_pitfalls)
    lesion = StrokeLayers() if plan is None else stroke_layers(plan, brain, head.tissue, of_stroke)
    on_tissue = [*lesion.on_tissue, *old]
    if head.picture is None:
        on_tissue = [*head.tissue, *on_tissue]
    else:
        on_tissue = [in_tissue(layer, brain) for layer in on_tissue]
    return [*on_tissue, *head.fluid(lesion.sulcal_loss_mm), *lesion.on_fluid, *bright, *lime]


def _painted(
    layers: list[Layer],
    picture: Picture | None,
    artefacts: Field,
    frame: Frame,
    first: Point,
    shape: tuple[int, int, int],
    spacing: Point,
) -> tuple[Field, NDArray[np.bool_], int]:
    """HU without noise, the lesion's voxels, and how many of them are left of the midline.

    Thick slices are the mean of thin ones: partial volume as in a scanner. A lesion voxel is at least half lesion.
    """
    thin = max(1, round(spacing[0] / _THIN_MM))
    gap = spacing[0] / thin
    foot = first[2] - (thin - 1) / 2 * gap
    sampler = Sampler.onto(
        frame.lattice, (first[0], first[1], foot), (shape[0] * thin, shape[1], shape[2]), (gap, spacing[1], spacing[2])
    )
    border = float(np.cbrt(gap * spacing[1] * spacing[2]))
    everywhere = slice(0, shape[1]), slice(0, shape[2])
    hu = np.empty(shape, dtype=np.float32)
    lesion = np.empty(shape, dtype=np.bool_)
    left = 0
    count = max(1, _SLAB // thin)
    for start in range(0, shape[0], count):
        slab = slice(start, min(start + count, shape[0]))
        planes = slice(slab.start * thin, slab.stop * thin)
        canvas = None if picture is None else picture.slab(sampler, planes)
        values, share = paint(layers, sampler, planes, border, canvas)
        values += sampler.slab(artefacts, planes, everywhere)
        hu[slab] = values.reshape(-1, thin, *shape[1:]).mean(axis=1)
        lesion[slab] = share.reshape(-1, thin, *shape[1:]).mean(axis=1) >= 0.5
        if lesion[slab].any():
            x = sampler.slab(frame.points[0], planes, everywhere)[thin // 2 :: thin]
            left += int((x[lesion[slab]] > 0).sum())
    return hu, lesion, left


def _box(frame: Frame, skin: Field, spacing: Point, below_mm: float) -> tuple[Point, tuple[int, int, int]]:
    """First voxel (x, y, z) and shape (Z, Y, X) of a scan from `below_mm` under the vault's middle to the vertex."""
    lattice = frame.lattice
    foot = np.argmin(distance_from(frame.points, (0.0, 15.0, -below_mm)))
    bottom = int(np.unravel_index(foot, lattice.shape)[0])
    inside = np.argwhere(skin[bottom:] < 0) + np.array((bottom, 0, 0))
    start = np.array(lattice.start[::-1])
    begin = start + lattice.step_mm * inside.min(axis=0) - np.array((0, MARGIN_MM, MARGIN_MM))
    end = start + lattice.step_mm * inside.max(axis=0) + MARGIN_MM
    planes, rows, columns = (int(count) for count in np.ceil((end - begin) / spacing) + 1)
    return (float(begin[2]), float(begin[1]), float(begin[0])), (planes, rows, columns)


def _side(left: int, voxels: int) -> Literal["left", "right", "midline"]:
    share = left / max(voxels, 1)
    return "left" if share > 0.65 else "right" if share < 0.35 else "midline"
