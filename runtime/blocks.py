"""Pixels averaged in square blocks: networks are given pixels of the size that they are used to (docs/adr/0013).

A network that learnt on pixels of 0.9 mm takes the noise of a scanner's 0.45 mm for lesions, and averaging is what a
larger pixel does. Whole blocks, so that labels go back without any interpolation.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


def block_side(pixel_mm: tuple[float, float], wanted_mm: float) -> int:
    """How many pixels along a side make one of about `wanted_mm`, at least 1; `wanted_mm` 0 leaves pixels as they are.

    pixel_mm: (row, column) spacing
    """
    side = float(np.sqrt(pixel_mm[0] * pixel_mm[1]))
    return max(1, int(wanted_mm / side + 0.5))


def shape_of_blocks(shape: tuple[int, ...], side: int) -> tuple[int, ...]:
    """Of averaged(): (Z, Y, X) to (Z, ceil(Y / side), ceil(X / side))."""
    return shape[0], *(-(-length // side) for length in shape[1:])


def averaged(voxels: NDArray[np.integer[Any]], side: int) -> NDArray[np.int16]:
    """int16, shape_of_blocks: the rounded mean of each block of each plane of (Z, Y, X).

    Where the last block would reach beyond the edge, the edge is repeated.
    """
    if side == 1:
        return voxels.astype(np.int16, copy=False)
    whole = np.pad(voxels, [(0, 0), *((0, -length % side) for length in voxels.shape[1:])], mode="edge")
    planes, height, width = whole.shape
    blocks = whole.reshape(planes, height // side, side, width // side, side)
    means: NDArray[np.int16] = np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.int16)
    return means


def spread(labels: NDArray[Scalar], side: int, shape: tuple[int, ...]) -> NDArray[Scalar]:
    """Labels (Z, y, x) of blocks as labels of their pixels, of `shape` (Z, Y, X): averaged() backwards."""
    if side == 1:
        return labels
    return labels.repeat(side, axis=1).repeat(side, axis=2)[:, : shape[1], : shape[2]]
