"""Linear and shape-based interpolation against the truth: thin labels, thinned out to thick slices and carried back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from runtime.classification import StrokeClass
from runtime.volume import Geometry
from training.heads import LabelledHead
from training.interpolation import Interpolation, interpolated
from training.labels.volume import LabelVolume

THICK_MM: Mapping[StrokeClass, float] = {StrokeClass.IS: 5.0, StrokeClass.IH: 3.0}
"""What the paper's labels were drawn on."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One method on one head: Dice against the thin labels, and the labelled volume as a share of theirs."""

    stroke: StrokeClass
    method: Interpolation
    dice: float
    volume_share: float


def compare(head: LabelledHead) -> list[Compared]:
    """Both methods on a head with stroke, of its own class, from every n-th slice as far apart as the paper's."""
    stroke = head.stroke
    assert stroke is not None
    truth = np.asarray(head.labels == stroke.label)
    every = max(1, round(THICK_MM[stroke] / head.spacing_mm[0]))
    kept = np.arange(every // 2, len(truth), every)
    fine = Geometry.axis_aligned((len(truth), truth.shape[1], truth.shape[2]), head.spacing_mm)
    thick = Geometry(fine.origins[kept], fine.x_step, fine.y_step)
    drawn = LabelVolume(truth[kept].astype(np.uint8) * np.uint8(stroke.label), thick)
    found = []
    for method in Interpolation:
        carried = interpolated(drawn, fine, (truth.shape[1], truth.shape[2]), method) > 0
        dice = 2 * float((carried & truth).sum()) / float(carried.sum() + truth.sum())
        found.append(Compared(stroke, method, dice, float(carried.sum() / truth.sum())))
    return found


def table(compared: Sequence[Compared]) -> str:
    """Means by class and method, as Markdown."""
    lines = ["| class | slices | method | heads | Dice | volume |", "|---|---|---|---|---|---|"]
    for stroke in StrokeClass:
        for method in Interpolation:
            of = [one for one in compared if (one.stroke, one.method) == (stroke, method)]
            if of:
                means = np.mean([one.dice for one in of]), np.mean([one.volume_share for one in of])
                lines.append(
                    f"| {stroke.value} | {THICK_MM[stroke]:g} mm | {method.value} | {len(of)} "
                    f"| {means[0]:.3f} | {means[1]:.3f} |"
                )
    return "\n".join(lines)
