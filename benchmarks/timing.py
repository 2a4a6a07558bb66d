"""Seconds of work on a device, which returns before it is done: each try ends with a wait for it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tries:
    """How often something is done to time it, and how often before that to warm up. Of the tries the median counts."""

    timed: int = 20
    warm: int = 3

    def seconds(self, work: Callable[[], object], wait: Callable[[], object], clock: Callable[[], float]) -> float:
        """Of one `work` and the `wait` for it."""
        taken = []
        for _ in range(self.warm + self.timed):
            wait()
            start = clock()
            work()
            wait()
            taken.append(clock() - start)
        return statistics.median(taken[self.warm :])
