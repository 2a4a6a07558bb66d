"""Images of one series to a Volume: order, spacing, gaps, duplicates, axes.

Everything comes from ImagePositionPatient and ImageOrientationPatient (PS3.3 C.7.6.2.1.1); SliceThickness,
SliceLocation, GantryDetectorTilt and PatientPosition are not believed. Voxel values are moved, never interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from runtime.codes import Code, Flag
from runtime.count import counted
from runtime.errors import StudyRejected
from runtime.study import Series
from runtime.volume import SPACING_TOLERANCE_MM, Floats, Geometry, Volume

NATIVE_SPACING_MM = 1.25
"""A series no thicker than this, evenly spaced and not tilted, is analysed on its own grid."""
PLAUSIBLE_PIXEL_MM = 0.05, 5.0
WIDEST_SPACING_MM = 15.0
LONGEST_MM = 1000.0
FARTHEST_MM = 10_000.0
STEEPEST_TILT_DEGREES = 45.0
"""Beyond these it is no head CT, or its header is broken; within them a grid fits into memory."""
MINIMUM_SLICES = 8
MINIMUM_EXTENT_MM = 40.0
"""Less than this along the normal is no head scan, whatever it shows."""
TOLERATED_HOLE_MM = 3.0
"""Missing tissue up to this width is bridged and flagged; a wider hole could hide a lesion and rejects the study."""


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A series as a volume, and what was noticed on the way."""

    volume: Volume
    flags: tuple[Flag, ...]


def build_volume(series: Series, hu: NDArray[np.int16]) -> Stack:
    """Stack `hu`, int16 (N, rows, columns) in the order of `series.images`, into the patient's axes.

    Raises StudyRejected: UNREADABLE where positions are missing, CONFLICTING_COPIES, TOO_FEW_SLICES, DUPLICATE_SLICES,
    MISSING_SLICES.
    """
    positions, x_step, y_step = _positions(series)
    _check_identities(series)
    normal = np.cross(x_step, y_step)
    normal /= np.linalg.norm(normal)
    order = np.argsort(positions @ normal, kind="stable")
    order, flags = _without_duplicates(order, positions @ normal, hu)
    positions, hu = positions[order], _ordered(hu, order)
    if len(order) < MINIMUM_SLICES or np.ptp(positions @ normal) < MINIMUM_EXTENT_MM:
        detail = f"{counted(len(order), 'slice')} over {np.ptp(positions @ normal):.0f} mm."
        raise StudyRejected(Code.TOO_FEW_SLICES, detail)
    geometry = Geometry(positions, x_step, y_step)
    if geometry.spacing_mm[0] > WIDEST_SPACING_MM or geometry.tilt_degrees > STEEPEST_TILT_DEGREES:
        raise StudyRejected(
            Code.UNREADABLE,
            f"Slices {geometry.spacing_mm[0]:.0f} mm apart, tilted by {geometry.tilt_degrees:.0f} degrees.",
        )
    flags += _missing(geometry.gaps, [series.images[index].instance_number for index in order])
    flags += _noteworthy(geometry)
    return Stack(_along_patient_axes(Volume(hu, geometry)), tuple(flags))


def _positions(series: Series) -> tuple[Floats, Floats, Floats]:
    """Positions (N, 3) and the steps along a row and along a column, in LPS mm."""
    first = series.images[0]
    places = [image.position for image in series.images if image.position is not None]
    if first.orientation is None or first.pixel_spacing is None or len(places) < len(series.images):
        raise StudyRejected(Code.UNREADABLE, "Images without position, orientation or pixel spacing.")
    positions = np.array(places)
    row, column = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    lengths = float(np.linalg.norm(row)), float(np.linalg.norm(column))
    if min(lengths) < 0.9 or abs(row @ column) > 1e-3:
        raise StudyRejected(Code.UNREADABLE, "ImageOrientationPatient is not two perpendicular directions.")
    between_rows, between_columns = first.pixel_spacing
    if not PLAUSIBLE_PIXEL_MM[0] <= min(first.pixel_spacing) <= max(first.pixel_spacing) <= PLAUSIBLE_PIXEL_MM[1]:
        raise StudyRejected(Code.UNREADABLE, f"A pixel of {between_rows:g} x {between_columns:g} mm can't be.")
    if np.abs(positions).max() > FARTHEST_MM or np.ptp(positions, axis=0).max() > LONGEST_MM:
        raise StudyRejected(Code.UNREADABLE, "Image positions lie farther apart than any scanner reaches.")
    return positions, row / lengths[0] * between_columns, column / lengths[1] * between_rows


def _check_identities(series: Series) -> None:
    """One identifier at several places is none; at one place `_without_duplicates` compares the pixels."""
    places: dict[tuple[str, int], object] = {}
    for image in series.images:
        if places.setdefault((image.sop_instance_uid, image.frame), image.position) != image.position:
            raise StudyRejected(Code.CONFLICTING_COPIES)


def _without_duplicates(
    order: NDArray[np.intp], places: Floats, hu: NDArray[np.int16]
) -> tuple[NDArray[np.intp], list[Flag]]:
    """Drop exact copies; different pixels at one place can't be resolved."""
    kept = [order[0]]
    for index in order[1:]:
        if places[index] - places[kept[-1]] > SPACING_TOLERANCE_MM:
            kept.append(index)
        elif not np.array_equal(hu[index], hu[kept[-1]]):
            raise StudyRejected(Code.DUPLICATE_SLICES)
    copies = len(order) - len(kept)
    return np.array(kept), [Flag(Code.REPEATED_IMAGES, f"Their number: {copies}.")] if copies else []


def _ordered(hu: NDArray[np.int16], order: NDArray[np.intp]) -> NDArray[np.int16]:
    """`hu[order]`; a view where that is all of it forwards or backwards, as scanners number their images."""
    forwards = np.arange(len(hu))
    if np.array_equal(order, forwards):
        return hu
    return hu[::-1] if np.array_equal(order, forwards[::-1]) else hu[order]


def _missing(gaps: Floats, instance_numbers: list[int | None]) -> list[Flag]:
    """Find single gaps that stand out against both sides, or jump in InstanceNumber; a change of spacing is neither."""
    numbers = np.array([np.nan if number is None else number for number in instance_numbers], dtype=np.float64)
    jumps = np.abs(np.diff(numbers))
    usual_jump = np.nanmedian(jumps) if np.isfinite(jumps).any() else np.nan
    holes = []
    for index, gap in enumerate(gaps):
        sides = gaps[max(index - 3, 0) : index], gaps[index + 1 : index + 4]
        local = [float(np.median(side)) for side in sides if len(side)]
        jumped = jumps[index] >= 2 * usual_jump > 0
        if gap > 1.6 * max(local) or (jumped and gap > 1.6 * min(local)):
            holes.append(gap - min(local))
    if not holes:
        if np.isfinite(jumps).all() and jumps.min() > 1:
            return [Flag(Code.MISSING_SLICES, f"InstanceNumber never rises by less than {jumps.min():.0f}.")]
        return []
    detail = f"{counted(len(holes), 'gap')}, lacking up to {max(holes):.1f} mm."
    if max(holes) > TOLERATED_HOLE_MM:
        raise StudyRejected(Code.MISSING_SLICES, detail)
    return [Flag(Code.MISSING_SLICES, detail)]


def _noteworthy(geometry: Geometry) -> list[Flag]:
    flags = []
    if not geometry.is_straight:
        flags.append(Flag(Code.SHIFTED_SLICES))
    elif geometry.is_tilted:
        flags.append(Flag(Code.GANTRY_TILT, f"Tilt: {geometry.tilt_degrees:.1f} degrees."))
    if not geometry.is_evenly_spaced:
        flags.append(Flag(Code.VARIABLE_SPACING, f"From {geometry.gaps.min():.1f} to {geometry.gaps.max():.1f} mm."))
    if geometry.spacing_mm[0] > NATIVE_SPACING_MM:
        flags.append(Flag(Code.THICK_SLICES, f"Typically {geometry.spacing_mm[0]:.1f} mm apart."))
    return flags


def _along_patient_axes(volume: Volume) -> Volume:
    """Permute and flip so that the axes run nearest to (z, y, x) of the patient; no voxel value changes."""
    geometry = volume.geometry
    directions = np.array([geometry.normal, geometry.y_step, geometry.x_step])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lps = (2, 1, 0)
    source = max(
        permutations(range(3)),
        key=lambda axes: sum(abs(directions[axis, lps[place]]) for place, axis in enumerate(axes)),
    )
    flipped = [bool(directions[axis, lps[place]] < 0) for place, axis in enumerate(source)]
    hu = volume.hu.transpose(source)
    hu = np.ascontiguousarray(hu[tuple(slice(None, None, -1) if flip else slice(None) for flip in flipped)])
    if source[0] != 0:
        return Volume(hu, _permuted(geometry, volume.shape, source, flipped))
    x_step, y_step = (geometry.y_step, geometry.x_step) if source[1] == 2 else (geometry.x_step, geometry.y_step)
    origins = geometry.origins[::-1] if flipped[0] else geometry.origins
    for flip, step, count in ((flipped[1], y_step, hu.shape[1]), (flipped[2], x_step, hu.shape[2])):
        origins = origins + flip * (count - 1) * step
    return Volume(hu, Geometry(origins, x_step * (-1) ** flipped[2], y_step * (-1) ** flipped[1]))


def _permuted(
    geometry: Geometry, shape: tuple[int, int, int], source: tuple[int, ...], flipped: list[bool]
) -> Geometry:
    """The geometry where planes became rows or columns: only an evenly spaced, upright stack has one."""
    if not geometry.is_evenly_spaced or not geometry.is_upright:
        raise StudyRejected(Code.NO_SUITABLE_SERIES, "The series is not axial and its planes are uneven or tilted.")
    affine = geometry.affine
    steps = np.array([affine[:3, 2], affine[:3, 1], affine[:3, 0]])[list(source)]
    counts = np.array(shape)[list(source)]
    origin = affine[:3, 3] + sum(
        flip * (count - 1) * step for flip, count, step in zip(flipped, counts, steps, strict=True)
    )
    z_step, y_step, x_step = steps * np.where(flipped, -1, 1)[:, None]
    return Geometry.uniform(int(counts[0]), origin, x_step, y_step, z_step)
