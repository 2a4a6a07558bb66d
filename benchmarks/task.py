"""What one side of the comparison is asked to do, as its process gets it, and what it answers."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.sampling import Sample
from benchmarks.turns import Turns
from runtime.classification import StrokeClass

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""What seconds are: those that pass, or those that this process's threads have had a core, all added up. The latter
are the fairer ones on a machine that does other work, too.
"""


@dataclass(frozen=True, slots=True)
class Task:
    """series: folder of DICOM; engines: bundle folder; width: of its networks; every: of how many batches one is
    computed; labels: .npy to write, uint8 (Z, Y, X) on the native slices; clock: a name in CLOCKS.
    """

    series: str
    engines: str
    width: str
    every: int
    labels: str
    clock: str

    @property
    def uncropped_labels(self) -> str:
        """Where our side puts what it makes of the whole images."""
        return f"{self.labels}.uncropped.npy"

    def as_argument(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is called (none, IS, IH, inconclusive), and per class the mean of V over V > voxel_cutoff."""

    call: str
    means: Mapping[str, float]

    @classmethod
    def of(cls, call: str, means: Mapping[StrokeClass, float]) -> Evidence:
        return cls(call, {stroke.value: mean for stroke, mean in means.items()})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a side has to say, besides its labels.

    seconds: per stage; `infer` with what sampling left out
    load_seconds: until the networks were ready, in no stage
    peak_mib: of resident memory, loading included
    finding: of the labels; uncropped: ours, on the whole images as the reference has them, not timed
    shape: of the native slices (Z, Y, X)
    """

    seconds: Mapping[str, float]
    load_seconds: float
    peak_mib: float
    finding: Evidence
    shape: tuple[int, ...]
    backend: str
    uncropped: Evidence | None = None

    @property
    def total_seconds(self) -> float:
        return sum(self.seconds.values())


def completed(stages: Mapping[str, float], samples: Iterable[Sample]) -> dict[str, float]:
    """The stages' seconds with what was left out of `infer`."""
    return {**stages, "infer": stages["infer"] + sum(one.missing_seconds for one in samples)}


def serve(side: Callable[[Task, Turns], Answer]) -> None:
    """The main function of a side's process: one argument, the task."""
    # Libraries print what they like; the other end must hear us alone.
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    task = Task(**json.loads(sys.argv[1]))
    turns = Turns(sys.stdin, sink, CLOCKS[task.clock])
    turns.finish(asdict(side(task, turns)))


def answer_of(result: Mapping[str, Any]) -> Answer:
    """The inverse of what `serve` sends."""
    uncropped = result["uncropped"]
    return Answer(
        **{
            **result,
            "shape": tuple(result["shape"]),
            "finding": Evidence(**result["finding"]),
            "uncropped": uncropped and Evidence(**uncropped),
        }
    )


def peak_mib() -> float:
    """The most memory that this process has had resident, MiB.

    Not getrusage's ru_maxrss: Linux keeps that over exec, so it begins with the memory of the process that forked us.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
