"""V and mask to a finding: the paper's two cut-offs, and what stands in the way of a negative call.

The paper's rule (section on the clinical experiment): per class, the mean of V over the voxels with V > 0.9; positive above the class's cut-off. The
paper is silent on both classes at once and on doubtful negatives; those rules are in docs/adr/0005.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


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
    """One class's evidence: the mean of V over V > 0.9 against its cut-off, and the mask's volume on the native slices."""

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
