from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.sampling import Sample, Sampled

Floats32 = NDArray[np.float32]


class Clock:
    """Stands still but for what is added."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Network:
    """Takes 2 seconds a slice, and 10 more for each shape that it has not met; answers with ones."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slices = 0
        self.shapes: set[tuple[int, ...]] = set()

    def __call__(self, images: Floats32) -> Floats32:
        self.slices += len(images)
        self.clock.seconds += 2.0 * len(images) + 10.0 * (images.shape[1:] not in self.shapes)
        self.shapes.add(images.shape[1:])
        return np.ones((len(images), 2, *images.shape[2:]), np.float32)


def zeros(shape: tuple[int, ...]) -> Any:
    return np.zeros(shape, np.float32)


def images(count: int) -> Floats32:
    return np.zeros((count, 1, 4, 5), np.float32)


def test_the_middle_batch_of_each_is_computed_and_the_others_are_zeros() -> None:
    network = Network(clock := Clock())
    sampled = Sampled(Sample(4, clock), network, zeros)
    answers = [sampled(images(3)) for _ in range(8)]
    assert [bool(answer.any()) for answer in answers] == [False, False, True, False] * 2
    assert all(answer.shape == (3, 2, 4, 5) for answer in answers)
    assert network.slices == 6


def test_what_was_left_out_is_added_by_the_slice() -> None:
    network = Network(clock := Clock())
    network.shapes.add((1, 4, 5))
    sample = Sample(4, clock)
    sampled = Sampled(sample, network, zeros)
    for count in (3, 3, 3, 3, 1):
        sampled(images(count))
    assert clock() + sample.missing_seconds == pytest.approx(13 * 2.0)


def test_warming_up_counts_once_for_each_network_and_is_not_multiplied() -> None:
    clock, sample = Clock(), Sample(6, Clock())
    sample.clock = clock
    networks = [Sampled(sample, Network(clock), zeros) for _ in range(2)]
    sample.warm_slices = 2
    for _ in range(6):
        for network in networks:
            network(images(3))
    assert clock() + sample.missing_seconds == pytest.approx(2 * 10.0 + 2 * 18 * 2.0)


def test_an_estimate_from_nothing_is_refused() -> None:
    sample = Sample(100, Clock())
    Sampled(sample, Network(Clock()), zeros)(images(1))
    with pytest.raises(ValueError, match="none was computed"):
        _ = sample.missing_seconds
