from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from calibration.coefficients import choose, tabulate
from runtime.classification import StrokeClass
from runtime.planes import Plane

GRID = (0.2, 0.4, 0.6, 0.8)
SHAPE = (2, 3, 10)


def planes(axial: float, coronal: float, sagittal: float) -> dict[Plane, NDArray[np.float16]]:
    """Everywhere the same probability of IS, and none of IH."""
    values = dict(zip(Plane, (axial, coronal, sagittal), strict=True))
    return {
        plane: np.stack([np.full(SHAPE, value), np.zeros(SHAPE)]).astype(np.float16) for plane, value in values.items()
    }


def head(
    stroke: StrokeClass | None, truth: float, elsewhere: float
) -> tuple[dict[Plane, NDArray[np.float16]], NDArray[np.uint8]]:
    """Half of a head is lesion; its class has probability `truth` there and `elsewhere` in the rest, in all planes."""
    labels = np.zeros(SHAPE, np.uint8)
    probabilities = planes(0.0, 0.0, 0.0)
    channel = stroke.channel if stroke else 0
    if stroke:
        labels[..., :5] = stroke.label
    for plane in Plane:
        probabilities[plane][channel, ..., :5] = truth if stroke else elsewhere
        probabilities[plane][channel, ..., 5:] = elsewhere
    return probabilities, labels


def test_the_coefficient_that_parts_truth_from_the_rest_is_chosen() -> None:
    cases = [(StrokeClass.IS, 0.7, 0.5), (StrokeClass.IH, 0.7, 0.5), (None, 0.0, 0.5)]
    tables = [tabulate(*head(stroke, truth, elsewhere), stroke, GRID) for stroke, truth, elsewhere in cases]
    chosen = choose(tables, GRID)
    assert chosen.k == dict.fromkeys(Plane, 0.6)
    assert chosen.score == pytest.approx(1.0)
    assert chosen.dice == {StrokeClass.IS: 1.0, StrokeClass.IH: 1.0}
    assert chosen.healthy_voxels == 0


def test_a_plane_that_marks_too_much_is_raised_alone() -> None:
    """One plane sees 0.7 everywhere, so only k = 0.8 keeps it out; the others part truth (0.5) from the rest (0.3)."""
    tables = []
    for stroke in StrokeClass:
        probabilities, labels = head(stroke, 0.5, 0.3)
        probabilities[Plane.SAGITTAL][stroke.channel] = 0.7
        tables.append(tabulate(probabilities, labels, stroke, GRID))
    assert choose(tables, GRID).k == {Plane.AXIAL: 0.4, Plane.CORONAL: 0.4, Plane.SAGITTAL: 0.8}


def test_a_probability_equal_to_a_coefficient_does_not_exceed_it() -> None:
    probabilities, labels = planes(0.6, 0.0, 0.0), np.full(SHAPE, StrokeClass.IS.label, np.uint8)
    probabilities[Plane.AXIAL] = np.full((2, *SHAPE), np.float16(0.5))
    table = tabulate(probabilities, labels, StrokeClass.IS, (0.25, 0.5, 0.75))
    assert table.own is not None
    assert table.own[0][1, 0, 0] == labels.size


def test_ties_go_to_the_fewest_voxels_in_healthy_heads() -> None:
    """Truth is at 0.9 and nothing else in the patients, so every k does; the healthy head has 0.5 everywhere."""
    cases = [(StrokeClass.IS, 0.9, 0.0), (StrokeClass.IH, 0.9, 0.0), (None, 0.0, 0.5)]
    tables = [tabulate(*head(stroke, truth, elsewhere), stroke, GRID) for stroke, truth, elsewhere in cases]
    assert choose(tables, GRID).healthy_voxels == 0


def test_one_class_alone_is_not_enough() -> None:
    with pytest.raises(ValueError, match="heads with IS and heads with IH"):
        choose([tabulate(*head(StrokeClass.IS, 0.9, 0.0), StrokeClass.IS, GRID)], GRID)


def test_every_triple_is_scored_as_if_its_mask_were_made() -> None:
    """Against a search that makes the mask of each of the 64 triples; voxels are marked as both classes too."""
    rng = np.random.default_rng(0)
    cases = []
    for stroke in (*StrokeClass, None, *StrokeClass):
        labels = np.zeros(SHAPE, np.uint8)
        labels[..., :4] = stroke.label if stroke else 0
        probabilities = planes(0.0, 0.0, 0.0)
        for plane in Plane:
            for one in StrokeClass:
                lesion = 0.3 * (labels == one.label)
                probabilities[plane][one.channel] = (rng.random(SHAPE) * 0.7 + lesion).astype(np.float16)
        cases.append((probabilities, labels, stroke))

    def score(triple: tuple[float, ...]) -> float:
        dice: dict[StrokeClass | None, list[float]] = {one: [] for one in (*StrokeClass, None)}
        background = []
        for probabilities, labels, stroke in cases:
            marked = np.any(
                [probabilities[plane] > np.float32(k) for plane, k in zip(Plane, triple, strict=True)], axis=0
            )
            background.append((~marked.any(axis=0), labels == 0))
            if stroke:
                own, truth = marked[stroke.channel], labels == stroke.label
                dice[stroke].append(2 * (own & truth).sum() / (own.sum() + truth.sum()))
        ours, truths = (np.concatenate([one.ravel() for one in side]) for side in zip(*background, strict=True))
        dice[None].append(2 * (ours & truths).sum() / (ours.sum() + truths.sum()))
        return float(np.mean([np.mean(of_class) for of_class in dice.values()]))

    best = max(product(GRID, repeat=3), key=score)
    chosen = choose((tabulate(*case, GRID) for case in cases), GRID, tie=0.0)
    assert tuple(chosen.k.values()) == best
    assert chosen.score == pytest.approx(score(best))


def test_coefficients_are_found_to_two_decimals() -> None:
    """What lies between 0.465 and 0.475 is told apart by 0.47 alone."""
    tables = [tabulate(*head(stroke, 0.475, 0.465), stroke) for stroke in StrokeClass]
    chosen = choose(tables)
    assert chosen.k == dict.fromkeys(Plane, 0.47)
    assert chosen.score == pytest.approx(1.0)


def test_a_patient_without_a_labelled_voxel_has_no_dice() -> None:
    cases = [(StrokeClass.IS, 0.7, 0.5), (StrokeClass.IH, 0.7, 0.5)]
    tables = [tabulate(*head(stroke, truth, elsewhere), stroke, GRID) for stroke, truth, elsewhere in cases]
    probabilities, labels = head(None, 0.0, 0.0)
    assert choose([*tables, tabulate(probabilities, labels, StrokeClass.IS, GRID)], GRID).dice[StrokeClass.IS] == 1.0
