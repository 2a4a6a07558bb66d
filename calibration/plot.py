"""An evaluation as a picture: every patient's Dice in every row of Table 1, and three projections against single ones.

Draws what calibration/rows.py averages; computes nothing beyond it and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from calibration.evaluation import ALONE, THREE, Case
from calibration.rows import Row, patient_dice
from runtime.classification import StrokeClass
from runtime.planes import Plane

INCHES = (12.0, 5.0)
DPI = 120
COLOURS = {StrokeClass.IS: "#0072b2", StrokeClass.IH: "#d55e00"}
"""Told apart by colour-blind readers too (Okabe and Ito)."""
MARKERS = {Plane.AXIAL: "o", Plane.CORONAL: "s", Plane.SAGITTAL: "^"}
_LANES = {StrokeClass.IH: -0.2, StrokeClass.IS: 0.2}
"""How far a class's points lie from the middle of their row."""


def draw_table(rows: Sequence[Row], cases: Sequence[Case]) -> Figure:
    """Left a line for each row: the patients' Dice as points, mean and 95 % bootstrap interval by class. Right each
    patient once for each plane: the three projections' Dice, not closed, over the plane's own at probability 0.5.

    Patients whose mask and truth are both empty, and healthy ones, have no Dice and no point.
    """
    figure = Figure(figsize=INCHES, dpi=DPI, layout="constrained")
    table, planes = figure.subplots(1, 2, width_ratios=(1.5, 1))
    _draw_rows(table, rows, cases)
    _draw_planes(planes, cases)
    return figure


def dice_of(row: str, stroke: StrokeClass, cases: Sequence[Case]) -> dict[str, float]:
    """Dice by head: of the patients with this stroke, each the mean over the row's networks."""
    found = {case.name: patient_dice(row, case) for case in cases if case.stroke is stroke}
    return {name: float(np.mean(dice)) for name, dice in found.items() if dice}


def _draw_rows(axes: Axes, rows: Sequence[Row], cases: Sequence[Case]) -> None:
    for number, row in enumerate(rows):
        for stroke, lane in _LANES.items():
            dice, colour = list(dice_of(row.name, stroke, cases).values()), COLOURS[stroke]
            label = stroke.value if number == 0 else None
            axes.scatter(dice, [number + lane] * len(dice), s=12, color=colour, alpha=0.4, linewidth=0, label=label)
            summary = row.groups[stroke.value].dice
            if summary is None:
                continue
            axes.plot(summary.mean, number + lane, "D", color=colour, markeredgecolor="black", markersize=5)
            if summary.low is not None and summary.high is not None:
                axes.plot((summary.low, summary.high), [number + lane] * 2, color="black", linewidth=1, zorder=1)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.5, -0.5), xlabel="Dice of the patient's own class")
    axes.set_title("Each patient; diamonds: means, lines: 95 % intervals", fontsize=9)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower left", fontsize=8)


def _draw_planes(axes: Axes, cases: Sequence[Case]) -> None:
    for plane, marker in MARKERS.items():
        for stroke, colour in COLOURS.items():
            alone = dice_of(f"{plane.value}, P > {ALONE:g}", stroke, cases)
            three = dice_of(THREE, stroke, cases)
            both = [name for name in alone if name in three]
            x, y = [alone[name] for name in both], [three[name] for name in both]
            label = f"{plane.value}, {stroke.value}"
            axes.scatter(x, y, s=20, marker=marker, color=colour, alpha=0.6, linewidth=0, label=label)
    axes.plot((0, 1), (0, 1), color="grey", linewidth=0.8, zorder=0)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set(xlabel=f"Dice of one plane, P > {ALONE:g}", ylabel=f"Dice of {THREE}")
    axes.set_title("Above the line, three projections are better", fontsize=9)
    axes.legend(loc="lower right", fontsize=8)
