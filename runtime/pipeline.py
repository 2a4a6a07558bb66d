"""analyse(): the method from a volume to a finding, its verbs in order. No IO, no DICOM, no choice of hardware."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.areas import those_that_count
from runtime.blocks import averaged, block_side, spread
from runtime.bundle import Spec
from runtime.classification import ClassMeasure, Finding, StrokeClass, classify
from runtime.codes import Code, Flag
from runtime.compute import Compute
from runtime.engines.base import Ensemble
from runtime.fusion import Fusion, evidence, fuse, labelled
from runtime.grid import to_grid, to_native
from runtime.head import find_head
from runtime.lesions import Lesion, find_lesions, volume_ml
from runtime.metal import metal_flags
from runtime.planes import Plane
from runtime.progress import Progress, silent
from runtime.stopwatch import Stopwatch
from runtime.volume import Volume

DISAGREEMENT_SHARE = 0.05
DISAGREEMENT_ML = 1.0
MUCH_ML = 5.0
"""Areas that don't count one by one count when they are this much together: no negative call beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All that one analysis found.

    native, native_mask: the slices as scanned; uint8 (Z, Y, X), 0 background, 1 IS, 2 IH
    grid, grid_mask: the evenly spaced grid that was analysed (the same objects where the native one was); same labels
    """

    finding: Finding
    lesions: tuple[Lesion, ...]
    native: Volume
    native_mask: NDArray[np.uint8]
    grid: Volume
    grid_mask: NDArray[np.uint8]
    flags: tuple[Flag, ...]

    @property
    def is_resampled(self) -> bool:
        return self.grid is not self.native


def analyse(
    native: Volume,
    ensemble: Ensemble,
    spec: Spec,
    compute: Compute,
    stopwatch: Stopwatch,
    flags: Iterable[Flag] = (),
    progress: Progress = silent,
) -> Analysis:
    """Analyse one head with the entered `ensemble`; `flags` are what reading it brought up.

    StudyRejected: TOO_LARGE, NOT_HEAD, NO_BRAIN. EngineError.
    """
    with compute.guarded(), stopwatch.stage("prepare"):
        grid = to_grid(native, spec.slice_spacing_mm)
        head = find_head(grid)
        within = grid.hu[head.box]
        side = block_side(grid.geometry.spacing_mm[1:], spec.pixel_mm)
        hu = compute.upload(averaged(within, side))
    with compute.guarded(), stopwatch.stage("infer"):
        fusion = fuse(hu, ensemble, spec, compute, progress)
    with compute.guarded(), stopwatch.stage("close"):
        voxel_ml = float(np.prod(grid.geometry.spacing_mm)) * side**2 / 1000
        labels, left_out = those_that_count(labelled(fusion, spec, compute), fusion.v, voxel_ml, spec, compute)
        grid_mask = np.zeros(grid.shape, dtype=np.uint8)
        grid_mask[head.box] = spread(compute.to_host(labels), side, within.shape)
        native_mask = to_native(grid_mask, grid.geometry, native)
    with compute.guarded(), stopwatch.stage("classify"):
        means = evidence(fusion, spec, compute)
        measures = {stroke: _measure(stroke, means, spec, native_mask, native) for stroke in StrokeClass}
        noticed = [
            Flag(Code.AREAS_LEFT_OUT if one.volume_ml < MUCH_ML else Code.MUCH_LEFT_OUT, str(one)) for one in left_out
        ]
        metal = metal_flags(grid.cropped(head.box))
        seen = (*flags, *head.flags, *metal, *_disagreements(fusion, voxel_ml), *noticed)
        marked = [stroke for stroke in StrokeClass if (grid_mask == stroke.label).any()]
        finding, seen = classify(measures, marked=marked, flags=seen)
        lesions = find_lesions(grid_mask, grid.geometry, native, head.midline)
    return Analysis(finding, lesions, native, native_mask, grid, grid_mask, seen)


def _measure(
    stroke: StrokeClass, means: Mapping[StrokeClass, float], spec: Spec, mask: NDArray[np.uint8], native: Volume
) -> ClassMeasure:
    planes = np.nonzero(mask == stroke.label)[0]
    return ClassMeasure(means[stroke], spec.class_cutoffs[stroke], volume_ml(planes, native.geometry))


def _disagreements(fusion: Fusion, voxel_ml: float) -> list[Flag]:
    """A class that one plane sees clearly and another hardly at all."""
    flags = []
    for stroke in StrokeClass:
        ml = {plane: fusion.plane_voxels[plane][stroke.channel] * voxel_ml for plane in Plane}
        most, least = max(ml, key=ml.__getitem__), min(ml, key=ml.__getitem__)
        if ml[most] >= DISAGREEMENT_ML and ml[least] < DISAGREEMENT_SHARE * ml[most]:
            seen = f"{stroke.value}: {most.value} {ml[most]:.1f} ml, {least.value} {ml[least]:.1f} ml."
            flags.append(Flag(Code.PLANES_DISAGREE, seen))
    return flags
