"""A row of key pictures on the page: grey pixels, contours, class labels, the sides' letters, scale bars, captions.

IH is a solid line, IS a dashed one, each bright on a dark edge: they show on brain, blood and bone, in colour or not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from appliance.pictures import Contour, Picture, View
from appliance.sheet import BLACK, WHITE, Area, Colour, Sheet, Type
from runtime.classification import StrokeClass
from runtime.pipeline import Analysis

SCALE_BAR_MM = 50
_GAP = 2.0
_CAPTION = 7.5
"""Two lines."""
_LETTER = Type(11, 11, bold=True, colour=WHITE)
_LETTER_MM = 5.0
_INK: dict[StrokeClass, tuple[Colour, float]] = {
    StrokeClass.IH: ((255, 200, 0), 0.0),
    StrokeClass.IS: ((80, 225, 255), 1.4),
}
"""Colour and length of the dashes, mm."""
_LINES = {StrokeClass.IH: "haemorrhage IH (solid line)", StrokeClass.IS: "ischaemia IS (dashed line)"}


def row_height(pictures: Sequence[Picture], width: float, tallest: float) -> float:
    """The height of a row, caption included, in which all pictures are as tall as each other and fill `width`."""
    shares: float = sum(picture.grey.shape[1] / picture.grey.shape[0] for picture in pictures)
    return min((width - _GAP * (len(pictures) - 1)) / shares, tallest) + _CAPTION


def draw_row(sheet: Sheet, area: Area, pictures: Sequence[Picture], analysis: Analysis) -> None:
    """Draw `pictures` side by side, centred, each with its title and subject below."""
    height = area.height - _CAPTION
    widths = [height * picture.grey.shape[1] / picture.grey.shape[0] for picture in pictures]
    left = (area.width - sum(widths) - _GAP * (len(widths) - 1)) / 2
    for picture, width in zip(pictures, widths, strict=True):
        column = area.part(left, width)
        _draw(sheet, column.top(height), picture)
        words = column.below(height + 0.5)
        used = sheet.text(words.top(3.5), title(picture, analysis), Type(8, 6.5), align="C")
        sheet.text(words.below(used), picture.subject, Type(8, 6.5), align="C")
        left += width + _GAP


def title(picture: Picture, analysis: Analysis) -> str:
    """The view; for axial ones also which native slice, counted from the feet."""
    if picture.view is not View.AXIAL:
        return picture.view.title
    place = analysis.grid.geometry.distances[picture.index]
    distances = analysis.native.geometry.distances
    return f"{picture.view.title}, slice {int(np.argmin(np.abs(distances - place))) + 1} of {len(distances)}"


def legend(pictures: Sequence[Picture]) -> str:
    """What the lines in `pictures` mean, and how to read them."""
    seen = {contour.stroke for picture in pictures for contour in picture.contours}
    marked = [line for stroke, line in _LINES.items() if stroke in seen]
    lines = f"Outlined: {', '.join(marked)}." if marked else "Nothing is outlined."
    return f"{lines} R is the patient’s right. Slices are counted from the feet. Brain window, 0 to 80 HU."


def _draw(sheet: Sheet, area: Area, picture: Picture) -> None:
    sheet.picture(area, picture.grey)
    scale = area.height / picture.grey.shape[0]
    for contour in picture.contours:
        _outline(sheet, area, scale, contour)
    for stroke in StrokeClass:
        _label(sheet, area, scale, [contour for contour in picture.contours if contour.stroke is stroke])
    _letters(sheet, area, picture.view)
    length = SCALE_BAR_MM / picture.pixel_mm * scale
    bar = [(area.x + 1.5, area.bottom - 1.5), (area.x + 1.5 + length, area.bottom - 1.5)]
    sheet.fill(Area(area.x, area.bottom - 5, length + 3, 5), BLACK)
    sheet.line(bar, 0.6, WHITE)
    sheet.text(
        Area(area.x + 1.5, area.bottom - 4.7, length, 3), f"{SCALE_BAR_MM // 10} cm", Type(6.5, 6.5, colour=WHITE)
    )


def _outline(sheet: Sheet, area: Area, scale: float, contour: Contour) -> None:
    points = [(area.x + column * scale, area.y + row * scale) for column, row in contour.points]
    colour, dash = _INK[contour.stroke]
    sheet.line(points, 0.75, BLACK, closed=True)
    sheet.line(points, 0.4, colour, dash, closed=True)


def _label(sheet: Sheet, area: Area, scale: float, contours: Sequence[Contour]) -> None:
    """The class's letters beside its largest outline, outside of it."""
    if not contours:
        return
    boxes = [(min(x), min(y), max(x), max(y)) for x, y in (zip(*one.points, strict=True) for one in contours)]
    left, top, right, bottom = max(boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    width, height = 5.2, 3.8
    beside = area.x + right * scale + 1
    if beside + width > area.x + area.width - _LETTER_MM:
        beside = max(area.x + left * scale - 1 - width, area.x)
    middle = area.y + (top + bottom) / 2 * scale - height / 2
    place = Area(beside, min(max(middle, area.y), area.bottom - height), width, height)
    sheet.fill(place, BLACK)
    colour, _ = _INK[contours[0].stroke]
    sheet.text(place.below(0.1), contours[0].stroke.value, Type(8.5, 8.5, bold=True, colour=colour), align="C")


def _letters(sheet: Sheet, area: Area, view: View) -> None:
    """The sides, on black, in the middle of the picture's edges."""
    across, down = area.x + (area.width - _LETTER_MM) / 2, area.y + (area.height - _LETTER_MM) / 2
    places = (
        (view.left, area.x, down),
        (view.right, area.x + area.width - _LETTER_MM, down),
        (view.top, across, area.y),
        (view.bottom, across, area.bottom - _LETTER_MM),
    )
    for letter, x, y in places:
        place = Area(x, y, _LETTER_MM, _LETTER_MM)
        sheet.fill(place, BLACK)
        sheet.text(place.below(0.15), letter, _LETTER, align="C")
