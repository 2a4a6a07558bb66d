"""What the axial networks made of labelled slices, as Markdown and CSV, and the best and the worst of them as a
picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calibration.slices import LabelledSlice, SliceScore, SliceSummary, Window, false_alarms
from runtime.classification import StrokeClass

Scores = Mapping[str, Sequence[SliceScore]]
"""By row of the table, such as 'P > 0.5': all slices of all sets."""
SHOWN = 3
"""How many of the best, and of the worst, of each class."""
SHOWN_HU = (-10, 90)
INCHES, DPI = 2.4, 120
TRUTH, MASK = "#00b050", "#ff3030"
HEADER = ("row", "class", "slice", "dice", "both", "either", "marked_is", "marked_ih")


def markdown(scores: Scores, windows: Mapping[str, Window]) -> str:
    """Dice by row and class, false alarms, and how the greys were read."""
    lines = [
        "| | class | slices | Dice mean | median | pooled | slices without it | of them marked |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(row, stroke, of_row) for row, of_row in scores.items() for stroke in StrokeClass),
        "",
        "- Axial networks alone, averaged, on single slices: no other plane, no closing, no rule of areas.",
        "- Pooled: Dice of the pixels of all slices together. Marked: with any pixel of a class that the slice hasn't.",
        *(f"- {name}: 8 bits read as {low:.0f} to {high:.0f} HU." for name, (low, high) in windows.items()),
    ]
    return "\n".join(lines) + "\n"


def scores_csv(scores: Scores) -> str:
    """A line for each row and slice."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row, of_row in scores.items():
        for one in of_row:
            marked = (one.marked[StrokeClass.IS], one.marked[StrokeClass.IH])
            writer.writerow((row, one.stroke.value, one.name, one.dice, one.both, one.either, *marked))
    return text.getvalue()


def best_and_worst(scores: Sequence[SliceScore], stroke: StrokeClass) -> list[int]:
    """Their numbers in `scores`: up to SHOWN of the highest Dice of this class, best first, then the lowest."""
    known = [(one.dice, number) for number, one in enumerate(scores) if one.stroke is stroke and one.dice is not None]
    ordered = [number for _, number in sorted(known, key=lambda pair: (-pair[0], pair[1]))]
    return ordered[:SHOWN] + ordered[max(SHOWN, len(ordered) - SHOWN) :]


def draw_slices(
    slices: Sequence[LabelledSlice],
    hu: Sequence[NDArray[np.int16]],
    masks: Sequence[NDArray[np.uint8]],
    scores: Sequence[SliceScore],
) -> Figure:
    """A line of pictures for each class: the best, then the worst. Outlined: the truth, and the mask of that class.

    hu, masks: (H, W) of each slice, as the networks had it and as they marked it
    """
    lines = [numbers for stroke in StrokeClass if (numbers := best_and_worst(scores, stroke))]
    figure = Figure(figsize=(2 * SHOWN * INCHES, max(len(lines), 1) * INCHES * 1.1), dpi=DPI, layout="constrained")
    all_axes = figure.subplots(max(len(lines), 1), 2 * SHOWN, squeeze=False)
    for axes in all_axes.flat:
        axes.set_axis_off()
    for of_line, numbers in zip(all_axes, lines, strict=False):
        for axes, number in zip(of_line, numbers, strict=False):
            _draw(axes, slices[number], hu[number], masks[number], scores[number])
    figure.suptitle("best to worst of each class; green: drawn, red: marked by the networks", fontsize=9)
    return figure


def _draw(axes: Axes, one: LabelledSlice, hu: NDArray[np.int16], mask: NDArray[np.uint8], score: SliceScore) -> None:
    axes.imshow(hu, cmap="gray", vmin=SHOWN_HU[0], vmax=SHOWN_HU[1])
    for area, colour in ((one.truth, TRUTH), (mask == one.stroke.label, MASK)):
        if area.any():
            axes.contour(area, levels=[0.5], colors=[colour], linewidths=0.8)
    axes.set_title(f"{one.stroke.value} {one.name}  {score.dice:.2f}", fontsize=7)


def _row(row: str, stroke: StrokeClass, scores: Sequence[SliceScore]) -> str:
    summary = SliceSummary.of([one for one in scores if one.stroke is stroke])
    figures = " | ".join(_figures(summary))
    marked, without = false_alarms(scores, stroke)
    share = f"{marked} ({marked / without:.0%})" if without else "-"
    return f"| {row} | {stroke.value} | {summary.slices} | {figures} | {without} | {share} |"


def _figures(summary: SliceSummary) -> Iterator[str]:
    for value in (summary.mean, summary.median, summary.pooled):
        yield "-" if value is None else f"{value:.3f}"
