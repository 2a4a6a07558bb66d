from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.engines.memory_budget import memory_budget
from runtime.engines.memory_plan import MemoryPlan
from tests.fake_cuda import CARD, GIB, ORIN

MIB = 1 << 20


def estimate(batch: int) -> MemoryPlan:
    """Ten full-size networks and a head, in MiB; what grows with the batch is 100 + 20 for a slice."""
    return MemoryPlan(690 * MIB, 100 * batch * MIB, 20 * batch * MIB, 1200 * MIB, 1024 * MIB)


@pytest.mark.parametrize(
    ("gibibytes", "shares_memory", "batch", "pool_mib"),
    [
        (8, True, 8, 4096 - 690 - 960 - 1024),  # 3874 MiB of 4096
        (7, True, 4, 3584 - 690 - 480 - 1024),  # 3874 don't fit, 3394 do
        (6.2, True, 2, 3174 - 690 - 240 - 1024),
        (4, False, 4, 3686 - 690 - 480 - 1024),
        (16, False, 8, 14745 - 690 - 960 - 1024),
    ],
)
def test_as_many_slices_as_fit_and_the_rest_for_arrays(
    gibibytes: float, shares_memory: bool, batch: int, pool_mib: int
) -> None:
    gpu = replace(ORIN, memory=int(gibibytes * GIB), shares_memory=shares_memory)
    budget = memory_budget(gpu, 8, estimate)
    assert (budget.batch, budget.pool // MIB) == (batch, pool_mib)
    assert budget.plan == estimate(batch)


def test_what_does_not_fit_at_all_is_tried_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    budget = memory_budget(replace(CARD, memory=2 * GIB), 8, estimate)
    assert (budget.batch, budget.pool) == (1, 1200 * MIB)
    assert "A card (compute capability 8.9) may be too small: Device memory, an estimate" in caplog.text
