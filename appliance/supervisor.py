"""`strokebox serve` without a role: both roles as child processes, started anew whenever one ends.

Under systemd the roles are units of their own and this module has nothing to do. It holds no state: what the children
need to go on is on disk.
"""

from __future__ import annotations

import logging
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from appliance.logs import about
from appliance.stop import Stop
from runtime.errors import ConfigurationError

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
STEADY_SECONDS = 10.0
"""A child that lived this long has started well; the next pause is short again."""
END_SECONDS = 12.0
"""A child has this long to come to a safe point when the service ends."""

log = logging.getLogger(__name__)


class Process(Protocol):
    """What is asked of a child; subprocess.Popen is one."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Heartbeat(Protocol):
    """What is heard of a child; appliance.pulse.Pulse is one."""

    def begin(self, now: float) -> None: ...

    def silent_seconds(self, child: int, now: float) -> float | None: ...

    def close(self) -> None: ...


class Child:
    """One role's process, which `start` starts, and when to start it again. Silent for too long it is killed."""

    def __init__(self, name: str, start: Callable[[], Process], pulse: Heartbeat) -> None:
        self._name, self._start, self._pulse = name, start, pulse
        self._process: Process | None = None
        self._started = 0.0
        self._pause = FIRST_PAUSE_SECONDS
        self._next_start = 0.0
        self._was_steady = False

    def keep_up(self, now: float) -> None:
        """Start it where it does not run and the pause is over; where no process can be started, later.

        ConfigurationError where it ends for that reason and never started well: nothing that time would mend.
        """
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                self._end_if_hung(self._process, now)
                return
            steady = now - self._started >= STEADY_SECONDS
            self._was_steady |= steady
            if code == ConfigurationError.exit_code and not self._was_steady:
                self._process = None
                raise ConfigurationError(f"The {self._name} can't start; it has said why.")
            self._pause = FIRST_PAUSE_SECONDS if steady else min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            self._next_start = now + self._pause
            self._process = None
            log.warning(
                "%s ended with %d; it starts again in %.1f s", self._name, code, self._pause, extra=about("ended")
            )
        if now >= self._next_start:
            self._started = now
            self._pulse.begin(now)
            try:
                self._process = self._start()
            except OSError as error:
                self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
                self._next_start = now + self._pause
                log.warning("%s can't be started: %s", self._name, error.strerror, extra=about("not started"))

    def _end_if_hung(self, process: Process, now: float) -> None:
        silent = self._pulse.silent_seconds(process.pid, now)
        if silent is not None:
            log.warning("%s made no progress for %d s and is killed", self._name, silent, extra=about("role hangs"))
            self._pulse.begin(now)
            process.kill()

    def ask_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def end(self, seconds: float) -> None:
        """Wait for it, and kill it after `seconds`: what it was at is done anew next time."""
        self._pulse.close()
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            log.warning("%s did not end in time and is killed", self._name, extra=about("killed"))
            self._process.kill()
            self._process.wait()


def supervise(children: Sequence[Child], stop: Stop, poll_seconds: float = 0.1) -> None:
    """Keep all of them up until `stop`, then end them within END_SECONDS. ConfigurationError where one can't start."""
    try:
        while not stop.requested:
            for child in children:
                child.keep_up(time.monotonic())
            stop.wait(poll_seconds)
    finally:
        for child in children:
            child.ask_to_end()
        deadline = time.monotonic() + END_SECONDS
        for child in children:
            child.end(deadline - time.monotonic())
