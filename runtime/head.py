"""Is this a head with a brain, where is it, and is all of it there? Looks only at HU, on a coarse copy of the grid.

The skull is what encloses: a voxel is inside where bone is seen in at least three of the four in-plane directions, so
that a skull defect or a cut-off edge does not hide the brain. It judges plausibility, never pathology.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from runtime.codes import Code, Flag
from runtime.engines.base import SIZE_MULTIPLE
from runtime.errors import StudyRejected
from runtime.lesions import Midline
from runtime.volume import Box, Volume

COARSE_MM = 3.0
BONE_HU = 250.0
BODY_HU = -300.0
SOFT_HU = (-5.0, 110.0)
"""CSF to dense blood, after averaging to the coarse grid."""
LARGEST_HEAD_CM2 = 380.0
"""An adult head's largest axial cross-section is about 250 cm2; shoulders and chests are beyond 450."""
SMALLEST_CAVITY_ML = 250.0
SMALLEST_SOFT_SHARE = 0.5
"""Of the enclosed cavity, how much must have the density of brain, blood or CSF."""
OPEN_TOP_CM2 = 35.0
OPEN_BASE_CM2 = 95.0
BROKEN_SHARE = 0.3
"""A plane with less than this share of the brain's area both below and above it lost its image, or metal covers it."""
SIZEABLE_BRAIN_ML = 5.0
SIZEABLE_BODY_ML = 100.0
MARGIN_MM = 12.0
_IN_PLANE = np.array([[[0, 1, 0], [1, 1, 1], [0, 1, 0]]], dtype=bool)
"""Opening within planes only: across them it would eat the first and last plane, where coverage is judged."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the head is on the grid that was looked at, and what was noticed.

    box: as slices of (z, y, x) the brain's planes with a margin, and in plane the whole head, out to the grid of the
        networks' strides from the image's corner: what they answer depends on where in that grid a voxel lies
    midline: the plane that halves the brain
    """

    box: Box
    midline: Midline
    flags: tuple[Flag, ...]


def find_head(grid: Volume) -> Head:
    """Find the head in an evenly spaced volume. StudyRejected: NOT_HEAD, NO_BRAIN."""
    coarse, factors = _coarse(grid)
    spacing = np.array(grid.geometry.spacing_mm) * factors
    pixel_cm2 = spacing[1] * spacing[2] / 100
    voxel_ml = pixel_cm2 * spacing[0] / 10
    body = _sizeable(coarse > BODY_HU, voxel_ml, SIZEABLE_BODY_ML)
    if np.percentile(body.sum(axis=(1, 2)) * pixel_cm2, 75) > LARGEST_HEAD_CM2:
        raise StudyRejected(Code.NOT_HEAD, "The body is wider than a head.")
    bone = (coarse > BONE_HU) & body
    cavity = _sizeable(
        ndimage.binary_opening(_enclosed(bone) & ~bone, _IN_PLANE, iterations=2), voxel_ml, SIZEABLE_BRAIN_ML
    )
    if cavity.sum() * voxel_ml < SMALLEST_CAVITY_ML:
        raise StudyRejected(Code.NOT_HEAD, "No skull encloses a cavity of a brain's size.")
    soft = cavity & (coarse > SOFT_HU[0]) & (coarse < SOFT_HU[1])
    share = float(soft.sum() / cavity.sum())
    if share < SMALLEST_SOFT_SHARE:
        raise StudyRejected(Code.NO_BRAIN, f"Only {share:.0%} of the skull's inside has the density of brain.")
    brain = _sizeable(ndimage.binary_opening(soft, _IN_PLANE), voxel_ml, SIZEABLE_BRAIN_ML)
    areas = brain.sum(axis=(1, 2)) * pixel_cm2
    return Head(_box(brain, body, spacing[0], factors, grid.shape), _midline(brain, factors), _coverage(areas))


def _coarse(grid: Volume) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Block means of about 3 mm, which also quiets the noise, and the block's size in voxels."""
    factors = np.maximum(np.rint(COARSE_MM / np.array(grid.geometry.spacing_mm)).astype(np.intp), 1)
    padding = [(0, -size % factor) for size, factor in zip(grid.shape, factors, strict=True)]
    padded = np.pad(grid.hu, padding, mode="edge") if np.any(padding) else grid.hu
    (z, y, x), (fz, fy, fx) = padded.shape, factors
    blocks = padded.reshape(z // fz, fz, y // fy, fy, x // fx, fx)
    return blocks.mean(axis=(1, 3, 5), dtype=np.float32), factors


def _enclosed(bone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where bone lies in at least three of the directions left, right, front and back."""
    seen = np.zeros(bone.shape, dtype=np.uint8)
    for axis in (1, 2):
        seen += np.logical_or.accumulate(bone, axis=axis)
        seen += np.flip(np.logical_or.accumulate(np.flip(bone, axis), axis=axis), axis)
    return seen >= 3


def _sizeable(mask: NDArray[np.bool_], voxel_ml: float, smallest_ml: float) -> NDArray[np.bool_]:
    """All components of some size: a blank or metal-ridden plane cuts a brain in two, and both parts are brain."""
    labels, _ = ndimage.label(mask)
    large = np.bincount(labels.ravel()) * voxel_ml >= smallest_ml
    large[0] = False
    return np.asarray(large[labels])


def _box(
    brain: NDArray[np.bool_],
    body: NDArray[np.bool_],
    plane_mm: float,
    factors: NDArray[np.intp],
    shape: tuple[int, int, int],
) -> Box:
    """In plane the body, not the brain, sets the borders, so that a brain beside a skull defect is not cut."""
    strides = (1, SIZE_MULTIPLE, SIZE_MULTIPLE)
    planes = np.flatnonzero(brain.any(axis=(1, 2)))
    margin = int(np.ceil(MARGIN_MM / plane_mm))
    first, last = max(planes[0] - margin, 0), planes[-1] + margin
    head = body[first : last + 1]
    borders = [(first, last)]
    for axis in (1, 2):
        inside = np.flatnonzero(head.any(axis=(0, 3 - axis)))
        borders.append((inside[0], inside[-1]))
    z, y, x = (
        slice(int(low * factor) // stride * stride, min(-int(-(high + 1) * factor // stride) * stride, size))
        for (low, high), factor, size, stride in zip(borders, factors, shape, strides, strict=True)
    )
    return z, y, x


def _midline(brain: NDArray[np.bool_], factors: NDArray[np.intp]) -> Midline:
    """Least squares through the middles of the brain's rows: follows a head that is turned or leans to one side."""
    z, y = np.nonzero(brain.sum(axis=2) > 10)
    rows = brain[z, y]
    first = rows.argmax(axis=1)
    last = rows.shape[1] - 1 - rows[:, ::-1].argmax(axis=1)
    fz, fy, fx = factors
    middles = ((first + last) / 2 + 0.5) * fx - 0.5
    terms = np.stack([np.ones(len(z)), (y + 0.5) * fy - 0.5, (z + 0.5) * fz - 0.5], axis=1)
    a, b, c = np.linalg.lstsq(terms, middles, rcond=None)[0]
    return Midline(float(a), float(b), float(c))


def _coverage(areas: NDArray[np.float64]) -> tuple[Flag, ...]:
    """PARTIAL_COVERAGE where the brain begins or ends at full width, or breaks off in between; areas in cm2."""
    inside = np.flatnonzero(areas)
    first, last = inside[0], inside[-1]
    seen = []
    if areas[first] > OPEN_BASE_CM2:
        seen.append("cut off at the base")
    if areas[last] > OPEN_TOP_CM2:
        seen.append("cut off at the vertex")
    below, above = np.maximum.accumulate(areas), np.maximum.accumulate(areas[::-1])[::-1]
    if (areas[first:last] < BROKEN_SHARE * np.minimum(below, above)[first:last]).any():
        seen.append("interrupted by planes that show none of it")
    return (Flag(Code.PARTIAL_COVERAGE, f"It is {' and '.join(seen)}."),) if seen else ()
