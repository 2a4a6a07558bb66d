import numpy as np
import pytest

from phantom.fields import Lattice, Sampler, interpolation

LATTICE = Lattice(start=(-10.0, -20.0, -30.0), shape=(31, 21, 11), step_mm=2.0)


def test_interpolation_weights_sum_to_one_and_reproduce_the_samples() -> None:
    at = np.array([0.0, 0.3, 2.0, 3.7, 5.0])
    weights = interpolation(at, 6)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(weights[2], [0, 0, 1, 0, 0, 0])
    np.testing.assert_array_equal(weights[4], [0, 0, 0, 0, 0, 1])


def test_interpolation_outside_takes_the_end() -> None:
    np.testing.assert_array_equal(interpolation(np.array([-3.0, 9.0]), 4), [[1, 0, 0, 0], [0, 0, 0, 1]])


def test_a_linear_field_is_sampled_exactly_where_the_voxels_are() -> None:
    x, y, z = LATTICE.axes
    field = (x + 10 * y + 100 * z).astype(np.float32)
    first, shape, spacing = (-4.0, -9.5, -12.0), (20, 30, 12), (1.1, 0.7, 0.5)
    sampler = Sampler.onto(LATTICE, first, shape, spacing)
    values = sampler.slab(field, slice(3, 5), (slice(4, 30), slice(2, 12)))
    k, j, i = np.mgrid[3:5, 4:30, 2:12]
    expected = (first[0] + 0.5 * i) + 10 * (first[1] + 0.7 * j) + 100 * (first[2] + 1.1 * k)
    np.testing.assert_allclose(values, expected, atol=2e-2)


def test_noise_has_unit_spread_and_no_mean() -> None:
    lattice = Lattice(start=(0.0, 0.0, 0.0), shape=(60, 60, 60))
    noise = lattice.noise(np.random.default_rng(0), 12)
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.15
    assert 0.85 < noise.std() < 1.15


def test_noise_is_as_smooth_as_its_wavelength() -> None:
    lattice = Lattice(start=(0.0, 0.0, 0.0), shape=(60, 60, 60))
    rough, smooth = (lattice.noise(np.random.default_rng(0), wavelength) for wavelength in (8, 40))
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.3 * np.abs(np.diff(rough, axis=0)).mean()


def test_a_lattice_needs_points() -> None:
    with pytest.raises(ValueError, match="at least 4 points"):
        Lattice(start=(0.0, 0.0, 0.0), shape=(3, 9, 9))
