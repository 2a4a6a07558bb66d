from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from runtime.planes import Plane
from tests.training.heads import toy_head, toy_heads
from training.config import Recipe
from training.dataset import Slices
from training.heads import open_heads, save_head
from training.loader import batches
from training.pace import Pace

RECIPE = Recipe(Plane.AXIAL, seed=1, batch=2, crop=(32, 32))
SLICES = Slices.of(toy_heads(3), RECIPE)


def test_a_batch_depends_on_the_seed_and_the_step_alone() -> None:
    whole, rest = list(batches(SLICES, range(1, 7))), list(batches(SLICES, range(4, 7)))
    for (images, targets), (again, targets_again) in zip(whole[3:], rest, strict=True):
        assert torch.equal(images, again)
        assert torch.equal(targets, targets_again)
    assert not torch.equal(whole[0][0], whole[1][0])


@pytest.mark.slow
def test_other_processes_make_the_same_batches_in_order() -> None:
    here, there = (list(batches(SLICES, range(1, 7), processes)) for processes in (0, 2))
    for (images, targets), (other_images, other_targets) in zip(here, there, strict=True):
        assert torch.equal(images, other_images)
        assert torch.equal(targets, other_targets)


def test_a_head_on_disk_goes_to_another_process_as_its_folder(tmp_path: Path) -> None:
    save_head(toy_head(7, None), tmp_path / "7")
    (head,) = open_heads(tmp_path)
    sent = pickle.dumps(head)
    assert len(sent) < 1000
    again = pickle.loads(sent)
    assert isinstance(again.hu, np.memmap)
    np.testing.assert_array_equal(again.hu, head.hu)
    in_memory = pickle.loads(pickle.dumps(toy_head(7, None)))
    np.testing.assert_array_equal(in_memory.labels, head.labels)


def test_the_pace_by_hand() -> None:
    """Two steps: 1 s for the batch and 3 s for the step, then a validation of 100 s, then 0 s and 4 s."""
    now = [0.0]
    pace = Pace(lambda: now[0])

    def slow() -> Iterator[int]:
        now[0] += 1.0
        yield 1
        yield 2

    for number in pace.over(slow()):
        now[0] += 3.0 if number == 1 else 4.0
        pace.stepped()
        now[0] += 100.0
    assert (pace.total.steps, pace.total.seconds, pace.total.waiting_seconds) == (2, 8.0, 1.0)
    assert str(pace.lap()) == "0.25 steps/s, 12.5% of it waiting for data"
    assert pace.lap().steps == 0
