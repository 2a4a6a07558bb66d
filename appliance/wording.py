"""The words in which a result is told: of a call, of its classes, of what to do. JSON and PDF take them from here only.

Three rules: no wording says or suggests that a patient is healthy; what was not analysed is said to be unknown; each
headline comes with what the reader should do now. The words of codes are in runtime/codes.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from appliance.outcome import Outcome, Status
from runtime.classification import Call, ClassMeasure, StrokeClass
from runtime.lesions import Lesion, Side, side_of

INTENDED_USE = "Research use only. Not a medical device. Not for diagnosis or treatment decisions."


@dataclass(frozen=True, slots=True)
class Words:
    """A result in a headline, and what to do about it."""

    headline: str
    instruction: str


_AT_ONCE = "Call the physician on duty now and have the images read at once."
_CALLS: Mapping[Call, Words] = MappingProxyType(
    {
        Call.IH: Words("Suspected intracranial haemorrhage (IH)", _AT_ONCE),
        Call.IS: Words("Suspected ischaemic stroke (IS)", _AT_ONCE),
        Call.NONE: Words(
            "No stroke detected; this does not rule out stroke",
            "Have the images read as usual. Early and small strokes are missed: with symptoms, act on the symptoms.",
        ),
        Call.INCONCLUSIVE: Words(
            "Inconclusive: stroke neither found nor ruled out",
            "Have the images read by a physician now; do not rely on this result.",
        ),
    }
)

NOT_ANALYSED = "Not analysed"
UNKNOWN = "Whether this patient has a stroke is unknown. Do not wait for this box: have the images read by a physician."
_STATUS: Mapping[Status, str] = MappingProxyType(
    {
        Status.REJECTED: "This study can’t be analysed as it is.",
        Status.FAILED: "The box failed; the images may be usable.",
    }
)

CLASS_NAMES: Mapping[StrokeClass, str] = MappingProxyType(
    {StrokeClass.IH: "Haemorrhage (IH)", StrokeClass.IS: "Ischaemia (IS)"}
)
"""In the order in which they are shown: the more urgent first."""
_SIDES: Mapping[Side, str] = MappingProxyType(
    {
        Side.LEFT: "patient’s left",
        Side.RIGHT: "patient’s right",
        Side.MIDLINE: "midline",
        Side.BILATERAL: "both sides",
    }
)


def words_of(outcome: Outcome) -> Words:
    """The headline and the instruction of any outcome."""
    if outcome.analysis is not None:
        return _CALLS[outcome.analysis.finding.call]
    action = outcome.reason.code.action if outcome.reason else ""
    return Words(NOT_ANALYSED, f"{action} {UNKNOWN}".lstrip())


def headline(outcome: Outcome) -> str:
    """The result in one line."""
    return words_of(outcome).headline


def status_words(status: Status) -> str:
    """Whose fault it is that there is no finding; empty where there is one."""
    return _STATUS.get(status, "")


def volume_words(volume_ml: float) -> str:
    """Millilitres with one decimal, and never 0 for something that was marked."""
    if volume_ml <= 0:
        return "nothing marked"
    return "under 0.1 ml" if volume_ml < 0.05 else f"{volume_ml:.1f} ml"


def side_words(lesions: Iterable[Lesion], stroke: StrokeClass) -> str:
    """The side of all lesions of one class together; empty where there are none."""
    side = side_of(lesions, stroke)
    return _SIDES[side] if side else ""


def measure_words(measure: ClassMeasure) -> str:
    """The measured mean of V against its cut-off; two decimals, or four where two would hide which is larger."""
    digits = 2 if (round(measure.mean, 2) > round(measure.cutoff, 2)) == measure.positive else 4
    relation = "above" if measure.positive else "not above"
    return f"{measure.mean:.{digits}f}, {relation} the cut-off {measure.cutoff:.{digits}f}"
