from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.classification import StrokeClass
from runtime.volume import Geometry
from training.interpolation import Interpolation, interpolated
from training.labels.volume import LabelVolume

SIZE = (9, 9)


def stack(distances: list[float], tilt: float = 0.0, pixel: float = 1.0) -> Geometry:
    """Slices at these places; each `tilt` mm further back per mm."""
    origins = np.array([(0.0, tilt * z, z) for z in distances])
    return Geometry(origins, np.array([pixel, 0, 0]), np.array([0, pixel, 0]))


def square(side: int) -> NDArray[np.uint8]:
    """Of IH, in the middle of 9 x 9 pixels."""
    plane = np.zeros(SIZE, dtype=np.uint8)
    first = (9 - side) // 2
    plane[first : first + side, first : first + side] = StrokeClass.IH.label
    return plane


def areas(labels: NDArray[np.uint8]) -> list[int]:
    return [int(plane.sum()) for plane in labels > 0]


GROWING = LabelVolume(np.stack([square(3), square(5)]), stack([0, 4]))


def test_linear_takes_the_larger_square_from_halfway_on() -> None:
    labels = interpolated(GROWING, stack([0, 1, 2, 3, 4]), SIZE, Interpolation.LINEAR)
    assert areas(labels) == [9, 9, 25, 25, 25]
    np.testing.assert_array_equal(labels[0], square(3))
    np.testing.assert_array_equal(labels[4], square(5))


def test_by_distance_the_square_grows_side_by_side_before_corners() -> None:
    """Outside the small square, sides are at -1/2 mm and corners at 1/2 - sqrt(2); inside the large one all are at 1/2.

    So sides come at 1/2 of the way, corners at (sqrt(2) - 1/2) / sqrt(2) = 0.65 of it.
    """
    labels = interpolated(GROWING, stack([0, 1, 2, 3, 4]), SIZE, Interpolation.DISTANCE)
    assert areas(labels) == [9, 9, 9 + 4 * 3, 25, 25]


@pytest.mark.parametrize("method", list(Interpolation))
def test_the_slices_themselves_stay_as_drawn(method: Interpolation) -> None:
    rng = np.random.default_rng(1)
    drawn = LabelVolume((rng.random((4, *SIZE)) < 0.4).astype(np.uint8), stack([0, 3, 7, 12]))
    labels = interpolated(drawn, stack([0, 1, 2, 3, 4, 5, 6, 7]), SIZE, method)
    np.testing.assert_array_equal(labels[[0, 3, 7]], drawn.labels[:3])


@pytest.mark.parametrize(
    ("method", "expected"),
    [(Interpolation.LINEAR, [0, 25, 25, 25, 25, 25, 0]), (Interpolation.DISTANCE, [0, 1, 9, 25, 9, 1, 0])],
)
def test_an_area_on_one_slice_ends_halfway_to_the_next(method: Interpolation, expected: list[int]) -> None:
    """By distance it gets smaller: its pixels are 1/2, 3/2 and 5/2 mm deep, and end at s / (s + 5/2) of the way."""
    drawn = LabelVolume(np.stack([square(0), square(5), square(0)]), stack([0, 5, 10]))
    labels = interpolated(drawn, stack([2, 3, 4, 5, 6, 7, 8]), SIZE, method)
    assert areas(labels) == expected


def test_the_last_slice_counts_half_its_gap_outwards() -> None:
    drawn = LabelVolume(np.stack([square(3), square(3)]), stack([0, 4]))
    labels = interpolated(drawn, stack([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]), SIZE, Interpolation.LINEAR)
    assert areas(labels) == [0] + [9] * 9 + [0]


def test_a_tilted_stack_lands_where_it_lies_in_the_patient() -> None:
    """Slices 1 mm further back per mm: the same pixels are other places."""
    drawn = LabelVolume(np.stack([square(3)] * 3), stack([0, 2, 4], tilt=0.5))
    labels = interpolated(drawn, stack([0, 2, 4]), SIZE, Interpolation.LINEAR)
    for moved, plane in enumerate(labels):
        np.testing.assert_array_equal(plane, np.roll(square(3), moved, axis=0))


def test_finer_pixels_get_what_the_coarse_ones_cover() -> None:
    drawn = LabelVolume(np.stack([square(3)] * 2), stack([0, 2]))
    labels = interpolated(drawn, stack([0, 1, 2], pixel=0.5), (18, 18), Interpolation.LINEAR)
    assert areas(labels) == [7 * 7 - 4] * 3  # half a coarse pixel beyond the outer centres, without the corners


def test_haemorrhage_wins_where_both_reach() -> None:
    ischaemia = (square(3) > 0).astype(np.uint8) * StrokeClass.IS.label
    drawn = LabelVolume(np.stack([ischaemia, square(3)]), stack([0, 2]))
    labels = interpolated(drawn, stack([0, 1, 2]), SIZE, Interpolation.LINEAR)
    assert [int(plane.max()) for plane in labels] == [1, 2, 2]


def test_distance_follows_a_ball_better() -> None:
    """A ball of 12 mm, drawn on slices 5 mm apart."""
    z, y, x = np.mgrid[-20:21, -16:17, -16:17]
    ball = (z**2 + y**2 + x**2 <= 144).astype(np.uint8)
    fine = stack(list(map(float, range(-20, 21))))
    drawn = LabelVolume(ball[::5], stack(list(map(float, range(-20, 21, 5)))))
    dice = {}
    for method in Interpolation:
        labels = interpolated(drawn, fine, (33, 33), method)
        dice[method] = 2 * (labels & ball).sum() / (labels.sum() + ball.sum())
    assert dice[Interpolation.DISTANCE] > dice[Interpolation.LINEAR] > 0.85
