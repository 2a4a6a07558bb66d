"""Batches made ahead of their steps, by torch's DataLoader in processes of their own.

The batch of a step is the same whoever makes it (training/dataset.py), so neither the number of processes nor where a
run was resumed changes what it sees.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from training.dataset import Slices

AHEAD = 4
"""Batches that each process keeps ready."""


class _Steps(Dataset[tuple[Tensor, Tensor]]):
    """The batch of every step."""

    def __init__(self, slices: Slices) -> None:
        self.slices = slices

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        return self.slices.batch(self.slices.rng(step))


def batches(slices: Slices, steps: range, processes: int = 0, pinned: bool = False) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of `steps` in order, see Slices.batch; with 0 processes made when they are asked for.

    pinned: in memory that a GPU reads by itself. RuntimeError where a process failed.
    """
    loader = DataLoader(
        _Steps(slices),
        batch_size=None,
        sampler=steps,
        num_workers=processes,
        prefetch_factor=AHEAD if processes else None,
        multiprocessing_context="spawn" if processes else None,
        pin_memory=pinned,
    )
    yield from loader
