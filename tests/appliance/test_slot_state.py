from __future__ import annotations

import json

import pytest

from appliance.slot_state import SHIPPED, SlotState
from runtime.errors import BundleError

ONE, TWO, THREE = (f"{serial}-{serial:016x}" for serial in (1, 2, 3))


def test_the_way_of_two_updates_and_back() -> None:
    state = SlotState().staged(ONE).tried().committed()
    assert (state.active, state.retained, state.candidate) == (ONE, SHIPPED, None)
    state = state.staged(TWO)
    assert state.slots == {ONE, TWO}
    state = state.tried().committed()
    assert state.slots == {ONE, TWO}
    state = state.rolled_back()
    assert (state.active, state.retained) == (ONE, TWO)
    assert state.newest_serial(shipped=0) == 2, "what was active once bars older ones"
    assert state.rolled_back().active == TWO


def test_a_refused_candidate_changes_nothing_else() -> None:
    before = SlotState().staged(ONE).tried().committed()
    after = before.staged(TWO).tried().refusing("why")
    assert (after.active, after.retained, after.candidate) == (before.active, before.retained, None)
    assert [(one.slot, one.reason) for one in after.refused] == [(TWO, "why")]
    assert after.staged(TWO).refused == (), "whoever brings it again has it tried again"


def test_tries_are_counted_also_where_the_same_engines_are_staged_again() -> None:
    state = SlotState().staged(ONE).tried().staged(ONE)
    assert state.candidate is not None
    assert state.candidate.tries == 1
    other = state.staged(TWO).candidate
    assert other is not None
    assert other.tries == 0


def test_what_can_not_be() -> None:
    for impossible in (SlotState().rolled_back, SlotState().tried):
        with pytest.raises(BundleError):
            impossible()
    for name in ("", "../1", "1", "x-0000000000000001", f"{ONE}/.."):
        with pytest.raises(ValueError, match="no name of a slot"):
            SlotState(active=name)


def test_it_is_kept_as_it_was() -> None:
    state = SlotState().staged(ONE).tried().committed().staged(TWO).tried().refusing("why").staged(THREE)
    assert SlotState.decoded(state.encoded()) == state
    changes: list[dict[str, object]] = [{"format": 2}, {"active": "nothing"}, {"candidate": {}}, {"refused": [1]}]
    for change in changes:
        with pytest.raises(ValueError, match=r"form|slot"):
            SlotState.decoded(json.dumps({**json.loads(state.encoded()), **change}).encode())
    for content in (b"", b"[]", b"\0" * 50):
        with pytest.raises(ValueError, match=r".*"):
            SlotState.decoded(content)
