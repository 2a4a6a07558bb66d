from __future__ import annotations

import numpy as np

from training.labels.polygons import filled


def test_a_triangle() -> None:
    triangle = np.array([(0.0, 0.0), (0.0, 4.0), (4.0, 0.0)])
    assert filled([triangle], (5, 5)).astype(int).tolist() == [
        [1, 1, 1, 1, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [0, 0, 0, 0, 0],
    ]


def test_lines_within_lines_are_holes_and_islands() -> None:
    squares = [np.array([(a, a), (a, b), (b, b), (b, a)]) for a, b in ((-0.5, 4.5), (0.5, 3.5), (1.5, 2.5))]
    assert filled(squares, (5, 5)).astype(int).tolist() == [
        [1, 1, 1, 1, 1],
        [1, 0, 0, 0, 1],
        [1, 0, 1, 0, 1],
        [1, 0, 0, 0, 1],
        [1, 1, 1, 1, 1],
    ]


def test_neighbours_share_no_pixel_and_leave_none_out() -> None:
    left, right = (np.array([(0.0, a), (0.0, b), (3.0, b), (3.0, a)]) for a, b in ((0.0, 2.0), (2.0, 5.0)))
    both = filled([left], (3, 5)).astype(int) + filled([right], (3, 5))
    assert (both == 1).all()


def test_what_lies_outside_the_picture_is_cut_off() -> None:
    large = np.array([(-9.0, -9.0), (-9.0, 1.5), (9.0, 1.5), (9.0, -9.0)])
    assert filled([large], (2, 3)).astype(int).tolist() == [[1, 1, 0], [1, 1, 0]]


def test_direction_does_not_matter() -> None:
    line = np.array([(0.2, 0.3), (1.1, 4.4), (3.7, 2.9), (2.2, 0.1)])
    np.testing.assert_array_equal(filled([line], (5, 5)), filled([line[::-1]], (5, 5)))
