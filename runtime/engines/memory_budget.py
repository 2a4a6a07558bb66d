"""How much of a GPU's memory an analysis may take, and how many slices at a time that makes: estimates.

A Jetson's memory is also the system's, the reader's and the worker's own, so that half of it is ours: of 8 GB that is
what a full ensemble needs for a head of 320 slices. A GPU with memory of its own is the worker's, but for a little.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from runtime.engines.gpu import Gpu
from runtime.engines.memory_plan import MemoryPlan

_log = logging.getLogger(__name__)
SHARE = 0.9
SHARE_OF_SHARED = 0.5


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """batch: the most slices at a time; pool: bytes for a study's arrays; plan: the estimate that both come from."""

    batch: int
    pool: int
    plan: MemoryPlan


def memory_budget(gpu: Gpu, batch: int, estimate: Callable[[int], MemoryPlan]) -> MemoryBudget:
    """`batch` slices at a time, or the largest half, quarter ... of it that fits; one where none does.

    estimate: the memory plan for so many slices, and a study of STUDY_VOXELS. A larger study is tried, and goes wrong
    where it does not fit.
    """
    ours = int(gpu.memory * (SHARE_OF_SHARED if gpu.shares_memory else SHARE))
    plan = estimate(batch)
    while plan.total > ours and batch > 1:
        batch //= 2
        plan = estimate(batch)
    if plan.total > ours:
        _log.warning("%s may be too small: %s", gpu, plan)
    return MemoryBudget(batch, max(ours - (plan.total - plan.volume), plan.volume), plan)
