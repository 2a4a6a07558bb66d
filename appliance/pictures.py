"""Key pictures of an analysis: which planes to show, as square grey pixels, with the mask's contours and the sides.

Radiological convention: axial and coronal pictures have the patient's right on the left, axial ones the front on top,
coronal and sagittal ones the head on top, sagittal ones the front on the left. Brain window, 0 to 80 HU. All pictures
show the same part of the volume: the head, without the air around it. It knows nothing of paper and draws no letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from appliance.contours import Line, outlines
from runtime.classification import Call, StrokeClass
from runtime.pipeline import Analysis
from runtime.volume import Box, Volume

WINDOW_HU = (0, 80)
"""Brain window: width 80, level 40."""
FURTHER_PICTURES = 5
SMALLEST_PICTURED_ML = 0.1
"""A choice: smaller areas are many, and little is to be seen of them."""
_BODY_HU = -300
_COARSE_MM = 3.0
_MARGIN_MM = 5.0
_LONGEST_HEAD_MM = 200.0
_BRAIN_MIDDLE_MM = 75.0
_LONGEST_PIXELS = 420
_SMALLEST_PIXEL_MM = 0.5


class View(Enum):
    """A direction of view: the grid axis looked along, those that run down and right, the letters at the edges."""

    AXIAL = "Axial", 0, (1, 2), ("A", "P"), ("R", "L")
    CORONAL = "Coronal", 1, (0, 2), ("H", "F"), ("R", "L")
    SAGITTAL = "Sagittal", 2, (0, 1), ("H", "F"), ("A", "P")

    def __init__(
        self, title: str, across: int, axes: tuple[int, int], vertical: tuple[str, str], horizontal: tuple[str, str]
    ) -> None:
        self.title = title
        self.across = across
        self.axes = axes
        self.top, self.bottom = vertical
        self.left, self.right = horizontal

    @property
    def upside_down(self) -> bool:
        """Whether rows run against the vertical axis: z grows towards the head, which is shown on top."""
        return self.axes[0] == 0


@dataclass(frozen=True, slots=True)
class Contour:
    """The outline of one marked area; points are (column, row) in picture pixels, the last joined to the first."""

    stroke: StrokeClass
    points: Line


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One plane of the grid.

    grey: uint8 (rows, columns), square pixels of `pixel_mm`
    index: the plane's place along the view's axis of the grid
    subject: what it is there to show, in a few words
    box: the part of the grid that is shown
    spacing_mm: the grid's (z, y, x)
    """

    view: View
    index: int
    subject: str
    grey: NDArray[np.uint8]
    pixel_mm: float
    contours: tuple[Contour, ...]
    box: Box
    spacing_mm: tuple[float, float, float]

    def place(self, voxel: tuple[float, float, float]) -> tuple[float, float]:
        """The centre of voxel (z, y, x) of the grid as (column, row) in pixels from the picture's top left corner."""
        down, right = (
            (voxel[axis] - self.box[axis].start + 0.5) * self.spacing_mm[axis] / self.pixel_mm
            for axis in self.view.axes
        )
        if self.view.upside_down:
            height = self.box[self.view.axes[0]]
            down = (height.stop - height.start) * self.spacing_mm[self.view.axes[0]] / self.pixel_mm - down
        return right, down


def key_pictures(analysis: Analysis) -> tuple[Picture, ...]:
    """Axial, coronal and sagittal through the largest lesion (of the called class, if any), then axial of others.

    The axial plane is where the lesion's area is largest; the others pass through its voxel nearest to its centre.
    Further axial planes show lesions of SMALLEST_PICTURED_ML and more that no earlier one shows, up to
    FURTHER_PICTURES. Without lesions: the three planes through the middle of the head.
    """
    box = head_box(analysis.grid)
    lesions = _areas(analysis)
    box = _extended(box, lesions)
    if not lesions:
        middle = "through the middle of the head"
        planes = [(view, index, middle) for view, index in zip(View, _middle(box, analysis.grid), strict=True)]
    else:
        voxel_ml = float(np.prod(analysis.grid.geometry.spacing_mm)) / 1000
        first, *others = lesions
        _, *further = _apart([first, *(area for area in others if area.voxels * voxel_ml >= SMALLEST_PICTURED_ML)])
        _, y, x = first.centre
        planes = [
            (View.AXIAL, first.largest_plane, f"largest area marked {first.stroke.value}"),
            (View.CORONAL, y, "through the same area"),
            (View.SAGITTAL, x, "through the same area"),
            *(
                (View.AXIAL, area.largest_plane, f"further area marked {area.stroke.value}")
                for area in further[:FURTHER_PICTURES]
            ),
        ]
    return tuple(picture(analysis, view, index, box, subject) for view, index, subject in planes)


def picture(analysis: Analysis, view: View, index: int, box: Box, subject: str = "") -> Picture:
    """Plane `index` of the analysed grid along the view's axis, cut to `box`."""
    spacing = analysis.grid.geometry.spacing_mm
    cut = tuple(slice(index, index + 1) if axis == view.across else box[axis] for axis in range(3))
    hu, labels = (np.squeeze(array[cut], axis=view.across) for array in (analysis.grid.hu, analysis.grid_mask))
    if view.upside_down:
        hu, labels = hu[::-1], labels[::-1]
    down, right = (spacing[axis] for axis in view.axes)
    size_mm = hu.shape[0] * down, hu.shape[1] * right
    pixel_mm = max(_SMALLEST_PIXEL_MM, max(size_mm) / _LONGEST_PIXELS)
    rows, columns = (max(round(length / pixel_mm), 1) for length in size_mm)
    low, high = WINDOW_HU
    windowed = (np.clip(hu, low, high).astype(np.float32) - low) / np.float32(high - low)
    grey = _resized(_resized(windowed, 0, rows, down / pixel_mm), 1, columns, right / pixel_mm)
    scale = right / pixel_mm, down / pixel_mm
    contours = tuple(
        Contour(stroke, tuple((column * scale[0], row * scale[1]) for column, row in line))
        for stroke in StrokeClass
        for line in outlines(labels == stroke.label)
    )
    return Picture(view, index, subject, np.rint(grey * 255).astype(np.uint8), pixel_mm, contours, box, spacing)


def head_box(grid: Volume) -> Box:
    """The largest connected body and a margin, from the vertex down at most a head's height; all if there is none."""
    spacing = grid.geometry.spacing_mm
    steps = [max(round(_COARSE_MM / length), 1) for length in spacing]
    body = ndimage.binary_opening(grid.hu[:: steps[0], :: steps[1], :: steps[2]] > _BODY_HU)
    labels, count = ndimage.label(body)
    if not count:
        return _whole(grid)
    found = ndimage.find_objects(labels)[int(np.argmax(np.bincount(labels.ravel())[1:]))]
    parts = []
    for part, step, length, size in zip(found, steps, spacing, grid.shape, strict=True):
        margin = round(_MARGIN_MM / length)
        parts.append(slice(max(part.start * step - margin, 0), min(part.stop * step + margin, size)))
    z, y, x = parts
    return slice(max(z.start, z.stop - round(_LONGEST_HEAD_MM / spacing[0])), z.stop), y, x


@dataclass(frozen=True, slots=True)
class _Area:
    """One connected part of the mask, in voxels of the grid."""

    stroke: StrokeClass
    voxels: int
    largest_plane: int
    centre: tuple[int, int, int]
    box: Box


def _areas(analysis: Analysis) -> list[_Area]:
    """The mask's connected parts, those of the called class first, then the largest first."""
    areas = []
    boxes: Sequence[tuple[slice, ...] | None] = ndimage.find_objects(analysis.grid_mask, len(StrokeClass))
    for stroke, around in zip(StrokeClass, boxes, strict=True):
        if around is None:
            continue
        labels, _ = ndimage.label(analysis.grid_mask[around] == stroke.label, structure=np.ones((3, 3, 3)))
        for number, part in enumerate(ndimage.find_objects(labels), start=1):
            start = np.array([outer.start + inner.start for outer, inner in zip(around, part, strict=True)])
            inside = np.argwhere(labels[part] == number)
            nearest = inside[np.argmin(((inside - inside.mean(axis=0)) ** 2).sum(axis=1))]
            z, y, x = (int(index) for index in start + nearest)
            plane = int(start[0]) + int(np.argmax(np.bincount(inside[:, 0])))
            low, high = start.tolist(), (start + inside.max(axis=0) + 1).tolist()
            box = slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])
            areas.append(_Area(stroke, len(inside), plane, (z, y, x), box))
    call = analysis.finding.call
    called = StrokeClass(call.value) if call in (Call.IS, Call.IH) else None
    return sorted(areas, key=lambda area: (area.stroke is not called, -area.voxels))


def _apart(areas: list[_Area]) -> list[_Area]:
    """In their order, without those that the largest axial plane of an earlier one shows already."""
    apart: list[_Area] = []
    for area in areas:
        z = area.box[0]
        if not any(z.start <= other.largest_plane < z.stop for other in apart):
            apart.append(area)
    return apart


def _middle(box: Box, grid: Volume) -> tuple[int, int, int]:
    """The middle of the head's box, but never further below the vertex than the middle of a brain."""
    z, y, x = box
    brain = round(_BRAIN_MIDDLE_MM / grid.geometry.spacing_mm[0])
    return max((z.start + z.stop) // 2, z.stop - 1 - brain), (y.start + y.stop) // 2, (x.start + x.stop) // 2


def _whole(grid: Volume) -> Box:
    z, y, x = (slice(0, size) for size in grid.shape)
    return z, y, x


def _extended(box: Box, areas: list[_Area]) -> Box:
    """`box`, large enough to show every marked area."""
    z, y, x = (
        slice(
            min([part.start, *(area.box[axis].start for area in areas)]),
            max([part.stop, *(area.box[axis].stop for area in areas)]),
        )
        for axis, part in enumerate(box)
    )
    return z, y, x


def _resized(values: NDArray[np.float32], axis: int, size: int, scale: float) -> NDArray[np.float32]:
    """`values` (H, W) with `size` samples along `axis`, `scale` new ones per old one, linear between voxel centres."""
    places = np.clip((np.arange(size) + 0.5) / scale - 0.5, 0, values.shape[axis] - 1)
    lower = np.floor(places).astype(np.intp)
    upper = np.minimum(lower + 1, values.shape[axis] - 1)
    weight = np.expand_dims((places - lower).astype(np.float32), 1 - axis)
    low, high = values.take(lower, axis), values.take(upper, axis)
    blended: NDArray[np.float32] = low + weight * (high - low)
    return blended
