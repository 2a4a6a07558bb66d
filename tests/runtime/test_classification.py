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
        (0.0, 0.0, "", (), Call.NONE, []),
        (0.0, 0.0, "", (TILT,), Call.NONE, []),
        (1.5, 0.0, "IS", (), Call.IS, []),
        (0.0, 2.0, "IH", (PARTIAL,), Call.IH, []),
        (1.5, 2.0, "IS IH", (), Call.IH, [Code.BOTH_CLASSES]),
        (1.0, 1.0, "IS", (), Call.INCONCLUSIVE, [Code.MASK_WITHOUT_CALL]),
        (0.0, 0.0, "", (PARTIAL,), Call.INCONCLUSIVE, []),
        (1.5, 0.0, "", (), Call.IS, [Code.CALL_WITHOUT_MASK]),
        (1.0, 2.0, "IS", (), Call.IH, [Code.CALL_WITHOUT_MASK]),  # the other class is marked
        (1.14, 0.0, "", (), Call.NONE, [Code.NEAR_CUTOFF]),
        (1.16, 0.0, "", (), Call.NONE, [Code.NEAR_CUTOFF]),  # a cut-off is exceeded, not reached
    ],
)
def test_every_row_of_the_decision(
    ischaemia: float, haemorrhage: float, marked: str, flags: tuple[Flag, ...], call: Call, added: list[Code]
) -> None:
    finding, seen = classify(
        measures(ischaemia, haemorrhage), marked=[StrokeClass(name) for name in marked.split()], flags=flags
    )
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
