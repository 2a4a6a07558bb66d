from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from benchmarks.turns import Side, SideFailed, Turns, alternate

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, time
from benchmarks.turns import Turns
turns = Turns(sys.stdin, sys.stdout, time.perf_counter)
pieces = int(sys.argv[1])
turns.give(0.0)
for piece in range(pieces):
    print(sys.argv[2], file=sys.stderr, flush=True)
    if sys.argv[2] == "broken":
        raise SystemExit(3)
    turns.progress("slices", piece + 1, pieces)
turns.finish({"pieces": pieces})
"""


def side(pieces: int, name: str = "") -> Side:
    return Side([sys.executable, "-c", SCRIPT, str(pieces), name], {**os.environ, "PYTHONPATH": str(ROOT)})


class Clock:
    """Ten seconds pass between any two looks at it."""

    seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 10
        return self.seconds


def test_the_clock_stands_still_while_the_other_side_computes() -> None:
    sink = io.StringIO()
    turns = Turns(io.StringIO("\n"), sink, Clock())
    assert turns.clock() == 10
    turns.progress("slices", 1, 4)
    turns.progress("files", 1, 4)
    assert turns.clock() == 30  # the fourth look, less the ten seconds between the two around the waiting
    assert [json.loads(line) for line in sink.getvalue().splitlines()] == [{"done": 0.25}]


def test_a_side_ends_when_nobody_listens_any_more() -> None:
    with pytest.raises(EOFError):
        Turns(io.StringIO(), io.StringIO(), Clock()).give(0.5)


def test_the_side_that_has_done_less_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    with side(4, "four") as four, side(2, "two") as two:
        results = alternate(four, two)
    assert results == ({"pieces": 4}, {"pieces": 2})
    assert capfd.readouterr().err.split() == ["four", "two", "four", "four", "two", "four"]


def test_a_side_that_breaks_ends_the_benchmark() -> None:
    with side(2) as whole, side(2, "broken") as broken, pytest.raises(SideFailed, match="exit code 3"):
        alternate(whole, broken)
