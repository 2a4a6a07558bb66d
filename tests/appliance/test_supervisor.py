from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

import pytest

from appliance.pulse import Pulse
from appliance.stop import stopping
from appliance.supervisor import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, STEADY_SECONDS, Child, supervise
from runtime.errors import ConfigurationError


@dataclass
class FakeProcess:
    """Runs until it is told or made to end; a stubborn one only by kill."""

    stubborn: bool = False
    code: int | None = None
    asked: list[str] = field(default_factory=list)
    pid: int = 17

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        if self.code is None:
            raise subprocess.TimeoutExpired("fake", timeout or 0)
        return self.code

    def terminate(self) -> None:
        self.asked.append("terminate")
        if not self.stubborn:
            self.code = -15

    def kill(self) -> None:
        self.asked.append("kill")
        self.code = -9


@dataclass
class Starter:
    """Makes a process a call."""

    stubborn: bool = False
    started: list[FakeProcess] = field(default_factory=list)

    def __call__(self) -> FakeProcess:
        self.started.append(FakeProcess(self.stubborn))
        return self.started[-1]


@dataclass
class Heard:
    """Nothing of a child for `silent` seconds."""

    silent: float | None = None
    begun: int = 0

    def begin(self, now: float) -> None:
        self.begun += 1

    def silent_seconds(self, child: int, now: float) -> float | None:
        assert child == FakeProcess.pid
        return self.silent

    def close(self) -> None: ...


def pauses(lives: list[float]) -> list[float]:
    """Between the end of each life and the next start, to a tenth."""
    start = Starter()
    child = Child("child", start, Heard())
    now, found = 0.0, []
    child.keep_up(now)
    for life in lives:
        now += life
        start.started[-1].code = 1
        child.keep_up(now)
        ended, count = now, len(start.started)
        while len(start.started) == count:
            now += 0.01
            child.keep_up(now)
        found.append(round(now - ended, 1))
    return found


def test_pauses_grow_to_a_limit_while_it_keeps_failing() -> None:
    found = pauses([0.1] * 8)
    assert found == sorted(found)
    assert found[0] >= 2 * FIRST_PAUSE_SECONDS
    assert found[-1] == LONGEST_PAUSE_SECONDS


def test_a_child_that_lived_long_is_back_at_once() -> None:
    assert pauses([0.1, 0.1, 0.1, STEADY_SECONDS])[-1] == FIRST_PAUSE_SECONDS


def test_a_child_that_is_set_up_wrongly_from_the_start_ends_it_all() -> None:
    one, two = Starter(), Starter()

    class Failing:
        """A Stop during whose sleep the second child fails."""

        requested = False

        @staticmethod
        def wait(_seconds: float) -> None:
            two.started[0].code = ConfigurationError.exit_code

    with pytest.raises(ConfigurationError, match="two can't start"):
        supervise([Child("one", one, Heard()), Child("two", two, Heard())], Failing())  # type: ignore[arg-type]  # all it asks of a Stop
    assert one.started[0].asked == ["terminate"]
    assert two.started[0].asked == []


def test_a_child_that_started_well_once_is_started_again_whatever_it_ends_with() -> None:
    start = Starter()
    child = Child("child", start, Heard())
    child.keep_up(0.0)
    for now in (STEADY_SECONDS, STEADY_SECONDS + 1):
        start.started[-1].code = ConfigurationError.exit_code
        child.keep_up(now)
        child.keep_up(now + LONGEST_PAUSE_SECONDS)
    assert len(start.started) == 3


def test_where_no_process_can_be_started_it_is_tried_again() -> None:
    failures = [OSError(11, "Resource temporarily unavailable")] * 2

    def start() -> FakeProcess:
        if failures:
            raise failures.pop()
        return process

    process = FakeProcess()
    child = Child("child", start, Heard())
    for now in range(10):
        child.keep_up(now)
    child.ask_to_end()
    assert process.asked == ["terminate"]


def test_a_running_child_is_left_alone() -> None:
    start = Starter()
    child = Child("child", start, Heard())
    for now in range(100):
        child.keep_up(now)
    assert len(start.started) == 1
    assert start.started[0].asked == []


def test_a_child_that_is_silent_for_too_long_is_killed_and_started_again() -> None:
    start, heard = Starter(stubborn=True), Heard()
    child = Child("child", start, heard)
    child.keep_up(0.0)
    child.keep_up(60.0)
    heard.silent = 46.0
    child.keep_up(61.0)
    heard.silent = None
    assert start.started[0].asked == ["kill"]
    child.keep_up(61.1)  # sees that it has ended
    child.keep_up(61.1 + FIRST_PAUSE_SECONDS)
    assert len(start.started) == 2
    assert start.started[1].asked == []


def test_a_hung_process_is_replaced() -> None:
    """A real one, which gets ready, shows signs of life, and hangs."""
    code = "from appliance.notify import Notifier; import os, time; told = Notifier(os.environ); told.ready()\n"
    code += "for _ in range(3): told.alive(); time.sleep(1)\ntime.sleep(1e6)"
    pulse, started = Pulse(2.0), []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", code]
        started.append((subprocess.Popen(command, env={**os.environ, **pulse.environment}), time.monotonic()))
        return started[-1][0]

    child = Child("child", start, pulse)
    deadline = time.monotonic() + 60
    while len(started) < 2:
        assert time.monotonic() < deadline
        child.keep_up(time.monotonic())
        time.sleep(0.05)
    child.ask_to_end()
    child.end(10)
    assert started[0][0].returncode == -signal.SIGKILL
    assert started[1][1] - started[0][1] > 4  # not while it showed signs of life


def test_all_are_started_and_asked_to_end() -> None:
    one, two = Starter(), Starter(stubborn=True)
    with stopping() as stop:

        class Until:
            """A Stop that requests the end once both have started."""

            wait = staticmethod(stop.wait)

            @property
            def requested(self) -> bool:
                return bool(one.started and two.started)

        supervise([Child("one", one, Heard()), Child("two", two, Heard())], Until())  # type: ignore[arg-type]  # all it asks of a Stop
    assert one.started[0].asked == ["terminate"]
    assert two.started[0].asked == ["terminate", "kill"]
