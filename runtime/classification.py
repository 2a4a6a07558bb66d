"""V and mask to a finding: the paper's two cut-offs, and what stands in the way of a negative call.

The paper's rule: per class, the mean of V over the voxels with V > 0.9; positive above the class's cut-off. Where the
paper is silent, on both classes at once and on doubtful negatives, docs/adr/0005 decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from runtime.codes import Code, Flag


class StrokeClass(str, Enum):
    """The two classes that the networks segment, in the order of their output channels."""

    IS = "IS"
    """Ischaemic stroke."""
    IH = "IH"
    """Intracranial haemorrhage."""

    @property
    def channel(self) -> int:
        """The class's output channel: IS 0, IH 1."""
        return list(StrokeClass).index(self)

    @property
    def label(self) -> int:
        """The class's value in a segmentation: 0 is background, IS 1, IH 2."""
        return self.channel + 1


class Call(str, Enum):
    """What a completed analysis says."""

    NONE = "none"
    IS = "IS"
    IH = "IH"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class ClassMeasure:
    """One class's evidence: the mean of V over V > 0.9, its cut-off, and the mask's volume on the native slices."""

    mean: float
    cutoff: float
    volume_ml: float

    @property
    def positive(self) -> bool:
        return self.mean > self.cutoff


@dataclass(frozen=True, slots=True)
class Finding:
    """The call and the evidence for it."""

    call: Call
    measures: Mapping[StrokeClass, ClassMeasure]


NEAR_CUTOFF_SHARE = 0.03
"""A mean this close to its cut-off, as a share of the cut-off, would flip with another noise pattern."""


def classify(
    measures: Mapping[StrokeClass, ClassMeasure], *, marked: Collection[StrokeClass], flags: Iterable[Flag]
) -> tuple[Finding, tuple[Flag, ...]]:
    """The finding, and `flags` with what the decision adds to them.

    `marked`: the classes that the mask shows. A negative call stands only beside an empty mask and without any flag
    that forbids it; a call of a class that is not marked says so.
    """
    flags = list(flags)
    for stroke, measure in measures.items():
        if measure.mean and abs(measure.mean - measure.cutoff) <= NEAR_CUTOFF_SHARE * measure.cutoff:
            flags.append(Flag(Code.NEAR_CUTOFF, f"{stroke.value}: {measure.mean:.2f} against {measure.cutoff:.2f}."))
    positive = [stroke for stroke, measure in measures.items() if measure.positive]
    if positive:
        call = Call.IH if StrokeClass.IH in positive else Call.IS
        if len(positive) > 1:
            flags.append(Flag(Code.BOTH_CLASSES))
        if StrokeClass(call.value) not in marked:
            flags.append(Flag(Code.CALL_WITHOUT_MASK))
    else:
        if marked:
            flags.append(Flag(Code.MASK_WITHOUT_CALL))
        call = Call.INCONCLUSIVE if any(flag.forbids_none for flag in flags) else Call.NONE
    return Finding(call, measures), tuple(flags)
