"""`python -m benchmarks.reference_side TASK`: the paper's plain pipeline (benchmarks/reference.py) in a process."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from benchmarks import reference
from benchmarks.sampling import Sample, Sampled
from benchmarks.task import Answer, Evidence, Task, completed, peak_mib, serve
from benchmarks.turns import Turns
from runtime.bundle import open_bundle
from runtime.planes import Plane
from runtime.stopwatch import Stopwatch
from training.model import Width


def reference_side(task: Task, turns: Turns) -> Answer:
    """One series through the reference."""
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    start = turns.clock()
    bundle = open_bundle(Path(task.engines))
    networks = reference.load(bundle, Width(task.width))
    samples: dict[Plane, Sample] = {}
    if task.every > 1:
        samples = {plane: Sample(task.every, turns.clock) for plane in Plane}
        networks = {plane: [Sampled(samples[plane], one, torch.zeros) for one in networks[plane]] for plane in Plane}
    load_seconds = turns.clock() - start
    turns.give(0.0)
    stopwatch = Stopwatch(turns.clock)
    reading = reference.run(Path(task.series), networks, bundle.manifest.spec, stopwatch, turns.progress)
    np.save(task.labels, reading.labels)
    return Answer(
        seconds=completed(stopwatch.seconds, samples.values()),
        load_seconds=load_seconds,
        peak_mib=peak_mib(),
        finding=Evidence.of(reading.call, reading.means),
        shape=reading.labels.shape,
        backend=f"PyTorch {torch.__version__} eager, f32",
    )


if __name__ == "__main__":
    serve(reference_side)
