"""Filling closed lines on a plane of pixels, by the even-odd rule.

Written out here because Pillow also paints the line itself, which makes every area half a pixel wider all round, and no
other library that we have fills polygons.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from runtime.volume import Floats


def filled(polygons: Iterable[Floats], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """bool `shape`: the pixels whose centre lies in an odd number of `polygons`, so that a line in a line is a hole.

    polygons: float64 (n, 2) of (row, column), the last point joined to the first; pixel centres are whole numbers. A
    centre right on a line is inside on an area's upper and left side, outside on the others: neighbours never share it.
    """
    height, width = shape
    crossings = np.zeros((height, width + 1), dtype=np.int32)
    for polygon in polygons:
        for (row, column), (next_row, next_column) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            low, high = np.ceil(sorted((row, next_row)))
            rows = np.arange(max(int(low), 0), min(int(high), height))
            if not len(rows):
                continue
            columns = column + (rows - row) * (next_column - column) / (next_row - row)
            np.add.at(crossings, (rows, np.clip(np.ceil(columns), 0, width).astype(np.intp)), 1)
    inside: NDArray[np.bool_] = np.cumsum(crossings[:, :-1], axis=1) % 2 == 1
    return inside
