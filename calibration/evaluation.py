"""One labelled head under every row of the paper's Table 1: each plane alone, three projections, with closing.

Computes on probabilities that are there already, with the runtime's own fusion, closing, areas and decision; it reads
nothing and averages over no patients. A plane alone is measured at probability 0.5, which nobody tuned, and at its own
coefficient, which was tuned for the union of three.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.dice import dice
from calibration.probabilities import fused
from runtime.areas import those_that_count
from runtime.bundle import Spec
from runtime.classification import Call, ClassMeasure, StrokeClass, classify
from runtime.compute import Compute
from runtime.fusion import Probability, evidence, labelled
from runtime.planes import Plane
from training.heads import LabelledHead

ALONE = 0.5
THREE = "three projections"
CLOSED = "three projections + closing"
SERVED = "the same, areas that count (as served)"

Members = Mapping[Plane, Sequence[Probability]]
"""Per plane the probabilities of each of its networks."""


@dataclass(frozen=True, slots=True)
class Score:
    """One mask of one head.

    dice: of the patient's own class; None for a healthy head, and where mask and truth are both empty
    false_ml: millilitres marked as a class that the patient doesn't have
    """

    dice: float | None
    false_ml: float


@dataclass(frozen=True, slots=True)
class Case:
    """One head, evaluated.

    scores: by row, one of each network where the row is about single networks, else one
    call: the paper's, by the cut-offs alone; served: the appliance's, inconclusive where a mask contradicts 'none'
    """

    name: str
    stroke: StrokeClass | None
    scores: Mapping[str, tuple[Score, ...]]
    call: Call
    served: Call

    @property
    def truth(self) -> Call:
        """The call that would be right."""
        return Call.NONE if self.stroke is None else Call(self.stroke.value)


def evaluate_head(head: LabelledHead, members: Members, spec: Spec, compute: Compute) -> Case:
    """Score `head` in all rows. Probabilities float16 (2, Z, Y, X), on the head's own grid."""
    voxel_ml = float(np.prod(head.spacing_mm)) / 1000
    scores: dict[str, list[Score]] = {}
    for plane, networks in members.items():
        for row, mask in _alone(plane, networks, spec, compute):
            scores.setdefault(row, []).append(score(mask, head))
    fusion = fused({plane: average(networks) for plane, networks in members.items()}, spec.coefficients)
    closed = labelled(fusion, spec, compute)
    served, _ = those_that_count(closed, fusion.v, voxel_ml, spec, compute)
    means = evidence(fusion, spec, compute)
    measures = {stroke: ClassMeasure(means[stroke], spec.class_cutoffs[stroke], 0.0) for stroke in StrokeClass}
    marked = [stroke for stroke in StrokeClass if (served == stroke.label).any()]
    together = {THREE: labelled(fusion, replace(spec, closing_radius=0), compute), CLOSED: closed, SERVED: served}
    return Case(
        head.name,
        head.stroke,
        {row: tuple(of_row) for row, of_row in scores.items()}
        | {row: (score(mask, head),) for row, mask in together.items()},
        call=classify(measures, marked=(), flags=())[0].call,
        served=classify(measures, marked=marked, flags=())[0].call,
    )


def score(mask: NDArray[np.uint8], head: LabelledHead) -> Score:
    """Of a label volume (Z, Y, X), 0 background, 1 IS, 2 IH."""
    own = 0 if head.stroke is None else head.stroke.label
    false_voxels = int(((mask != own) & (mask != 0)).sum())
    return Score(
        dice=dice(mask == own, head.labels == own) if own else None,
        false_ml=false_voxels * float(np.prod(head.spacing_mm)) / 1000,
    )


def average(networks: Sequence[Probability]) -> Probability:
    """The networks' mean, summed in float32."""
    if len(networks) == 1:
        return networks[0]
    total = np.zeros(networks[0].shape, dtype=np.float32)
    for network in networks:
        total += network
    mean: Probability = (total / np.float32(len(networks))).astype(np.float16)
    return mean


def _alone(
    plane: Plane, networks: Sequence[Probability], spec: Spec, compute: Compute
) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """A plane's rows: its networks one by one where there are several, and averaged."""
    averaged = average(networks)
    for k in sorted({ALONE, spec.coefficients[plane]}):
        at_k = replace(spec, coefficients={**spec.coefficients, plane: k}, closing_radius=0)
        if len(networks) > 1:
            for network in networks:
                yield (
                    f"{plane.value}, one of {len(networks)} networks, P > {k:g}",
                    labelled(fused({plane: network}, at_k.coefficients), at_k, compute),
                )
        yield f"{plane.value}, P > {k:g}", labelled(fused({plane: averaged}, at_k.coefficients), at_k, compute)
