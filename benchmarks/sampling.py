"""Networks of which only every n-th batch is computed, so that hours of inference can be estimated in minutes.

What is left out is answered with zeros at once and added to the seconds in proportion. Everything around the networks
is done in full.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Compute = Callable[[Any], Any]
"""(N, C, H, W) to (N, 2, H, W)."""


@dataclass(slots=True)
class Sample:
    """The batches that all networks of one plane are asked for, together, and what computing some of them took.

    every: of so many batches one is computed
    warm_slices: that each network computes when it meets a shape for the first time, as far as it compiles anything
    """

    every: int
    clock: Callable[[], float]
    warm_slices: int = 0
    batches: int = 0
    images: int = 0
    computed_images: int = 0
    seconds: float = 0.0
    warm_seconds: float = 0.0
    warm_images: int = 0

    def is_next(self, images: int) -> bool:
        """Count a batch of so many images; whether it is one to compute: the middle one of each `every`."""
        number, self.batches = self.batches, self.batches + 1
        self.images += images
        return number % self.every == self.every // 2

    @property
    def missing_seconds(self) -> float:
        """What computing all images would have taken beyond what was spent.

        Warming up is kept as it was, less what its slices take once warm. ValueError where nothing was computed.
        """
        if not self.computed_images:
            raise ValueError(f"of {self.batches} batches none was computed: 1 of {self.every} is too few")
        each = self.seconds / self.computed_images
        warming = max(self.warm_seconds - each * self.warm_images, 0.0)
        return warming + each * self.images - self.seconds - self.warm_seconds


@dataclass(slots=True)
class Sampled:
    """One network, `compute`, asked for the batches that `sample` takes; `zeros` makes the other answers."""

    sample: Sample
    compute: Compute
    zeros: Callable[[tuple[int, ...]], Any]
    shapes: set[tuple[int, ...]] = field(default_factory=set)

    def __call__(self, images: Any) -> Any:
        sample = self.sample
        is_next, shape = sample.is_next(len(images)), tuple(images.shape[1:])
        if sample.warm_slices and shape not in self.shapes:
            self.shapes.add(shape)
            few = images[: sample.warm_slices]
            start = sample.clock()
            self.compute(few)
            sample.warm_seconds += sample.clock() - start
            sample.warm_images += len(few)
        if not is_next:
            return self.zeros((len(images), 2, *shape[1:]))
        start = sample.clock()
        answer = self.compute(images)
        sample.seconds += sample.clock() - start
        sample.computed_images += len(images)
        return answer
