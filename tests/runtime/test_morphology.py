from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from runtime.morphology import ball, close_packed


def reference(mask: np.ndarray, radius: int) -> np.ndarray:
    """scipy's dilation, then erosion, with the outside ignored both times."""
    return ndimage.binary_erosion(ndimage.binary_dilation(mask, ball(radius)), ball(radius), border_value=1)


def test_the_ball_of_radius_3_has_123_voxels() -> None:
    assert ball(3).sum() == 123


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 2**32 - 1), st.tuples(st.integers(1, 12), st.integers(1, 20), st.integers(1, 140)), st.integers(1, 4)
)
def test_equals_scipy_to_the_bit(seed: int, shape: tuple[int, int, int], radius: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < rng.choice([0.003, 0.03, 0.3])
    assert np.array_equal(close_packed(mask, radius), reference(mask, radius))


def test_closes_a_gap_that_the_ball_spans_and_leaves_a_wider_one() -> None:
    mask = np.zeros((15, 15, 80), dtype=bool)
    mask[:, :, [60, 66]] = True
    mask[:, :, 10] = True
    closed = close_packed(mask, 3)
    assert closed[7, 7, 60:67].all()
    assert not closed[7, 7, 11:60].any()


def test_empty_stays_empty_and_radius_0_changes_nothing() -> None:
    empty = np.zeros((3, 4, 5), dtype=bool)
    assert not close_packed(empty, 3).any()
    mask = np.random.default_rng(0).random((3, 4, 5)) < 0.5
    assert np.array_equal(close_packed(mask, 0), mask)
    with pytest.raises(ValueError, match="radius"):
        close_packed(mask, 64)


def test_a_mask_with_strides() -> None:
    mask = np.random.default_rng(0).random((40, 6, 5)) < 0.1
    assert np.array_equal(close_packed(mask.T, 2), close_packed(np.ascontiguousarray(mask.T), 2))
