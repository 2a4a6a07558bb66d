from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from runtime.codes import Code
from runtime.errors import StudyRejected
from runtime.grid import to_grid, to_native
from runtime.volume import AIR_HU, Geometry, Volume


def tilted_plane_series(degrees: float, places: np.ndarray) -> Volume:
    """Samples hu = 100 + z + y / 2 of the patient on tilted planes at table positions `places`."""
    radians = np.radians(degrees)
    y_step = np.array([0.0, np.cos(radians), -np.sin(radians)])
    origins = np.stack([0 * places - 10, 0 * places - 40, places], axis=1)
    rows = np.arange(80)[:, None] * y_step
    points = origins[:, None] + rows
    hu = np.rint(100 + points[..., 2] + points[..., 1] / 2).astype(np.int16)
    return Volume(np.repeat(hu[:, :, None], 20, axis=2), Geometry(origins, np.array([1.0, 0, 0]), y_step))


def test_a_thin_even_upright_series_is_its_own_grid() -> None:
    volume = Volume(np.zeros((9, 4, 4), np.int16), Geometry.axis_aligned((9, 4, 4), (1.0, 0.5, 0.5)))
    assert to_grid(volume, 1.0) is volume
    thick = Volume(volume.hu, Geometry.axis_aligned((9, 4, 4), (3.0, 0.5, 0.5)))
    grid = to_grid(thick, 1.0)
    assert grid.shape == (25, 4, 4)
    assert grid.geometry.spacing_mm[0] == pytest.approx(1.0)


def test_a_linear_field_survives_tilt_and_uneven_spacing() -> None:
    """Trilinear interpolation is exact on a linear field, wherever the grid puts its voxels."""
    places = np.concatenate([np.arange(0, 30, 3.0), np.arange(32, 70, 5.0)])
    native = tilted_plane_series(18.5, places)
    grid = to_grid(native, 1.0)
    assert not grid.geometry.is_tilted
    assert grid.geometry.is_evenly_spaced
    affine = grid.geometry.affine
    # at the rim, voxels blend with the air outside the scan: leave 4 mm out
    inside = ndimage.binary_erosion(grid.hu > AIR_HU, np.ones((1, 3, 3), dtype=bool), iterations=4)
    inside[-1] = False  # beyond the last native plane: repeats it
    k, j, i = np.nonzero(inside)
    points = np.stack([i, j, k, np.ones_like(i)], axis=1) @ affine.T
    expected = 100 + points[:, 2] + points[:, 1] / 2
    assert len(k) > 30_000
    assert np.abs(grid.hu[k, j, i] - expected).max() <= 1.0


def test_labels_return_to_the_voxels_they_came_from() -> None:
    native = tilted_plane_series(18.5, np.arange(0, 60, 4.0))
    bright = Volume(np.where(native.hu > 120, 1000, 0).astype(np.int16), native.geometry)
    grid = to_grid(bright, 1.0)
    back = to_native((grid.hu > 500).astype(np.uint8), grid.geometry, bright)
    assert back.shape == native.shape
    assert (back == (bright.hu > 500)).mean() > 0.99


def test_a_mask_on_a_crop_returns_exactly() -> None:
    volume = Volume(np.zeros((9, 8, 7), np.int16), Geometry.axis_aligned((9, 8, 7), (1.0, 0.5, 0.5)))
    box = (slice(2, 8), slice(1, 7), slice(3, 7))
    mask = np.random.default_rng(0).integers(0, 3, (6, 6, 4)).astype(np.uint8)
    native = to_native(mask, volume.geometry.cropped(box), volume)
    assert np.array_equal(native[box], mask)
    assert native.sum() == mask.sum()


def test_a_block_shifted_sideways_is_put_back() -> None:
    """What lies at one place of the patient lies in one column of the grid."""
    shift = np.where(np.arange(40) >= 20, 6.0, 0.0)
    origins = np.stack([shift, 0 * shift, np.arange(40.0)], axis=1)
    hu = np.full((40, 30, 30), -1000, np.int16)
    hu[:20, 10, 15] = hu[20:, 10, 9] = 500  # x = 15 mm in both halves
    native = Volume(hu, Geometry(origins, np.array([1.0, 0, 0]), np.array([0, 1.0, 0])))
    grid = to_grid(native, 1.0)
    column = int(15.0 - grid.geometry.origins[0, 0])
    assert (grid.hu[:, 10, column] == 500).all()
    assert np.array_equal(to_native(grid.hu, grid.geometry, native)[:, 10, :24], hu[:, 10, :24])


def test_the_last_native_slice_is_on_the_grid() -> None:
    native = Volume(np.zeros((5, 4, 4), np.int16), Geometry.axis_aligned((5, 4, 4), (3.7, 0.5, 0.5)))
    grid = to_grid(native, 1.0)
    labels = np.zeros(grid.shape, np.uint8)
    labels[-1] = 1
    assert to_native(labels, grid.geometry, native)[-1].all()


def test_a_grid_that_does_not_fit_is_refused_before_it_is_made() -> None:
    shape = (10, 4096, 4096)
    hu = np.broadcast_to(np.zeros((1, 1, 1), dtype=np.int16), shape)
    with pytest.raises(StudyRejected) as caught:
        to_grid(Volume(hu, Geometry.axis_aligned(shape, (15.0, 0.5, 0.5))), 1.0)
    assert caught.value.code is Code.TOO_LARGE
    assert "136 planes" in caught.value.detail
