"""On a GPU with TensorRT: the engines as the box runs them. Do they compute what the networks do, and how fast?

Plans are built for the occasion, which takes NVIDIA's own TensorRT minutes for each of the paper's networks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.checks import Answer, Bench, Row, Verdict
from benchmarks.gpu_parity import golden_rows
from benchmarks.gpu_study import study_of, study_row, study_words
from benchmarks.gpu_torch import HEAD, MIB, Load
from benchmarks.study import SIZES, Size
from export.untrained import PAPER_COUNTS, write_random_bundle
from runtime.bundle import Bundle
from runtime.compute import Compute
from runtime.engines.base import Backend, Engine, Ensemble
from runtime.engines.loading import find_nvidia
from runtime.engines.memory_plan import bundle_memory
from runtime.engines.on_gpu import Nvidia, on_gpu
from runtime.engines.plans import Plans
from runtime.engines.tensorrt_build import BuildOptions
from runtime.errors import NotInstalled
from runtime.planes import Plane
from training.model import Width

Find = Callable[[], Nvidia]
Counts = Mapping[Plane, int]


def check_tensorrt_golden(bench: Bench, find: Find = find_nvidia) -> Answer:
    """The bundle's networks as TensorRT runs them, against its float32 reference, within its tolerance."""
    nvidia = _found(find)
    with _folder() as folder, _running(bench.bundle, nvidia, folder) as (running, compute):
        rows = golden_rows(bench, running, compute)
    return Answer.of(bool(rows), f"{nvidia.tensorrt}: {len(rows)} planes of golden cases within the tolerance.", rows)


def check_tensorrt_speed(
    bench: Bench, load: Load = HEAD, widths: Sequence[Width] = tuple(Width), find: Find = find_nvidia
) -> Answer:
    """Milliseconds a slice of the bundle's networks and of the paper's, launched one by one and as CUDA graphs."""
    nvidia, rows = _found(find), list[Row]()
    with _folder() as folder:
        for width in widths:
            bundle = _bundle(bench, width, folder, dict.fromkeys(Plane, 1))
            for graphs in (False, True):
                with _running(bundle, nvidia, folder, graphs=graphs) as (running, compute):
                    about: Row = {"network": width.value, "launched": "as a graph" if graphs else "one by one"}
                    rows += [{**about, **row} for row in _timed(bench, bundle, running, compute, nvidia, load)]
    words = f"{nvidia.tensorrt}. The median of {load.tries.timed} batches each, after {load.tries.warm} to warm up."
    return Answer(Verdict.MEASURED, words, tuple(rows))


def check_tensorrt_study(
    bench: Bench, size: Size = SIZES["full"], counts: Counts = PAPER_COUNTS, find: Find = find_nvidia
) -> Answer:
    """A whole study with the paper's ensemble: seconds by stage, and the memory in use beside the estimate of it."""
    nvidia, volume, rows = _found(find), study_of(size), list[Row]()
    with _folder() as folder:
        bundle = write_random_bundle(size.width, folder / "study", counts)
        estimate = bundle_memory(bundle, BuildOptions().workspace_mib).total
        with _running(bundle, nvidia, folder) as (running, compute):
            for run in ("first", "second"):  # the first warms up
                spans = CallTimes(nvidia.cuda.synchronise, bench.clock)
                row = study_row(volume, _spanned(running, spans), compute, spans, bench.clock)
                free, memory = nvidia.cuda.memory()
                measured = {"in use, MiB": (memory - free) / MIB, "estimated, MiB": estimate / MIB}
                rows.append({"run": run, **row, **measured})
    words = f"{nvidia.tensorrt}. {study_words(volume, size, counts)} In use is all of the device's memory that is."
    return Answer(Verdict.MEASURED, words, tuple(rows))


def _found(find: Find) -> Nvidia:
    try:
        return find()
    except NotInstalled as error:
        raise NotInstalled(f"no TensorRT. {error}") from error


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _bundle(bench: Bench, width: Width, folder: Path, counts: Counts) -> Bundle:
    return bench.bundle if width is Width.SMALL else write_random_bundle(width, folder / width.value, counts)


@contextmanager
def _running(
    bundle: Bundle, nvidia: Nvidia, folder: Path, *, graphs: bool = False
) -> Iterator[tuple[Ensemble, Compute]]:
    ensemble, compute = on_gpu(bundle, nvidia, Plans.within(folder), graphs=graphs)
    with ensemble.running() as running:
        yield running, compute


def _timed(
    bench: Bench, bundle: Bundle, running: Ensemble, compute: Compute, nvidia: Nvidia, load: Load
) -> Iterator[Row]:
    channels, rng = len(bundle.manifest.spec.windows), np.random.default_rng(0)
    for plane, size in load.sizes.items():
        engine = running.members[plane][0]
        for batch in load.batches:
            images = compute.upload(rng.random((batch, channels, *size), dtype=np.float32))
            seconds = load.tries.seconds(partial(engine.infer, images), nvidia.cuda.synchronise, bench.clock)
            yield {
                "plane": plane.value,
                "size": f"{size[0]}x{size[1]}",
                "batch": batch,
                "ms a slice": seconds * 1000 / batch,
            }


@dataclass(slots=True)
class CallTimes:
    """How long calls took that begin and end with a wait for the device. The waits cost a little themselves."""

    wait: Callable[[], None]
    clock: Callable[[], float]
    seconds: float = field(default=0.0)

    def timed(self, work: Callable[[], Any]) -> Any:
        self.wait()
        start = self.clock()
        answer = work()
        self.wait()
        self.seconds += self.clock() - start
        return answer


@dataclass(frozen=True, slots=True)
class _Spanned:
    """An engine that is entered already, and timed."""

    engine: Engine
    spans: CallTimes

    @property
    def backend(self) -> Backend:
        return self.engine.backend

    def __enter__(self) -> _Spanned:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def infer(self, images: Any) -> Any:
        return self.spans.timed(lambda: self.engine.infer(images))


def _spanned(running: Ensemble, spans: CallTimes) -> Ensemble:
    return Ensemble(
        {plane: tuple(_Spanned(engine, spans) for engine in engines) for plane, engines in running.members.items()}
    )
