"""Connected areas of the mask: millilitres on the native slices, side of the patient, place.

Areas are connected on the analysis grid, where thick slices do not break them, and measured on the native slices, where
the scan has its true widths.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from runtime.areas import connected
from runtime.classification import StrokeClass
from runtime.grid import to_native
from runtime.volume import Geometry, Volume

MIDLINE_MM = 10.0
"""A lesion on both sides that stays this near to the midline is a midline lesion; a wider one is bilateral."""
ONE_SIDED_SHARE = 0.85
MINOR_SHARE = 0.1
"""A lesion below this share of its class's volume does not change the side that is reported for the class."""


class Side(str, Enum):
    """The patient's side, not the picture's."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"
    BILATERAL = "bilateral"


@dataclass(frozen=True, slots=True)
class Lesion:
    """One connected area of one class.

    `volume_ml` is measured on the native slices; `centroid_mm` is in the patient's LPS millimetres; `first_slice` and
    `last_slice` number the native slices from 0, from the feet upwards.
    """

    stroke: StrokeClass
    volume_ml: float
    side: Side
    centroid_mm: tuple[float, float, float]
    first_slice: int
    last_slice: int


@dataclass(frozen=True, slots=True)
class Midline:
    """The plane x = a + b * y + c * z, in voxels of the analysis grid, that halves the head."""

    a: float
    b: float
    c: float

    def side(self, voxels: NDArray[np.intp], geometry: Geometry) -> Side:
        """Of `voxels` (N, 3) as (z, y, x): on which side of the patient they lie; +x is the patient's left."""
        z, y, x = voxels.T
        leftward_mm = (x - (self.a + self.b * y + self.c * z)) * geometry.spacing_mm[2]
        left_share = float((leftward_mm > 0).mean())
        if left_share >= ONE_SIDED_SHARE:
            return Side.LEFT
        if left_share <= 1 - ONE_SIDED_SHARE:
            return Side.RIGHT
        return Side.MIDLINE if float(np.percentile(np.abs(leftward_mm), 90)) <= MIDLINE_MM else Side.BILATERAL


def find_lesions(labels: NDArray[np.uint8], grid: Geometry, native: Volume, midline: Midline) -> tuple[Lesion, ...]:
    """All areas of `labels` (Z, Y, X) on `grid` that reach the native slices, the largest first.

    Voxels are connected across faces, edges and corners (26 neighbours).
    """
    lesions = []
    for stroke in StrokeClass:
        numbered, count = connected(labels == stroke.label)
        on_native = to_native(numbered, grid, native)
        native_boxes = ndimage.find_objects(on_native, max_label=count)
        reached = np.bincount(on_native.ravel(), minlength=count + 1)
        for number, (box, native_box) in enumerate(
            zip(ndimage.find_objects(numbered), native_boxes, strict=True), start=1
        ):
            if not reached[number]:
                continue
            voxels = np.argwhere(numbered[box] == number) + [one.start for one in box]
            on_slices = np.argwhere(on_native[native_box] == number) + [one.start for one in native_box]
            lesions.append(
                Lesion(
                    stroke=stroke,
                    volume_ml=volume_ml(on_slices[:, 0], native.geometry),
                    side=midline.side(voxels, grid),
                    centroid_mm=_centroid(on_slices, native.geometry),
                    first_slice=native_box[0].start,
                    last_slice=native_box[0].stop - 1,
                )
            )
    return tuple(sorted(lesions, key=lambda lesion: -lesion.volume_ml))


def side_of(lesions: Iterable[Lesion], stroke: StrokeClass) -> Side | None:
    """The side of all lesions of one class together; small ones beside a large one don't count; None without any."""
    own = [lesion for lesion in lesions if lesion.stroke is stroke]
    total = sum(lesion.volume_ml for lesion in own)
    sides = {lesion.side for lesion in own if lesion.volume_ml >= MINOR_SHARE * total}
    if len(sides) > 1:
        sides -= {Side.MIDLINE}
    if not sides:
        return None
    return sides.pop() if len(sides) == 1 else Side.BILATERAL


def volume_ml(planes: NDArray[np.intp], geometry: Geometry) -> float:
    """Millilitres of voxels given by their plane numbers (N,): each is as thick as its plane is wide."""
    _, dy, dx = geometry.spacing_mm
    return float(geometry.slice_widths_mm[planes].sum() * dy * dx / 1000)


def _centroid(voxels: NDArray[np.intp], geometry: Geometry) -> tuple[float, float, float]:
    """The middle of native voxels (N, 3), weighted by their widths, in LPS mm."""
    z, y, x = voxels.T
    points = geometry.origins[z] + y[:, None] * geometry.y_step + x[:, None] * geometry.x_step
    left, back, up = np.average(points, axis=0, weights=geometry.slice_widths_mm[z])
    return float(left), float(back), float(up)
