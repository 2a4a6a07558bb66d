from __future__ import annotations

import numpy as np

from appliance.contours import outlines


def drawn(*rows: str) -> list[set[tuple[float, float]]]:
    """The outlines of a picture written as rows of '#' and '.', as sets of points."""
    return [set(line) for line in outlines(np.array([[letter == "#" for letter in row] for row in rows]))]


def test_one_pixel_is_outlined_through_the_middles_of_its_sides() -> None:
    assert drawn("...", ".#.", "...") == [{(1.5, 1.0), (2.0, 1.5), (1.5, 2.0), (1.0, 1.5)}]


def test_straight_runs_keep_their_ends_only() -> None:
    (line,) = drawn("####", "####")
    assert line == {(0.5, 0), (3.5, 0), (4, 0.5), (4, 1.5), (3.5, 2), (0.5, 2), (0, 1.5), (0, 0.5)}


def test_a_hole_has_its_own_outline() -> None:
    outer, hole = sorted(drawn("###", "#.#", "###"), key=len, reverse=True)
    assert hole == {(1.5, 1), (2, 1.5), (1.5, 2), (1, 1.5)}
    assert (0.5, 0) in outer


def test_areas_that_touch_at_a_corner_stay_apart() -> None:
    lines = drawn("#.", ".#")
    assert sorted(map(min, lines)) == [(0, 0.5), (1, 1.5)]


def test_nothing_inside_has_no_outline() -> None:
    assert drawn("..", "..") == []
