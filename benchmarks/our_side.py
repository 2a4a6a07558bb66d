"""`python -m benchmarks.our_side TASK`: what `strokebox analyse` does, from files to finding, without the report.

The process imports what the appliance imports and no more, so that its memory is the appliance's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from appliance.analyse import Request, running
from appliance.case import Setup, conclude
from appliance.prepared import prepare, reader
from benchmarks.sampling import Sample, Sampled
from benchmarks.task import Answer, Evidence, Task, completed, peak_mib, serve
from benchmarks.turns import Turns
from runtime.classification import ClassMeasure, StrokeClass, classify
from runtime.engines.base import Backend, Engine, Ensemble
from runtime.fusion import evidence, fuse, labelled
from runtime.planes import Plane
from runtime.volume import Volume

WARM_SLICES = 2
"""One for each of the engine's requests on two cores: a new shape makes it allocate and compile again."""


def our_side(task: Task, turns: Turns) -> Answer:
    """One series through the appliance's own steps. RuntimeError where it was not analysed."""
    start = turns.clock()
    request = Request(Path(task.series), Path(task.labels).parent, Path(task.engines), allow_unsigned=True)
    with running(request) as of_bundle:
        # The reference takes pixels as they are scanned, which is the paper's way and more work: so it is here.
        setup = replace(of_bundle, spec=replace(of_bundle.spec, pixel_mm=0.0))
        load_seconds = turns.clock() - start
        ensemble, samples = setup.ensemble, dict[Plane, Sample]()
        if task.every > 1:
            samples = {plane: Sample(task.every, turns.clock, WARM_SLICES) for plane in Plane}
            ensemble = _sampled(ensemble, samples)
        turns.give(0.0)
        prepared = prepare(request.drop, replace(reader(), clock=turns.clock), turns.progress)
        outcome = conclude(prepared, replace(setup, ensemble=ensemble, clock=turns.clock), turns.progress)
        peak = peak_mib()
        backend, analysis = ensemble.backend, outcome.analysis
        if analysis is None:
            raise RuntimeError(f"the study was not analysed: {outcome.reason}")
        uncropped = None if samples else _uncropped(analysis.grid, setup, Path(task.uncropped_labels))
    np.save(task.labels, analysis.native_mask)
    finding = analysis.finding
    return Answer(
        seconds=completed(outcome.seconds, samples.values()),
        load_seconds=load_seconds,
        peak_mib=peak,
        finding=Evidence.of(finding.call.value, {stroke: measure.mean for stroke, measure in finding.measures.items()}),
        shape=analysis.native_mask.shape,
        backend=f"{backend.name} {backend.version}, {backend.precision}",
        uncropped=uncropped,
    )


def _uncropped(grid: Volume, setup: Setup, labels_file: Path) -> Evidence:
    """The same steps on the whole images: networks see other borders there, and answer a little differently."""
    fusion = fuse(setup.compute.upload(grid.hu), setup.ensemble, setup.spec, setup.compute)
    labels = setup.compute.to_host(labelled(fusion, setup.spec, setup.compute))
    np.save(labels_file, labels)
    means = evidence(fusion, setup.spec, setup.compute)
    measures = {stroke: ClassMeasure(means[stroke], setup.spec.class_cutoffs[stroke], 0.0) for stroke in StrokeClass}
    marked = [stroke for stroke in StrokeClass if (labels == stroke.label).any()]
    finding, _ = classify(measures, marked=marked, flags=())
    return Evidence.of(finding.call.value, means)


@dataclass(frozen=True, slots=True)
class _SampledEngine:
    """See runtime.engines.base.Engine: one that is entered already, and not asked for all batches."""

    engine: Engine
    sampled: Sampled

    @property
    def backend(self) -> Backend:
        return self.engine.backend

    def __enter__(self) -> _SampledEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def infer(self, images: Any) -> Any:
        return self.sampled(images)


def _sampled(ensemble: Ensemble, samples: Mapping[Plane, Sample]) -> Ensemble:
    """The entered `ensemble` with each engine sampled."""
    return Ensemble(
        {
            plane: tuple(
                _SampledEngine(one, Sampled(samples[plane], one.infer, _zeros)) for one in ensemble.members[plane]
            )
            for plane in Plane
        }
    )


def _zeros(shape: tuple[int, ...]) -> Any:
    return np.zeros(shape, dtype=np.float32)


if __name__ == "__main__":
    serve(our_side)
