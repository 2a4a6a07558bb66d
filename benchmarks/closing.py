"""Exact closing with the radius-3 ball: ours against scipy's, on the same mask, which must give the same voxels."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from runtime.morphology import ball, close_packed


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row of the table; `ratio` is how many times faster ours is."""

    what: str
    reference_seconds: float
    our_seconds: float

    @property
    def ratio(self) -> float:
        return self.reference_seconds / self.our_seconds


def compare_closing(shape: tuple[int, int, int], seed: int) -> Comparison:
    """Close scattered blobs in a (Z, Y, X) volume both ways. RuntimeError where the two differ."""
    blobs = ndimage.uniform_filter(np.random.default_rng(seed).random(shape, dtype=np.float32), 9) > 0.53
    start = time.perf_counter()
    dilated = ndimage.binary_dilation(blobs, ball(3))
    reference = ndimage.binary_erosion(dilated, ball(3), border_value=1)
    middle = time.perf_counter()
    ours = close_packed(blobs, 3)
    end = time.perf_counter()
    if not np.array_equal(ours, reference):
        raise RuntimeError("the closings differ")
    return Comparison(f"closing, ball 3, {'x'.join(map(str, shape))}", middle - start, end - middle)
