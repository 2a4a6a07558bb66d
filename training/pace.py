"""How fast a run steps, and how much of that time it waits for data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class Laps:
    """steps, the seconds that they took, and how many of these went by waiting for their data."""

    steps: int = 0
    seconds: float = 0.0
    waiting_seconds: float = 0.0

    def __add__(self, other: Laps) -> Laps:
        return Laps(
            self.steps + other.steps,
            self.seconds + other.seconds,
            self.waiting_seconds + other.waiting_seconds,
        )

    @property
    def steps_per_second(self) -> float:
        return self.steps / self.seconds if self.seconds else 0.0

    @property
    def waiting_share(self) -> float:
        return self.waiting_seconds / self.seconds if self.seconds else 0.0

    def __str__(self) -> str:
        return f"{self.steps_per_second:.2f} steps/s, {self.waiting_share:.1%} of it waiting for data"


class Pace:
    """Measures steps between the asking for a batch and `stepped`; validations in between don't count.

    clock: seconds, such as time.monotonic. A GPU is given steps ahead: a lap of many is right, one step not.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._asked = self._got = clock()
        self._lap = Laps()
        self.total = Laps()

    def over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The same batches, with the time that each was waited for."""
        self._asked = self._clock()
        for batch in batches:
            self._got = self._clock()
            yield batch
            self._asked = self._clock()

    def stepped(self) -> None:
        """The step of the batch last given has ended."""
        step = Laps(1, self._clock() - self._asked, self._got - self._asked)
        self._lap, self.total = self._lap + step, self.total + step

    def lap(self) -> Laps:
        """What was measured since the last call."""
        lap, self._lap = self._lap, Laps()
        return lap
