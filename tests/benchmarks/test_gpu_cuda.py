"""What engines ask of CUDA, asked of stand-ins: one that does it all, and some that don't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.checks import Answer, Bench, Verdict
from benchmarks.gpu_cuda import check_cuda
from runtime.errors import OutOfDeviceMemory
from tests.fake_cuda import FakeBuffer, FakeCuda, FakeGraph

NO_BENCH = cast(Bench, None)


@dataclass
class Later:
    """A graph of whatever was captured."""

    work: Callable[[], None]

    def launch(self) -> None:
        self.work()


@dataclass(eq=False)
class Card(FakeCuda):
    """The arrays of the host, under CuPy's names."""

    xp: Any = field(default_factory=lambda: SimpleNamespace(**vars(np), asnumpy=np.array))

    def captured(self, work: Callable[[], None]) -> FakeGraph:
        return cast(FakeGraph, Later(work))


class Eager(Card):
    """Does what it should only note."""

    def captured(self, work: Callable[[], None]) -> FakeGraph:
        work()
        return super().captured(work)


class Leaking(Card):
    """Memory that was given back is not to be had again."""

    def memory(self) -> tuple[int, int]:
        free, total = super().memory()
        return free - self.calls.count("allocate") * (1 << 20), total


class Endless(Card):
    """Says yes to any size."""

    def allocate(self, size: int) -> FakeBuffer:
        return super().allocate(min(size, self.capacity))


class Full(Card):
    """Has room for nothing."""

    def allocate(self, size: int) -> FakeBuffer:
        raise OutOfDeviceMemory(f"{size} bytes are not to be had.")


def asked(cuda: Card) -> Answer:
    return check_cuda(NO_BENCH, lambda: cuda)


def test_a_card_that_does_it_all_passes() -> None:
    answer = asked(Card())
    assert answer.verdict is Verdict.PASSED
    assert {row["right"] for row in answer.rows} == {"yes"}


@pytest.mark.parametrize(
    ("cuda", "wrong"),
    [
        (Eager(), "a graph adds up, five times"),
        (Leaking(), "memory is given back"),
        (Endless(), "too much memory is refused, and work goes on"),
    ],
)
def test_a_card_that_does_not_fails_there(cuda: Card, wrong: str) -> None:
    answer = asked(cuda)
    assert answer.verdict is Verdict.FAILED
    assert [row["asked"] for row in answer.rows if row["right"] != "yes"] == [wrong]


def test_an_error_is_an_answer_and_the_others_are_asked() -> None:
    answer = asked(Full())
    assert answer.verdict is Verdict.FAILED
    told = {row["asked"]: row["right"] for row in answer.rows}
    assert told["one array of CuPy over memory of PyCUDA"] == "NO: 4194304 bytes are not to be had."
    assert told["arrays of any size arrive, three times each"] == "yes"
