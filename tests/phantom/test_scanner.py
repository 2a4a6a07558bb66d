import numpy as np
import pytest

from phantom.beam_hardening import artefact
from phantom.fields import Field
from phantom.scanner import Scanner


@pytest.mark.parametrize("spacing", [(1.0, 0.488, 0.488), (4.0, 2.0, 2.0)])
def test_noise_has_the_given_spread_whatever_the_voxel(spacing: tuple[float, float, float]) -> None:
    flat = np.full((20, 80, 80), 30, dtype=np.float32)
    Scanner(0.6, 0.4, 5.0, 1.0).acquire(flat, spacing, np.random.default_rng(0))
    inner = flat[2:-2, 8:-8, 8:-8]
    assert inner.std() == pytest.approx(5, rel=0.05)
    assert inner.mean() == pytest.approx(30, abs=0.3)


def test_noise_is_correlated_in_the_plane_by_the_blur() -> None:
    def neighbours(blur_mm: float) -> float:
        flat = np.zeros((4, 100, 100), dtype=np.float32)
        Scanner(blur_mm, 0.0, 5.0, 1.0).acquire(flat, (1.0, 0.5, 0.5), np.random.default_rng(0))
        return float(np.corrcoef(flat[:, :, :-1].ravel(), flat[:, :, 1:].ravel())[0, 1])

    assert abs(neighbours(0.0)) < 0.05
    assert neighbours(0.4) == pytest.approx(np.exp(-(0.5**2) / (4 * 0.4**2)), abs=0.05)


def test_an_edge_is_blurred_by_the_point_spread() -> None:
    edge = np.zeros((3, 41, 41), dtype=np.float32)
    edge[:, :, 20:] = 100
    Scanner(1.0, 0.0, 0.0, 1.0).acquire(edge, (1.0, 0.5, 0.5), np.random.default_rng(0))
    profile = edge[1, 20]
    assert profile[19] + profile[20] == pytest.approx(100, abs=0.1)
    assert profile[21] == pytest.approx(77, abs=1.5)  # the normal distribution at 0.75 SD from the edge


def ring() -> tuple[Field, Field]:
    """A skull of 60 mm radius and 6 mm thickness at 2 mm, and the radius of every point."""
    y, x = (np.arange(100) - 49.5)[:, None] * 2, (np.arange(90) - 44.5)[None, :] * 2
    radius = np.broadcast_to(np.hypot(x, y), (6, 100, 90)).astype(np.float32)
    return ((radius > 60) & (radius < 66)).astype(np.float32), radius


def test_a_skull_brightens_what_lies_along_its_inner_table() -> None:
    bone, radius = ring()
    error = artefact(bone, 2.0, 1.0)
    assert error.shape == bone.shape
    assert error[(radius > 46) & (radius < 54)].mean() > error[radius < 20].mean() + 0.5


def test_dense_bones_draw_a_dark_band_between_them() -> None:
    bone = np.zeros((6, 100, 90), dtype=np.float32)
    bone[:, 45:55, 5:25] = bone[:, 45:55, 65:85] = 1
    error = artefact(bone, 2.0, 1.0)[3]
    assert error[50, 45] < -1
    assert error[50, 45] < error[70, 45] - 2


def test_the_artefact_is_proportional_to_what_the_scanner_leaves() -> None:
    bone, _ = ring()
    np.testing.assert_allclose(artefact(bone, 2.0, 2.0), 2 * artefact(bone, 2.0, 1.0), rtol=1e-4)


def test_a_field_too_wide_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit the projector"):
        artefact(np.zeros((4, 10, 140), dtype=np.float32), 2.0, 1.0)
