"""Checks of a machine, one after the other: what each may ask for, what it answers, and how its failure is told.

A check is a function of the Bench. It is skipped where it asks for what is not installed, and fails where it says so or
breaks off; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from runtime.bundle import Bundle
from runtime.compute import Compute
from runtime.errors import NotInstalled, StrokeboxError
from runtime.stopwatch import Stopwatch

Row: TypeAlias = Mapping[str, str | int | float | None]
"""By column; figures that have no unit in the column's name have none."""


class Verdict(str, Enum):
    """How a check ended. measured: there was nothing to pass."""

    PASSED = "passed"
    FAILED = "FAILED"
    MEASURED = "measured"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check has to say. words: a sentence; rows: of its table, all with the same columns."""

    verdict: Verdict
    words: str
    rows: tuple[Row, ...] = ()

    @classmethod
    def of(cls, passed: bool, words: str, rows: Sequence[Row] = ()) -> Answer:
        return cls(Verdict.PASSED if passed else Verdict.FAILED, words, tuple(rows))


@dataclass(frozen=True, slots=True)
class Bench:
    """What checks work with.

    device: the Compute that is checked; pytorch: the name of PyTorch's device, cuda. Where there is none, the error
    that says why stands in its place.
    clock: seconds
    """

    device: Compute | StrokeboxError
    pytorch: str | StrokeboxError
    bundle: Bundle
    clock: Callable[[], float]

    @property
    def compute(self) -> Compute:
        """NotInstalled where something is not, EngineError where it does not work."""
        if isinstance(self.device, StrokeboxError):
            raise self.device
        return self.device

    @property
    def torch(self) -> str:
        """As `compute`."""
        if isinstance(self.pytorch, StrokeboxError):
            raise self.pytorch
        return self.pytorch


@dataclass(frozen=True, slots=True)
class Check:
    """name: what the command line calls it; title: what it asks."""

    name: str
    title: str
    run: Callable[[Bench], Answer]


@dataclass(frozen=True, slots=True)
class Result:
    """A check's answer, and how long it took to give it."""

    name: str
    title: str
    answer: Answer
    seconds: float


def run_checks(checks: Sequence[Check], bench: Bench, told: Callable[[Result], None]) -> tuple[Result, ...]:
    """All of them, in order; `told` hears of each when it is done."""
    results = []
    for check in checks:
        stopwatch = Stopwatch(bench.clock)
        with stopwatch.stage(check.name):
            answer = _answer(check, bench)
        results.append(Result(check.name, check.title, answer, stopwatch.seconds[check.name]))
        told(results[-1])
    return tuple(results)


def _answer(check: Check, bench: Bench) -> Answer:
    try:
        if isinstance(bench.device, StrokeboxError):
            return check.run(bench)
        with bench.device.guarded():
            return check.run(bench)
    except NotInstalled as error:
        return Answer(Verdict.SKIPPED, str(error))
    except (StrokeboxError, RuntimeError, MemoryError, ImportError) as error:  # PyTorch's are RuntimeErrors
        return Answer(Verdict.FAILED, f"broke off: {type(error).__name__}: {error}")
