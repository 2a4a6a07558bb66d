"""A time by which a piece of work has ended, or the process has: kept by the kernel, so that no hang outlasts it."""

from __future__ import annotations

import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """SIGALRM ends the process where the block takes longer; main thread only, and one at a time.

    A handler in Python would wait for a call into a library to come back, which is what may never be.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(math.ceil(seconds))
    try:
        yield
    finally:
        signal.alarm(0)
