from __future__ import annotations

import pytest

from runtime.classification import Call, ClassMeasure, StrokeClass, classify
from runtime.codes import Code, Flag

PARTIAL = Flag(Code.PARTIAL_COVERAGE)
TILT = Flag(Code.GANTRY_TILT)


def measures(ischaemia: float, haemorrhage: float) -> dict[StrokeClass, ClassMeasure]:
    return {
        StrokeClass.IS: ClassMeasure(ischaemia, 1.16, 0.0),
        StrokeClass.IH: ClassMeasure(haemorrhage, 1.52, 0.0),
    }


@pytest.mark.parametrize(
    ("ischaemia", "haemorrhage", "marked", "flags", "call", "added"),
    [
        (0.0, 0.0, False, (), Call.NONE, []),
        (0.0, 0.0, False, (TILT,), Call.NONE, []),
        (1.5, 0.0, True, (), Call.IS, []),
        (0.0, 2.0, True, (PARTIAL,), Call.IH, []),
        (1.5, 2.0, True, (), Call.IH, [Code.BOTH_CLASSES]),
        (1.0, 1.0, True, (), Call.INCONCLUSIVE, [Code.MASK_WITHOUT_CALL]),
        (0.0, 0.0, False, (PARTIAL,), Call.INCONCLUSIVE, []),
        (1.5, 0.0, False, (), Call.IS, [Code.CALL_WITHOUT_MASK]),
        (1.14, 0.0, False, (), Call.NONE, [Code.NEAR_CUTOFF]),
        (1.16, 0.0, False, (), Call.NONE, [Code.NEAR_CUTOFF]),  # a cut-off is exceeded, not reached
    ],
)
def test_every_row_of_the_decision(
    ischaemia: float, haemorrhage: float, marked: bool, flags: tuple[Flag, ...], call: Call, added: list[Code]
) -> None:
    finding, seen = classify(measures(ischaemia, haemorrhage), anything_marked=marked, flags=flags)
    assert finding.call is call
    assert [flag.code for flag in seen] == [flag.code for flag in flags] + added


@pytest.mark.parametrize("code", list(Code))
def test_a_code_that_only_rejects_can_be_no_flag(code: Code) -> None:
    can_flag = any("shown on the report" in effect.value for effect in code.effects)
    if can_flag:
        assert Flag(code).message.startswith(code.message)
    else:
        with pytest.raises(ValueError, match="can't be a flag"):
            Flag(code)
