"""The three planes' probabilities of a whole head, before any coefficient: what calibration chooses numbers from.

Walks a head as the appliance's fusion does, but keeps every plane apart, in half precision: about 250 MB for a head.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from runtime.engines.base import Ensemble
from runtime.fusion import Fusion, Probability, plane_probability
from runtime.planes import Plane
from runtime.windows import Windows
from training.heads import LabelledHead

OfHead: TypeAlias = Callable[[LabelledHead], Mapping[Plane, Probability]]
"""Where the probabilities of a head come from: computed now, kept on disk, or a test's own."""


def member_probabilities(
    hu: NDArray[np.int16], ensemble: Ensemble, windows: Windows
) -> dict[Plane, tuple[Probability, ...]]:
    """The same of each network by itself, in the ensemble's order."""
    return {
        plane: tuple(
            plane_probability(hu, plane, Ensemble({**ensemble.members, plane: (engine,)}), windows)
            for engine in ensemble.members[plane]
        )
        for plane in Plane
    }


@dataclass(frozen=True, slots=True)
class Computed:
    """An OfHead that runs the entered `ensemble` each time."""

    ensemble: Ensemble
    windows: Windows

    def __call__(self, head: LabelledHead) -> dict[Plane, Probability]:
        return {plane: plane_probability(head.hu, plane, self.ensemble, self.windows) for plane in Plane}


@dataclass(frozen=True, slots=True)
class Kept:
    """An OfHead that asks another one once a head and keeps the answer in `scratch`, an empty folder, by the head's
    name."""

    computed: OfHead
    scratch: Path

    def __call__(self, head: LabelledHead) -> dict[Plane, Probability]:
        files = {plane: self.scratch / f"{head.name}-{plane.value}.npy" for plane in Plane}
        if not all(file.exists() for file in files.values()):
            for plane, probability in self.computed(head).items():
                np.save(files[plane], probability)
        return {plane: np.load(file, mmap_mode="r") for plane, file in files.items()}


def fused(planes: Mapping[Plane, Probability], coefficients: Mapping[Plane, float]) -> Fusion:
    """What runtime.fusion.fuse makes of the same probabilities; of one plane or two as well."""
    v = np.zeros(next(iter(planes.values())).shape, dtype=np.float32)
    votes = np.zeros(v.shape, dtype=np.bool_)
    plane_voxels = {}
    for plane, probability in planes.items():
        k = np.float32(coefficients[plane])
        v += probability / k
        voted = probability > k
        votes |= voted
        plane_voxels[plane] = (int(voted[0].sum()), int(voted[1].sum()))
    return Fusion(v, votes, plane_voxels)
