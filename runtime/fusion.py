"""Probabilities of three planes to V and a mask, slice batch by slice batch: no plane's volume is ever kept.

METHOD, 'From predictions to a segmentation': a voxel is stroke where in at least one projection the average
prediction exceeds that projection's coefficient k; V = sum over projections of P / k.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.compute import CPU, Compute
from runtime.engines.base import SIZE_MULTIPLE, Ensemble, Extremes
from runtime.planes import Plane
from runtime.progress import Progress, silent
from runtime.windows import Windows, windowed

BATCH_SLICES = 8
Probability = NDArray[np.float16]
"""float16 (2, Z, Y, X) in [0, 1], classes (IS, IH)."""


@dataclass(frozen=True, slots=True, eq=False)
class Fusion:
    """The three planes' evidence; channels (IS, IH), arrays of the Compute's library.

    v: float32 (2, Z, Y, X)
    votes: bool (2, Z, Y, X), any plane above its k
    plane_voxels: how many voxels are above k, per plane and class
    """

    v: Any
    votes: Any
    plane_voxels: Mapping[Plane, tuple[int, int]]


def fuse(hu: Any, ensemble: Ensemble, spec: Spec, compute: Compute, progress: Progress = silent) -> Fusion:
    """Run all planes of `hu`, int16 (Z, Y, X) in HU, through the entered `ensemble`; `progress` counts slices,
    and is told of each network of a batch.

    EngineError as the engines raise it.
    """
    xp = compute.xp
    v = xp.zeros((len(StrokeClass), *hu.shape), dtype=xp.float32)
    votes = xp.zeros(v.shape, dtype=bool)
    above = xp.zeros((len(Plane), len(StrokeClass)), dtype=xp.int64)
    done = 0

    def told() -> None:
        progress("slices", done, sum(hu.shape))

    for plane in Plane:
        k = spec.coefficients[plane]
        plane_v, plane_votes = plane.slices(v), plane.slices(votes)
        for batch, probability in probabilities(hu, plane, ensemble, spec.windows, compute, told):
            plane_v[:, batch] += probability / k
            voted = probability > k
            plane_votes[:, batch] |= voted
            above[plane.axis] += voted.sum(axis=(1, 2, 3))
            done += probability.shape[1]
            told()
    counts = zip(Plane, compute.to_host(above).tolist(), strict=True)
    return Fusion(v, votes, {plane: (ischaemia, haemorrhage) for plane, (ischaemia, haemorrhage) in counts})


def probabilities(
    hu: Any,
    plane: Plane,
    ensemble: Ensemble,
    windows: Windows,
    compute: Compute,
    after_each: Callable[[], None] = lambda: None,
) -> Iterator[tuple[slice, Any]]:
    """One plane's average probabilities, batch by batch: (which slices, float32 (2, n, H, W)).

    Slices are padded to the multiples that the networks take with the lowest value, and the padding is cut off again.
    EngineError as the engines raise it, and after the last batch where any of them held no probabilities.
    """
    slices, extremes = plane.slices(hu), Extremes()
    for start in range(0, len(slices), BATCH_SLICES):
        batch = slice(start, start + BATCH_SLICES)
        images = windowed(slices[batch], windows, compute.xp)
        height, width = images.shape[2:]
        padding = [(0, 0), (0, 0), (0, -height % SIZE_MULTIPLE), (0, -width % SIZE_MULTIPLE)]
        mean = ensemble.mean(plane, compute.xp.pad(images, padding), after_each)
        extremes.add(mean)
        yield batch, mean[:, :, :height, :width].swapaxes(0, 1)
    extremes.check(plane, compute)


def plane_probability(
    hu: NDArray[np.int16], plane: Plane, ensemble: Ensemble, windows: Windows, compute: Compute = CPU
) -> Probability:
    """The plane's average probability for `hu`, int16 (Z, Y, X), by the entered `ensemble`; `compute` fits it."""
    probability = np.empty((len(StrokeClass), *hu.shape), dtype=np.float16)
    into = plane.slices(probability)
    for batch, mean in probabilities(compute.upload(hu), plane, ensemble, windows, compute):
        into[:, batch] = compute.to_host(mean)
    return probability


def labelled(fusion: Fusion, spec: Spec, compute: Compute) -> Any:
    """Votes closed per class, then one label a voxel: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH; the larger V wins."""
    xp = compute.xp
    ischaemia, haemorrhage = (
        compute.close(fusion.votes[stroke.channel], spec.closing_radius) for stroke in StrokeClass
    )
    haemorrhage_wins = haemorrhage & ~(ischaemia & (fusion.v[0] > fusion.v[1]))
    # Typed, so that no array of a whole volume is wider than its labels.
    IS, IH = (xp.uint8(stroke.label) for stroke in StrokeClass)
    return xp.where(haemorrhage_wins, IH, ischaemia * IS)


def evidence(fusion: Fusion, spec: Spec, compute: Compute) -> dict[StrokeClass, float]:
    """Per class the mean of V over the voxels above the voxel cut-off, 0 where there is none; summed in float64."""
    xp, means = compute.xp, {}
    for stroke in StrokeClass:
        v = fusion.v[stroke.channel].ravel()
        # By their numbers, since CuPy numbers all voxels of a mask that it indexes with.
        strong = v[xp.flatnonzero(v > spec.voxel_cutoff)]
        means[stroke] = float(compute.to_host(strong.mean(dtype=xp.float64))) if strong.size else 0.0
    return means
