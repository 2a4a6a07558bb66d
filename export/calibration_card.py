"""What a model card says of a calibration: the numbers, and how the heads that they were chosen on came out.

Heads that weigh differently were weighed because they differ, and so each weight has a line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from calibration.classifier import called
from calibration.document import pixel_mm_of
from runtime.classification import StrokeClass
from training.material import Material

Head = Mapping[str, Any]
"""One of calibration.json's heads."""


def calibration_lines(calibration: Mapping[str, Any]) -> list[str]:
    """Markdown, line by line, of calibration.json or of a manifest's record of it."""
    of_weight: dict[float, list[Head]] = {}
    for head in calibration["heads"]:
        of_weight.setdefault(head.get("weight", 1.0), []).append(head)
    pixel_mm = pixel_mm_of(calibration)
    about = str(Material.of_calibration(calibration))
    return [
        f"{about[0].upper()}{about[1:]}.",
        "These figures are on the heads that the numbers were chosen on.",
        "",
        f"- coefficients {calibration['coefficients']}, class cut-offs {calibration['class_cutoffs']}",
        f"- coefficients are, of those whose mean three-class Dice is within {calibration['tie']:g} of the best,",
        "  the ones with the fewest voxels in healthy heads",
        *([f"- pixels below two thirds of this are averaged to about it: {pixel_mm:g} mm"] if pixel_mm else []),
        f"- left out of the mask: areas below {calibration['smallest_lesion_ml']:g} ml, and those with a mean V below",
        f"  {calibration['area_cutoffs']}",
        f"- class right, by the cut-offs, in {calibration['accuracy']:.1%} of the heads, each counted once",
        *_weighed(of_weight),
        "",
        "| heads | healthy, called none | IS, called IS | IH, called IH | healthy, mask empty | Dice IS | Dice IH |",
        "|---|---|---|---|---|---|---|",
        *(_row(heads, calibration["class_cutoffs"]) for heads in of_weight.values()),
        "",
        "Dice: mean over the heads of the class, three planes and closing.",
    ]


def _weighed(of_weight: Mapping[float, Sequence[Head]]) -> list[str]:
    if len(of_weight) < 2:
        return []
    *first, last = (str(len(heads)) for heads in of_weight.values())
    counts = f"{', '.join(first)} and {last}"
    return [f"- for the choice of the class cut-offs, the {counts} heads in the lines below weighed the same together"]


def _row(heads: Sequence[Head], cutoffs: Mapping[str, float]) -> str:
    by_class = {stroke: [head for head in heads if head["stroke"] == (stroke and stroke.value)] for stroke in _CALLS}
    right = (_share([_called(head, cutoffs) is stroke for head in of_class]) for stroke, of_class in by_class.items())
    empty = _share([not any(head["marked_voxels"].values()) for head in by_class[None]])
    dice = (
        [head["dice"] for head in by_class[stroke] if head["dice"] is not None]
        for stroke in (StrokeClass.IS, StrokeClass.IH)
    )
    means = (f"{mean(values):.3f}" if values else "" for values in dice)
    return f"| {_named(heads)} | {' | '.join(right)} | {empty} | {' | '.join(means)} |"


_CALLS = (None, StrokeClass.IS, StrokeClass.IH)


def _called(head: Head, cutoffs: Mapping[str, float]) -> StrokeClass | None:
    return called(
        {one: head["means"][one.value] for one in StrokeClass}, {one: cutoffs[one.value] for one in StrokeClass}
    )


def _share(right: Sequence[bool]) -> str:
    return f"{sum(right)} of {len(right)}" if right else ""


def _named(heads: Sequence[Head]) -> str:
    """How many, and the phantoms' seeds."""
    seeds = [head["seed"] for head in heads if head["seed"] is not None]
    return f"{len(heads)}" + (f", seeds {min(seeds)} to {max(seeds)}" if seeds else "")
