"""The contract of an engine, the ensemble of them, and the checks of what they return, once for all backends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from runtime.compute import Compute
from runtime.errors import EngineError
from runtime.planes import Plane

SIZE_MULTIPLE = 32
"""Heights and widths that the networks take: the encoder halves them five times."""


@dataclass(frozen=True, slots=True)
class Backend:
    """What an engine runs on, as results report it."""

    name: str
    version: str
    precision: str
    device: str


class Engine(Protocol):
    """One network on one device. Entering allocates, leaving frees."""

    @property
    def backend(self) -> Backend: ...

    def __enter__(self) -> Engine: ...

    def __exit__(self, *exception: object) -> None: ...

    def infer(self, images: Any) -> Any:
        """Probabilities of (IS, IH) for windowed slices.

        images: float32 (N, C, H, W) in [0, 1], H and W multiples of 32. Returns float32 (N, 2, H, W) in [0, 1] of the
        same array library, good until the next call but one of any engine of the ensemble: they share two places for
        their answers. EngineError where the device fails; StudyRejected where it can't take slices of that size.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ensemble:
    """The engines of each plane; every plane has at least one."""

    members: Mapping[Plane, tuple[Engine, ...]]

    def __post_init__(self) -> None:
        missing = [plane.value for plane in Plane if not self.members.get(plane)]
        if missing:
            raise ValueError(f"no engine for {', '.join(missing)}")

    @property
    def backend(self) -> Backend:
        return self.members[Plane.AXIAL][0].backend

    @property
    def size(self) -> int:
        return sum(len(engines) for engines in self.members.values())

    @contextmanager
    def running(self) -> Iterator[Ensemble]:
        """Enter every engine, and leave all of them whatever happens."""
        with ExitStack() as stack:
            for plane in Plane:
                for engine in self.members[plane]:
                    stack.enter_context(engine)
            yield self

    def mean(self, plane: Plane, images: Any, after_each: Callable[[], None] = lambda: None) -> Any:
        """The plane's average probabilities, float32 (N, 2, H, W). EngineError where the shape is another.

        `after_each` is called when a network has answered, or on a GPU has been asked: a batch takes all of them long.
        """
        engines = self.members[plane]
        total = engines[0].infer(images)
        after_each()
        for engine in engines[1:]:
            total = total + engine.infer(images)
            after_each()
        mean = total / np.float32(len(engines))
        expected = (len(images), 2, *images.shape[2:])
        if mean.shape != expected:
            raise EngineError(f"the {plane.value} engines returned {mean.shape} where {expected} was expected")
        return mean


@dataclass(slots=True)
class Extremes:
    """The lowest and highest value of each batch of a plane, left on the device: who looks at one waits for it."""

    lows: list[Any] = field(default_factory=list)
    highs: list[Any] = field(default_factory=list)

    def add(self, mean: Any) -> None:
        """`mean` of a batch, at least one value."""
        self.lows.append(mean.min())
        self.highs.append(mean.max())

    def check(self, plane: Plane, compute: Compute) -> None:
        """EngineError where any value was no probability; NaN is none."""
        xp = compute.xp
        low, high = compute.to_host(xp.stack([xp.stack(self.lows).min(), xp.stack(self.highs).max()])).tolist()
        # Written so that NaN, which min() passes on, fails it.
        if not (-1e-3 <= low <= high <= 1 + 1e-3):
            raise EngineError(
                f"the {plane.value} engines returned values from {low} to {high}, which are no probabilities"
            )
