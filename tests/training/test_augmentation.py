from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.planes import Plane
from runtime.volume import AIR_HU
from training.augmentation import Warp, apply, draw
from training.config import Recipe

SQUARE_MM = (0.5, 0.5)
HU = np.arange(25, dtype=np.int16).reshape(5, 5) * 10
MIDDLE = (2.0, 2.0)


def warped(warp: Warp, crop: tuple[int, int] = (5, 5)) -> NDArray[np.float32]:
    return apply(warp, HU, np.zeros((5, 5), dtype=np.uint8), SQUARE_MM, crop)[0]


def test_nothing_drawn_changes_nothing() -> None:
    np.testing.assert_allclose(warped(Warp(MIDDLE)), HU, atol=1e-2)


def test_flips() -> None:
    np.testing.assert_allclose(warped(Warp(MIDDLE, flip_w=True)), HU[:, ::-1], atol=1e-2)
    np.testing.assert_allclose(warped(Warp(MIDDLE, flip_h=True)), HU[::-1], atol=1e-2)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_on_square_pixels(turns: int) -> None:
    np.testing.assert_allclose(warped(Warp(MIDDLE, degrees=90.0 * turns)), np.rot90(HU, turns), atol=2e-2)


def test_outside_is_air() -> None:
    image = warped(Warp(MIDDLE), crop=(9, 5))
    assert (image[:2] == AIR_HU).all()
    assert (image[-2:] == AIR_HU).all()
    np.testing.assert_allclose(image[2:-2], HU, atol=1e-2)


def test_the_crop_looks_at_its_centre() -> None:
    assert warped(Warp((3.0, 1.0)), crop=(1, 1))[0, 0] == pytest.approx(HU[3, 1], abs=1e-2)


def test_zoom_enlarges_about_the_centre() -> None:
    assert warped(Warp(MIDDLE, zoom=2.0))[2, 4] == pytest.approx(HU[2, 3], abs=1e-2)


def test_rotation_is_in_millimetres() -> None:
    """On pixels twice as tall as wide, a bar two pixels tall turns into one four pixels wide."""
    labels = np.zeros((21, 21), dtype=np.uint8)
    labels[9:12, 10] = 1
    hu = np.zeros((21, 21), dtype=np.int16)
    _, turned = apply(Warp((10.0, 10.0), degrees=90.0), hu, labels, (1.0, 0.5), (21, 21))
    rows, columns = np.nonzero(turned)
    assert set(rows) == {10}
    assert np.ptp(columns) in (4, 5)


def test_image_and_label_move_together() -> None:
    recipe = Recipe(Plane.AXIAL, seed=1)
    rng = np.random.default_rng(5)
    labels = np.zeros((80, 80), dtype=np.uint8)
    labels[30:55, 20:40] = 1
    hu = np.where(labels, 1000, 0).astype(np.int16)
    for _ in range(20):
        image, label = apply(draw(rng, recipe, (40.0, 40.0)), hu, labels, SQUARE_MM, (64, 64))
        assert label.any()
        assert ((image > 500) == label.astype(bool)).mean() > 0.985  # borders: nearest against linear


def test_coronal_and_sagittal_slices_stay_upright() -> None:
    rng = np.random.default_rng(5)
    for plane in (Plane.CORONAL, Plane.SAGITTAL):
        warps = [draw(rng, Recipe(plane, seed=1), MIDDLE) for _ in range(200)]
        assert not any(warp.flip_h for warp in warps)
        assert max(abs(warp.degrees) for warp in warps) <= 45
        assert 0.3 < np.mean([warp.flip_w for warp in warps]) < 0.7


def test_what_is_drawn_has_the_papers_frequencies() -> None:
    rng = np.random.default_rng(5)
    warps = [draw(rng, Recipe(Plane.AXIAL, seed=1), MIDDLE) for _ in range(2000)]
    assert np.mean([warp.flip_h for warp in warps]) == pytest.approx(0.5, abs=0.05)
    quarters = np.bincount([round(warp.degrees / 90) % 4 for warp in warps]) / len(warps)
    np.testing.assert_allclose(quarters, 0.25, atol=0.04)
    assert min(warp.zoom for warp in warps) == pytest.approx(0.9, abs=0.005)
    assert max(warp.zoom for warp in warps) == pytest.approx(1.1, abs=0.005)


def test_axial_slices_can_stay_upright() -> None:
    recipe = Recipe(Plane.AXIAL, seed=1, quarter_turns=False, rotation_degrees=20.0)
    warps = [draw(np.random.default_rng(seed), recipe, MIDDLE) for seed in range(50)]
    assert not any(warp.flip_h for warp in warps)
    assert max(abs(warp.degrees) for warp in warps) <= 20
    assert 0.3 < np.mean([warp.flip_w for warp in warps]) < 0.7
