"""Outlines of a binary picture as closed lines. Knows nothing of patients, pixels' sizes or paper."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Point: TypeAlias = tuple[float, float]
Line: TypeAlias = tuple[Point, ...]

_Corner: TypeAlias = tuple[int, int]


def outlines(inside: NDArray[np.bool_]) -> tuple[Line, ...]:
    """The borders of all areas and of their holes: closed lines of (column, row), the last point joined to the first.

    inside: bool (rows, columns). Pixel (row, column) covers the square from (column, row) to (column + 1, row + 1). A
    line runs through the middles of the pixel sides between inside and outside, which cuts the corners of the
    staircase; only the points where it turns are kept. Areas that touch at a corner are separate.
    """
    onward = _sides(inside)
    lines = []
    while onward:
        start = at = next(iter(onward))
        heading: _Corner = (0, 0)
        middles: list[Point] = []
        while at in onward:
            target = _turn(onward[at], at, heading)
            onward[at].remove(target)
            if not onward[at]:
                del onward[at]
            middles.append(((at[0] + target[0]) / 2, (at[1] + target[1]) / 2))
            heading, at = (target[0] - at[0], target[1] - at[1]), target
            if at == start:
                break
        lines.append(_turns(middles))
    return tuple(lines)


def _sides(inside: NDArray[np.bool_]) -> dict[_Corner, list[_Corner]]:
    """Pixel sides between inside and outside, inside on their right: from corner (column, row) to the next ones."""
    padded = np.pad(inside, 1)
    sides: dict[_Corner, list[_Corner]] = {}
    neighbours = {
        (-1, 0): ((0, 0), (1, 0)),  # outside above: its upper side, left to right
        (0, 1): ((1, 0), (1, 1)),
        (1, 0): ((1, 1), (0, 1)),
        (0, -1): ((0, 1), (0, 0)),
    }
    for (down, right), (begin, end) in neighbours.items():
        outside = ~np.roll(padded, (-down, -right), axis=(0, 1))
        for row, column in np.argwhere(padded & outside) - 1:
            x, y = int(column), int(row)
            sides.setdefault((x + begin[0], y + begin[1]), []).append((x + end[0], y + end[1]))
    return sides


def _turn(targets: list[_Corner], at: _Corner, heading: _Corner) -> _Corner:
    """Where two areas touch at a corner, the one that turns right: it stays with its own area."""
    right = at[0] - heading[1], at[1] + heading[0]
    return right if right in targets else targets[0]


def _turns(middles: list[Point]) -> Line:
    """`middles` without those in the middle of a straight run."""
    kept = []
    for before, point, after in zip(middles[-1:] + middles[:-1], middles, middles[1:] + middles[:1], strict=True):
        if (point[0] - before[0], point[1] - before[1]) != (after[0] - point[0], after[1] - point[1]):
            kept.append(point)
    return tuple(kept)
