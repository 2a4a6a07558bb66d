"""Stop: asked to end by a signal or by the parent's death, and a sleep that both of them and new files cut short."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(Exception):  # a request, not an error
    """Raised at a safe point of a long step, because the process was asked to end."""


def _nobody_asks() -> None:
    """Whether the process is alive."""


class Stop:
    """Made by `stopping()`. `requested` is looked at between steps; nothing is torn down in a signal handler."""

    def __init__(self, read_end: int, write_end: int, supervisor: int | None, alive: Callable[[], None]) -> None:
        self._read_end, self._write_end = read_end, write_end
        self._supervisor, self._alive = supervisor, alive
        self.signalled: tuple[signal.Signals, float] | None = None
        """The first signal that came, and when (time.monotonic)."""

    @property
    def requested(self) -> bool:
        """Whether a signal came, or the supervisor is gone: its successor starts processes of its own."""
        return self.signalled is not None or self._supervisor not in (None, os.getppid())

    def check(self) -> None:
        """For the safe points of a long step, each a sign of life: raises Stopped where the end was requested."""
        self._alive()
        if self.requested:
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Sleep until `seconds` have passed, somebody called `wake`, or a signal came."""
        self._alive()
        if not self.requested and select.select([self._read_end], [], [], seconds)[0]:
            os.read(self._read_end, 65536)

    def wake(self) -> None:
        """End the sleep now, or the next one; from any thread."""
        try:
            os.write(self._write_end, b"w")
        except BlockingIOError:
            pass  # so many have called that the pipe is full: it wakes

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.signalled = self.signalled or (signal.Signals(number), time.monotonic())


@contextmanager
def stopping(
    supervisor: int | None = None, alive: Callable[[], None] = _nobody_asks, *, is_last: bool = False
) -> Iterator[Stop]:
    """Take over SIGTERM and SIGINT for the block; main thread only. `supervisor` is the parent's process id, `alive`
    is called whenever the process comes to a safe point.

    SIGIO is ignored: it says that a read lease of ours is wanted back, and would end the process. Where the block
    `is_last`, the others are, too, from its end to that of the process: more of them must not spoil a clean end.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    os.set_blocking(write_end, False)
    stop = Stop(read_end, write_end, supervisor, alive)
    old_wakeup = signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    old = {number: signal.signal(number, stop._on_signal) for number in SIGNALS}
    old[signal.SIGIO] = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, signal.SIG_IGN if is_last else handler)
        signal.set_wakeup_fd(old_wakeup)
        os.close(read_end)
        os.close(write_end)
