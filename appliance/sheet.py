"""One A4 page to draw on: text that fits its place or is visibly cut, shapes and grey pictures. The only user of fpdf2.

Text is literal (no markup, no placeholders) and legible (appliance/legible.py). Places are in millimetres from the top
left corner, sizes of type in points. There is no second page: what does not fit is shrunk to a stated size, then cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue
from fpdf.fonts import TTFFont
from numpy.typing import NDArray
from PIL import Image

from appliance.legible import legible

Colour: TypeAlias = tuple[int, int, int]
Points: TypeAlias = Sequence[tuple[float, float]]

WIDTH_MM, HEIGHT_MM = 210.0, 297.0
BLACK, WHITE, GREY = (0, 0, 0), (255, 255, 255), (90, 90, 90)
_FONTS = Path(__file__).parent / "fonts"
_MM_PER_POINT = 25.4 / 72
_LEADING = 1.22
_STEP_POINTS = 0.5


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle on the page, mm."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def top(self, height: float) -> Area:
        """The uppermost `height` of it."""
        return Area(self.x, self.y, self.width, height)

    def below(self, height: float) -> Area:
        """What is left below the uppermost `height`."""
        return Area(self.x, self.y + height, self.width, self.height - height)

    def moved(self, down: float) -> Area:
        """It, `down` further down."""
        return Area(self.x, self.y + down, self.width, self.height)

    def inset(self, margin: float) -> Area:
        """It, without a margin on all sides."""
        return Area(self.x + margin, self.y + margin, self.width - 2 * margin, self.height - 2 * margin)

    def part(self, left: float, width: float) -> Area:
        """The column that starts `left` from its left edge."""
        return Area(self.x + left, self.y, width, self.height)


@dataclass(frozen=True, slots=True)
class Type:
    """How text is set: it starts at `size` points and shrinks to `smallest` before it is cut."""

    size: float
    smallest: float
    bold: bool = False
    colour: Colour = BLACK

    @property
    def sizes(self) -> list[float]:
        """From the largest size to the smallest."""
        steps = int((self.size - self.smallest) / _STEP_POINTS)
        return [self.size - step * _STEP_POINTS for step in range(steps + 1)]


def line_mm(size: float) -> float:
    """The height of a line of type of `size` points."""
    return size * _MM_PER_POINT * _LEADING


class Sheet:
    """The page. `finish()` returns the PDF, the same bytes for the same calls and the same `created`."""

    def __init__(self, title: str, created: datetime) -> None:
        self._pdf = FPDF(format="A4")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margin(0)
        self._pdf.c_margin = 0
        self._pdf.str_alias_nb_pages = ""  # else '{nb}' in a name becomes the number of pages
        regular, bold = self._font("text", "", "DejaVuSans"), self._font("text", "B", "DejaVuSans-Bold")
        east_asian = self._font("east asian", "", "DroidSansFallback")
        self._drawable = (regular & bold) | east_asian
        self._pdf.set_fallback_fonts(["east asian"], exact_match=False)
        self._pdf.set_creation_date(created)
        self._pdf.set_title(legible(title, self._drawable))
        self._pdf.set_lang("en")
        self._pdf.add_page()

    def _font(self, family: str, style: Literal["", "B"], name: str) -> frozenset[int]:
        self._pdf.add_font(family, style, _FONTS / f"{name}.ttf")
        font = self._pdf.fonts[family + style]
        assert isinstance(font, TTFFont)  # noqa: S101 - fpdf2 keeps core fonts in the same dict
        return frozenset(font.cmap)

    def finish(self) -> bytes:
        """The PDF. RuntimeError where anything spilled to a second page."""
        if len(self._pdf.pages) != 1:
            raise RuntimeError("the report needs more than one page")
        return bytes(self._pdf.output())

    # text ------------------------------------------------------------------------------------------------------------

    def text(self, area: Area, text: str, face: Type, align: Literal["L", "C", "R"] = "L") -> float:
        """Set `text` from the top of `area` as wrapped lines of the largest size that fits; returns the height used.

        At the smallest size, lines that don't fit are cut and the last one ends in an ellipsis.
        """
        size, lines = self._fitted(area, legible(text, self._drawable), face)
        return self._lines(area, lines, size, face, align)

    def text_height(self, area: Area, text: str, face: Type) -> float:
        """The height that `text` would use."""
        size, lines = self._fitted(area, legible(text, self._drawable), face)
        return len(lines) * line_mm(size)

    def listing(self, area: Area, items: Sequence[str], face: Type, more: Callable[[int], str]) -> float:
        """Set each of `items` with a bullet, at the largest size at which all fit; returns the height used.

        At the smallest size, as many as fit, then `more(n)` for the n others.
        """
        shown = [legible(item, self._drawable) for item in items]
        room = area.part(_BULLET_MM, area.width - _BULLET_MM)
        size, wrapped = face.smallest, [self._wrapped(room.width, item, face.smallest, face) for item in shown]
        for larger in face.sizes:
            if len(shown) * line_mm(larger) > area.height:
                continue
            larger_wrapped = [self._wrapped(room.width, item, larger, face) for item in shown]
            if sum(map(len, larger_wrapped)) * line_mm(larger) <= area.height:
                size, wrapped = larger, larger_wrapped
                break
        fitting = int(area.height / line_mm(size) + 1e-6)
        count = len(wrapped)
        while count and sum(map(len, wrapped[:count])) + (count < len(wrapped)) > fitting:
            count -= 1
        used = 0.0
        for lines in wrapped[:count]:
            self._lines(area.below(used), ["•"], size, face, "L")
            used += self._lines(room.below(used), lines, size, face, "L")
        if count < len(wrapped):
            used += self._lines(room.below(used), [more(len(wrapped) - count)], size, face, "L")
        return used

    def listing_height(self, width: float, items: Sequence[str], size: float, face: Type) -> float:
        """The height of a listing of that width at that size."""
        lines = (self._wrapped(width - _BULLET_MM, legible(item, self._drawable), size, face) for item in items)
        return sum(map(len, lines)) * line_mm(size)

    def _fitted(self, area: Area, text: str, face: Type) -> tuple[float, list[str]]:
        lines: list[str] = []
        for size in face.sizes:
            lines = self._wrapped(area.width, text, size, face)
            if len(lines) * line_mm(size) <= area.height + 1e-6:
                return size, lines
        fitting = max(int(area.height / line_mm(face.smallest) + 1e-6), 1)
        if len(lines) <= fitting:
            return face.smallest, lines
        last = " ".join(lines[fitting - 1 :])
        self._face(face.smallest, face)
        while last and self._pdf.get_string_width(f"{last}…") > area.width:
            last = last[:-1]
        return face.smallest, [*lines[: fitting - 1], f"{last}…"]

    def _wrapped(self, width: float, text: str, size: float, face: Type) -> list[str]:
        self._face(size, face)
        lines = self._pdf.multi_cell(width, text=text, align=Align.L, dry_run=True, output=MethodReturnValue.LINES)
        assert isinstance(lines, list)  # noqa: S101 - what output=LINES returns
        return [str(line) for line in lines]

    def _lines(self, area: Area, lines: Sequence[str], size: float, face: Type, align: Literal["L", "C", "R"]) -> float:
        self._face(size, face)
        for number, line in enumerate(lines):
            self._pdf.set_xy(area.x, area.y + number * line_mm(size))
            self._pdf.cell(area.width, line_mm(size), line, align=align)
        return len(lines) * line_mm(size)

    def _face(self, size: float, face: Type) -> None:
        self._pdf.set_font("text", "B" if face.bold else "", size)
        self._pdf.set_text_color(*face.colour)

    # shapes ----------------------------------------------------------------------------------------------------------

    def frame(self, area: Area, width: float, colour: Colour = BLACK, dash: float = 0.0) -> None:
        """A rectangle's border of `width` mm; dashed where `dash` is its dashes' length."""
        self._pen(width, colour, dash)
        self._pdf.rect(area.x, area.y, area.width, area.height)

    def fill(self, area: Area, colour: Colour) -> None:
        """A filled rectangle."""
        self._pdf.set_fill_color(*colour)
        self._pdf.rect(area.x, area.y, area.width, area.height, style="F")

    def polygon(self, points: Points, colour: Colour) -> None:
        """A filled polygon."""
        self._pdf.set_fill_color(*colour)
        self._pdf.polygon(list(points), style="F")

    def line(
        self, points: Points, width: float, colour: Colour = BLACK, dash: float = 0.0, *, closed: bool = False
    ) -> None:
        """A line through `points`; dashed where `dash` is its dashes' length."""
        self._pen(width, colour, dash)
        self._pdf.polyline(list(points), polygon=closed)

    def circle(self, centre: tuple[float, float], radius: float, width: float, colour: Colour = BLACK) -> None:
        """A ring of line `width` mm."""
        self._pen(width, colour, 0.0)
        self._pdf.circle(centre[0], centre[1], radius)

    def picture(self, area: Area, grey: NDArray[np.uint8]) -> None:
        """A grey picture, stretched to `area`."""
        self._pdf.image(Image.fromarray(grey), area.x, area.y, area.width, area.height)

    def _pen(self, width: float, colour: Colour, dash: float) -> None:
        self._pdf.set_draw_color(*colour)
        self._pdf.set_line_width(width)
        self._pdf.set_dash_pattern(dash=dash, gap=0.7 * dash)


_BULLET_MM = 3.2
