from __future__ import annotations

import pytest

from appliance.outcome import Status
from appliance.wording import headline, measure_words, side_words, volume_words, words_of
from runtime.classification import Call, ClassMeasure, StrokeClass
from runtime.lesions import Lesion, Side
from tests.appliance.outcomes import completed, unfinished


def test_the_words_of_calls() -> None:
    assert headline(completed(Call.NONE)) == "No stroke detected; this does not rule out stroke"
    assert headline(completed(Call.IH)) == "Suspected intracranial haemorrhage (IH)"
    assert headline(completed(Call.IS)) == "Suspected ischaemic stroke (IS)"
    assert headline(completed(Call.INCONCLUSIVE)).startswith("Inconclusive: ")


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED])
def test_what_was_not_analysed_is_unknown_and_comes_with_the_codes_action(status: Status) -> None:
    words = words_of(outcome := unfinished(status))
    assert words.headline == "Not analysed"
    assert outcome.reason is not None
    assert words.instruction.startswith(outcome.reason.code.action)
    assert "unknown" in words.instruction


@pytest.mark.parametrize(
    ("ml", "words"), [(0, "nothing marked"), (0.01, "under 0.1 ml"), (0.05, "0.1 ml"), (12.34, "12.3 ml")]
)
def test_a_marked_volume_never_reads_as_nothing(ml: float, words: str) -> None:
    assert volume_words(ml) == words


def test_a_mean_just_above_its_cutoff_is_shown_above_it() -> None:
    assert measure_words(ClassMeasure(1.5203, 1.52, 1.0)) == "1.5203, above the cut-off 1.5200"
    assert measure_words(ClassMeasure(1.31, 1.16, 1.0)) == "1.31, above the cut-off 1.16"
    assert measure_words(ClassMeasure(1.16, 1.16, 1.0)) == "1.16, not above the cut-off 1.16"


@pytest.mark.parametrize(
    ("sides", "words"),
    [
        ([], ""),
        ([Side.LEFT, Side.LEFT], "patient’s left"),
        ([Side.RIGHT, Side.MIDLINE], "patient’s right"),
        ([Side.LEFT, Side.RIGHT], "both sides"),
        ([Side.MIDLINE], "midline"),
    ],
)
def test_sides_of_several_lesions_together(sides: list[Side], words: str) -> None:
    lesions = [Lesion(StrokeClass.IH, 1.0, side, (0, 0, 0), 0, 1) for side in sides]
    assert side_words(lesions, StrokeClass.IH) == words
    assert side_words(lesions, StrokeClass.IS) == ""
