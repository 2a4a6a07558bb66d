"""The paper's plain pipeline and ours on the same study and the same weights, in turn, each in its own process."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.agreement import Agreement, agreement_of
from benchmarks.study import Size
from benchmarks.task import Answer, Task, answer_of
from benchmarks.turns import Side, alternate

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Comparison:
    """every: of how many slice batches one was computed; clock: a name in task.CLOCKS

    agreement: of ours with the reference on the whole images, both; cropped: of what the appliance really does, which
    cuts the head out first. None where not all batches were computed.
    """

    reference: Answer
    ours: Answer
    every: int
    clock: str
    agreement: Agreement | None = None
    cropped: Agreement | None = None

    @property
    def ratio(self) -> float:
        """How many times faster ours is, all stages together, without loading."""
        return self.reference.total_seconds / self.ours.total_seconds


def compare(series: Path, engines: Path, size: Size, every: int, cores: int, clock: str, scratch: Path) -> Comparison:
    """Run both on `cores` processors, ours without models compiled before; seconds are of `clock` (task.CLOCKS).

    SideFailed; ValueError where the two saw different slices.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])  # the sides inherit it
    # Threads that spin while they wait for each other would count as work.
    waiting = {"OMP_WAIT_POLICY": "passive"} if clock == "processor" else {}
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": str(cores),
        "XDG_CACHE_HOME": str(scratch),
        **waiting,
    }
    tasks = {
        module: Task(str(series), str(engines), size.width.value, every, str(scratch / f"{module}.npy"), clock)
        for module in ("reference_side", "our_side")
    }
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(Side([sys.executable, "-m", f"benchmarks.{module}", task.as_argument()], environment))
            for module, task in tasks.items()
        )
        reference, ours = map(answer_of, alternate(first, second))
    if reference.shape != ours.shape:
        raise ValueError(f"the reference saw {reference.shape}, ours {ours.shape}")
    if ours.uncropped is None:
        return Comparison(reference, ours, every, clock)
    labels = np.load(tasks["reference_side"].labels)
    agreement, cropped = (
        agreement_of(reference.finding, labels, evidence, np.load(file))
        for evidence, file in (
            (ours.uncropped, tasks["our_side"].uncropped_labels),
            (ours.finding, tasks["our_side"].labels),
        )
    )
    return Comparison(reference, ours, every, clock, agreement, cropped)
