"""A whole study of the paper's size on a device, whichever engine runs the networks: where the time goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from benchmarks.study import SEED, Size
from export.untrained import PAPER_COEFFICIENTS, PAPER_CUTOFFS, WINDOWS
from phantom.synthesis import synthesise
from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.compute import Compute
from runtime.engines.base import Ensemble
from runtime.pipeline import analyse
from runtime.planes import Plane
from runtime.stopwatch import Stopwatch
from runtime.volume import Volume

SPEC = Spec(
    WINDOWS,
    slice_spacing_mm=1.0,
    coefficients=PAPER_COEFFICIENTS,
    closing_radius=3,
    voxel_cutoff=0.9,
    class_cutoffs=PAPER_CUTOFFS,
    smallest_lesion_ml=0.1,
    area_cutoffs=dict.fromkeys(StrokeClass, 0.0),
)


def study_of(size: Size) -> Volume:
    """The phantom that is analysed."""
    return synthesise(SEED, StrokeClass.IH, spacing_mm=size.spacing_mm).volume


class Spans(Protocol):
    """What times the networks' calls."""

    @property
    def seconds(self) -> float:
        """Of all calls so far, when the last one is over."""
        ...


def study_row(
    volume: Volume, running: Ensemble, compute: Compute, spans: Spans, clock: Callable[[], float]
) -> dict[str, float]:
    """Seconds by stage, and the share that was spent outside the networks, whose calls `spans` times."""
    stopwatch = Stopwatch(clock)
    analyse(volume, running, SPEC, compute, stopwatch)
    total, networks = sum(stopwatch.seconds.values()), spans.seconds
    return {
        **{f"{stage}, s": seconds for stage, seconds in stopwatch.seconds.items()},
        "total, s": total,
        "in networks, s": networks,
        "share outside": (total - networks) / total,
    }


def study_words(volume: Volume, size: Size, counts: Mapping[Plane, int]) -> str:
    counted, shape = "+".join(str(counts[plane]) for plane in Plane), "x".join(map(str, volume.shape))
    return f"{shape} voxels, {counted} networks of width {size.width.value}, untrained: the mask means nothing."
