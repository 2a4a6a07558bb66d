"""A row of 20 voxels of 0.01 ml, the first four haemorrhage: every mask and figure can be written down."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from calibration.evaluation import CLOSED, SERVED, THREE, Score, average, evaluate_head
from runtime.bundle import Spec
from runtime.classification import Call, StrokeClass
from runtime.compute import cpu
from runtime.fusion import Probability
from runtime.planes import Plane
from training.heads import LabelledHead

IS, IH = StrokeClass.IS, StrokeClass.IH
SHAPE = (1, 1, 20)
SPEC = Spec(
    windows=((0.0, 80.0),),
    slice_spacing_mm=1.0,
    coefficients=dict.fromkeys(Plane, 0.6),
    closing_radius=3,
    voxel_cutoff=0.9,
    class_cutoffs={IS: 1.2, IH: 1.2},
    smallest_lesion_ml=0.02,
    area_cutoffs={IS: 0.0, IH: 0.0},
)


def head(stroke: StrokeClass | None) -> LabelledHead:
    labels = np.zeros(SHAPE, np.uint8)
    labels[..., :4] = stroke.label if stroke else 0
    return LabelledHead(1, stroke, (10.0, 1.0, 1.0), np.zeros(SHAPE, np.int16), labels)


def network(haemorrhage: Mapping[int, float], ischaemia: Mapping[int, float] | None = None) -> Probability:
    """Probabilities by voxel, elsewhere 0."""
    probability = np.zeros((2, *SHAPE), np.float16)
    for channel, values in enumerate((ischaemia or {}, haemorrhage)):
        for voxel, value in values.items():
            probability[channel, 0, 0, voxel] = value
    return probability


MEMBERS = {
    Plane.AXIAL: (network({0: 0.9, 1: 0.9}, {10: 0.55}),),
    Plane.CORONAL: (network({3: 1.0}), network({3: 0.3})),
    Plane.SAGITTAL: (network({19: 0.9}),),
}


def test_every_row_by_hand() -> None:
    scores = evaluate_head(head(IH), MEMBERS, SPEC, cpu()).scores
    dice = {row: [score.dice for score in of_row] for row, of_row in scores.items()}
    assert dice == {
        "axial, P > 0.5": [pytest.approx(2 * 2 / 6)],
        "axial, P > 0.6": [pytest.approx(2 * 2 / 6)],
        "coronal, one of 2 networks, P > 0.5": [pytest.approx(2 * 1 / 5), 0.0],
        "coronal, P > 0.5": [pytest.approx(2 * 1 / 5)],
        "coronal, one of 2 networks, P > 0.6": [pytest.approx(2 * 1 / 5), 0.0],
        "coronal, P > 0.6": [pytest.approx(2 * 1 / 5)],
        "sagittal, P > 0.5": [0.0],
        "sagittal, P > 0.6": [0.0],
        THREE: [pytest.approx(2 * 3 / 8)],  # voxels 0, 1, 3 and 19
        CLOSED: [pytest.approx(2 * 4 / 9)],  # and 2, between them
        SERVED: [1.0],  # without 19, which is too small
    }
    assert list(dice)[-3:] == [THREE, CLOSED, SERVED]


def test_the_other_class_is_counted_in_millilitres_and_costs_no_dice() -> None:
    scores = evaluate_head(head(IH), MEMBERS, SPEC, cpu()).scores
    assert scores["axial, P > 0.5"] == (Score(2 / 3, 0.01),)  # voxel 10, IS
    assert scores["axial, P > 0.6"] == (Score(2 / 3, 0.0),)
    assert evaluate_head(head(IS), MEMBERS, SPEC, cpu()).scores[CLOSED] == (Score(0.0, 0.05),)


def test_a_healthy_head_has_no_dice_and_every_mark_is_false() -> None:
    case = evaluate_head(head(None), MEMBERS, SPEC, cpu())
    assert case.scores[CLOSED] == (Score(None, 0.05),)
    assert case.truth is Call.NONE


def test_empty_against_empty_has_no_dice() -> None:
    nothing = {plane: (network({}),) for plane in Plane}
    unlabelled = LabelledHead(2, IH, (10.0, 1.0, 1.0), np.zeros(SHAPE, np.int16), np.zeros(SHAPE, np.uint8))
    case = evaluate_head(unlabelled, nothing, SPEC, cpu())
    assert set(case.scores.values()) == {(Score(None, 0.0),)}
    assert evaluate_head(head(IH), nothing, SPEC, cpu()).scores[CLOSED] == (Score(0.0, 0.0),)


def test_the_call_follows_the_cutoffs_and_the_appliance_doubts_a_mask_beside_none() -> None:
    """V of IH is 1.5 at three voxels and 1.08 at one: a mean of 1.4."""
    assert evaluate_head(head(IH), MEMBERS, SPEC, cpu()).call is Call.IH
    faint = {plane: (network({0: 0.61, 1: 0.61}),) for plane in Plane}
    faint[Plane.CORONAL] = faint[Plane.SAGITTAL] = (network({}),)
    case = evaluate_head(head(IH), faint, SPEC, cpu())
    assert (case.call, case.served) == (Call.NONE, Call.INCONCLUSIVE)


def test_networks_are_averaged_and_a_single_one_is_left_as_it_is() -> None:
    one, other = network({0: 1.0}), network({0: 0.5, 1: 0.5})
    assert average([one]) is one
    assert average([one, other])[1, 0, 0, :3].tolist() == [0.75, 0.25, 0.0]
