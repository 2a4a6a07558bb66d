from __future__ import annotations

from dataclasses import replace

from appliance.inbox import Drop, Entry
from appliance.readiness import Readiness, Ready
from runtime.codes import Code

DROP = Drop("ct", (Entry("ct/a", 10, 1, 1),))


def looks(readiness: Readiness, *seen: tuple[float, Drop]) -> list[list[Ready]]:
    return [readiness.look({drop.name: drop}, now) for now, drop in seen]


def test_quiet_for_long_enough_and_over_three_looks() -> None:
    seen = looks(Readiness(10, 100), (0, DROP), (5, DROP), (9.9, DROP), (10, DROP))
    assert seen == [[], [], [], [Ready(DROP)]]
    seen = looks(Readiness(10, 100), (0, DROP), (20, DROP), (20.1, DROP))
    assert seen == [[], [], [Ready(DROP)]]


def test_each_change_begins_the_wait_anew() -> None:
    grown = replace(DROP, entries=(*DROP.entries, Entry("ct/b", 1, 1, 2)))
    seen = looks(Readiness(10, 100), (0, DROP), (5, DROP), (9, grown), (15, grown), (18.9, grown), (19, grown))
    assert seen[-2:] == [[], [Ready(grown)]]


def test_a_slow_copy_never_starts_early() -> None:
    readiness = Readiness(3, 10_000)
    for second in range(300):
        growing = replace(DROP, entries=tuple(Entry(f"ct/{n}", 1, 1, n) for n in range(second + 1)))
        assert readiness.look({"ct": growing}, second) == []


def test_names_of_copies_in_progress_wait_until_patience_ends() -> None:
    copying = replace(DROP, is_temporary=True)
    seen = looks(Readiness(10, 100), (0, copying), (50, copying), (99, copying), (100, copying))
    assert seen == [[], [], [], [Ready(copying, is_partial=True)]]


def test_the_marker_makes_two_looks_enough() -> None:
    whole = replace(DROP, is_complete=True)
    assert looks(Readiness(10, 100), (0, whole), (0.1, whole)) == [[], [Ready(whole)]]


def test_a_copy_in_progress_beside_the_marker_still_waits() -> None:
    both = replace(DROP, is_complete=True, is_temporary=True)
    assert looks(Readiness(10, 100), (0, both), (20, both), (30, both)) == [[], [], []]


def test_an_empty_folder_is_never_ready() -> None:
    empty = Drop("ct", ())
    assert looks(Readiness(0, 10), (0, empty), (20, empty), (40, empty), (60, empty)) == [[], [], [], []]


def test_refused_drops_settle_too() -> None:
    odd = Drop("ct", (), refusal=Code.UNSAFE_FILES)
    assert looks(Readiness(1, 100), (0, odd), (1, odd), (2, odd)) == [[], [], [Ready(odd)]]


def test_a_drop_that_went_and_came_is_a_new_one() -> None:
    readiness = Readiness(10, 100)
    looks(readiness, (0, DROP), (5, DROP))
    assert readiness.look({}, 8) == []
    assert looks(readiness, (9, DROP), (12, DROP), (18, DROP), (19, DROP)) == [[], [], [], [Ready(DROP)]]


def test_forgotten_drops_begin_anew() -> None:
    readiness = Readiness(0, 100)
    assert looks(readiness, (0, DROP), (1, DROP), (2, DROP))[-1] == [Ready(DROP)]
    readiness.forget("ct")
    assert looks(readiness, (3, DROP)) == [[]]


def test_an_unfinished_drop_is_to_be_quiet_again_but_its_patience_goes_on() -> None:
    readiness = Readiness(10, 100)
    looks(readiness, (0, DROP), (5, DROP), (60, DROP))
    readiness.wait_again("ct", 60, is_unfinished=True)
    assert looks(readiness, (65, DROP), (69, DROP), (70, DROP)) == [[], [], [Ready(DROP)]]
    grown = replace(DROP, entries=(Entry("ct/a", 11, 2, 1),))
    assert looks(readiness, (99, grown), (100, DROP)) == [[], [Ready(DROP, is_partial=True)]]
    readiness.wait_again("ct", 100)
    assert looks(readiness, (102, grown), (110, DROP)) == [[], [Ready(DROP, is_partial=True)]]
    assert looks(readiness, (120, DROP), (130, DROP))[-1] == [Ready(DROP, is_partial=True)]


def test_a_drop_that_could_not_be_taken_for_our_own_reasons_does_not_become_partial() -> None:
    readiness = Readiness(10, 100)
    looks(readiness, (0, DROP), (5, DROP), (60, DROP))
    readiness.wait_again("ct", 60)
    assert looks(readiness, (190, DROP), (200, DROP))[-1] == [Ready(DROP)]


def test_patience_begins_with_the_first_file() -> None:
    assert looks(Readiness(10, 100), (0, Drop("ct", ())), (200, DROP), (205, DROP)) == [[], [], []]
