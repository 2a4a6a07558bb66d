"""A symbol for each call, told apart by shape alone. None of them is a tick: nothing here says that all is well."""

from __future__ import annotations

from appliance.sheet import BLACK, WHITE, Area, Colour, Sheet
from runtime.classification import Call

_STROKE = 0.085
"""Width of the symbols' lines, as a share of their size."""


def draw_symbol(sheet: Sheet, call: Call | None, area: Area, ink: Colour) -> None:
    """IH a triangle, IS a diamond, each with '!'; inconclusive a square with '?'; none a barred ring; else a cross."""
    size = min(area.width, area.height)
    x, y, half = area.x + area.width / 2, area.y + area.height / 2, size / 2
    paper = BLACK if ink == WHITE else WHITE
    if call is Call.IH:
        sheet.polygon([(x, y - half), (x + half, y + half * 0.85), (x - half, y + half * 0.85)], ink)
        _exclamation(sheet, x, y + half * 0.18, size * 0.5, paper)
    elif call is Call.IS:
        sheet.polygon([(x, y - half), (x + half, y), (x, y + half), (x - half, y)], ink)
        _exclamation(sheet, x, y, size * 0.5, paper)
    elif call is Call.INCONCLUSIVE:
        sheet.frame(Area(x - half, y - half, size, size).inset(size * 0.06), size * _STROKE, ink)
        _question(sheet, x, y, size * 0.56, ink)
    elif call is Call.NONE:
        sheet.circle((x, y), half * 0.9, size * _STROKE, ink)
        sheet.line([(x - half * 0.5, y), (x + half * 0.5, y)], size * _STROKE, ink)
    else:
        reach = half * 0.86
        sheet.line([(x - reach, y - reach), (x + reach, y + reach)], size * 2 * _STROKE, ink)
        sheet.line([(x - reach, y + reach), (x + reach, y - reach)], size * 2 * _STROKE, ink)


def _exclamation(sheet: Sheet, x: float, y: float, height: float, colour: Colour) -> None:
    top, width = y - height / 2, height * 0.17
    sheet.polygon(
        [
            (x - width, top),
            (x + width, top),
            (x + width * 0.6, top + height * 0.66),
            (x - width * 0.6, top + height * 0.66),
        ],
        colour,
    )
    sheet.fill(Area(x - width * 0.8, top + height * 0.78, width * 1.6, height * 0.22), colour)


def _question(sheet: Sheet, x: float, y: float, height: float, colour: Colour) -> None:
    bow = [(-0.3, -0.28), (-0.22, -0.44), (0, -0.5), (0.22, -0.44), (0.3, -0.26), (0.22, -0.1), (0.04, 0.03), (0, 0.2)]
    sheet.line([(x + right * height, y + down * height) for right, down in bow], height * 0.15, colour)
    sheet.fill(Area(x - height * 0.09, y + height * 0.33, height * 0.18, height * 0.17), colour)
