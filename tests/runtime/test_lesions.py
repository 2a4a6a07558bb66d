from __future__ import annotations

import numpy as np
import pytest

from runtime.classification import StrokeClass
from runtime.grid import to_grid
from runtime.lesions import Midline, Side, find_lesions
from runtime.volume import Geometry, Volume


def on(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> Volume:
    return Volume(np.zeros(shape, np.int16), Geometry.axis_aligned(shape, spacing))


def test_volume_place_side_and_slices_by_hand() -> None:
    native = on((10, 20, 40), (1.0, 2.0, 0.5))
    labels = np.zeros(native.shape, np.uint8)
    labels[2:4, 5:7, 30:40] = StrokeClass.IH.label  # 2 * 2 * 10 voxels of 1 mm3
    labels[5, 0, 0] = StrokeClass.IS.label
    big, small = find_lesions(labels, native.geometry, native, Midline(19.5, 0.0, 0.0))
    assert (big.stroke, big.side, big.first_slice, big.last_slice) == (StrokeClass.IH, Side.LEFT, 2, 3)
    assert big.volume_ml == pytest.approx(0.040)
    assert big.centroid_mm == pytest.approx(((34.5 - 19.5) * 0.5, (5.5 - 9.5) * 2.0, 2.5 - 4.5))
    assert (small.stroke, small.side) == (StrokeClass.IS, Side.RIGHT)


def test_millilitres_use_each_native_slices_own_width() -> None:
    origins = np.array([[0, 0, z] for z in [0.0, 2, 4, 6, 12, 18, 24]])
    native = Volume(np.zeros((7, 10, 10), np.int16), Geometry(origins, np.array([1.0, 0, 0]), np.array([0, 1.0, 0])))
    grid = to_grid(native, 1.0)
    labels = np.zeros(grid.shape, np.uint8)
    labels[3:13, 2:4, 2:4] = 1  # reaches the native slices at 4, 6 and 12 mm: widths 2, 4 and 6
    (lesion,) = find_lesions(labels, grid.geometry, native, Midline(5.0, 0.0, 0.0))
    assert lesion.volume_ml == pytest.approx(4 * (2 + 4 + 6) / 1000)


@pytest.mark.parametrize(
    ("columns", "side"),
    [((16, 24), Side.MIDLINE), ((0, 40), Side.BILATERAL), ((0, 20), Side.RIGHT), ((21, 40), Side.LEFT)],
)
def test_sides(columns: tuple[int, int], side: Side) -> None:
    native = on((10, 20, 40), (1.0, 1.0, 1.0))
    labels = np.zeros(native.shape, np.uint8)
    labels[3:5, 3:9, slice(*columns)] = 1
    (lesion,) = find_lesions(labels, native.geometry, native, Midline(19.5, 0.0, 0.0))
    assert lesion.side is side


def test_a_turned_head_turns_the_midline() -> None:
    native = on((10, 20, 40), (1.0, 1.0, 1.0))
    labels = np.zeros(native.shape, np.uint8)
    labels[:, 18, 22:26] = 1
    assert find_lesions(labels, native.geometry, native, Midline(19.5, 0.0, 0.0))[0].side is Side.LEFT
    assert find_lesions(labels, native.geometry, native, Midline(19.5, 0.5, 0.0))[0].side is Side.RIGHT


def test_corners_connect() -> None:
    native = on((4, 4, 4), (1.0, 1.0, 1.0))
    labels = np.zeros(native.shape, np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 1
    assert len(find_lesions(labels, native.geometry, native, Midline(2.0, 0.0, 0.0))) == 1
