from __future__ import annotations

import numpy as np
import pytest

from runtime.blocks import averaged, block_side, shape_of_blocks, spread


@pytest.mark.parametrize(
    ("pixel_mm", "wanted_mm", "side"),
    [
        ((0.45, 0.45), 0.0, 1),
        ((0.42, 0.42), 0.9, 2),
        ((0.55, 0.55), 0.9, 2),
        ((0.60, 0.60), 0.9, 2),
        ((0.61, 0.61), 0.9, 1),
        ((0.98, 0.98), 0.9, 1),
        ((0.30, 0.30), 0.9, 3),
        ((0.40, 0.50), 0.9, 2),
    ],
)
def test_as_many_pixels_as_come_nearest(pixel_mm: tuple[float, float], wanted_mm: float, side: int) -> None:
    assert block_side(pixel_mm, wanted_mm) == side


def test_means_of_blocks_by_hand() -> None:
    """A plane of 3 x 5: the last row and column are repeated to fill the blocks."""
    plane = [[0, 2, -10, -20, 7], [4, 6, -30, -41, 9], [1, 1, 3, 4, -1024]]
    blocks = averaged(np.array([plane, plane], dtype=np.int16), 2)
    assert blocks.dtype == np.int16
    expected = [[3, -25, 8], [1, 4, -1024]]  # -25.25; 3.5 is rounded to even
    assert blocks.tolist() == [expected, expected]
    assert shape_of_blocks((2, 3, 5), 2) == blocks.shape


def test_large_numbers_do_not_overflow() -> None:
    assert averaged(np.full((1, 8, 8), 32_000, dtype=np.int16), 4).tolist() == [[[32_000] * 2] * 2]


def test_labels_go_back_to_their_pixels() -> None:
    labels = np.array([[[0, 1, 2], [2, 0, 0]]], dtype=np.uint8)
    assert spread(labels, 2, (1, 3, 5)).tolist() == [[[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [2, 2, 0, 0, 0]]]


def test_blocks_of_one_are_the_voxels() -> None:
    voxels = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    assert averaged(voxels, 1) is voxels
    assert spread(voxels, 1, (2, 2, 2)) is voxels
