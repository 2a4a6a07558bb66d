import numpy as np
import pytest

from phantom.acquisition import acquire, table_positions
from runtime.volume import AIR_HU, Geometry, Volume


def ramp(shape: tuple[int, int, int] = (40, 30, 20)) -> Volume:
    """HU that are linear in the position: 10 z + 4 y + x, at 1 x 2 x 3 mm."""
    geometry = Geometry.axis_aligned(shape, (1.0, 2.0, 3.0))
    k, j, i = np.indices(shape)
    x, y, z = (geometry.origins[0, a] + index * step for a, index, step in ((0, i, 3.0), (1, j, 2.0), (2, k, 1.0)))
    return Volume(np.rint(10 * z + 4 * y + x).astype(np.int16), geometry)


def test_thin_straight_slices_are_the_planes_themselves() -> None:
    volume = ramp()
    scanned = acquire(volume, table_positions(volume, 1.0))
    np.testing.assert_array_equal(scanned.hu, volume.hu)
    np.testing.assert_allclose(scanned.geometry.origins, volume.geometry.origins)


def test_thick_slices_lie_inside_and_average() -> None:
    volume = ramp()
    table = table_positions(volume, 5.0, 5.0)
    scanned = acquire(volume, table, thickness_mm=5.0)
    assert scanned.geometry.spacing_mm == pytest.approx((5, 2, 3))
    assert scanned.geometry.origins[0, 2] == pytest.approx(volume.geometry.origins[0, 2] + 2.5)
    z = np.array(table)[:, None]
    y = scanned.geometry.origins[0, 1] + 2.0 * np.arange(30)
    x = scanned.geometry.origins[0, 0] + 3.0 * 7
    np.testing.assert_allclose(scanned.hu[:, :, 7], 10 * z + 4 * y + x, atol=1.01)


def test_a_thick_slice_mixes_a_thin_layer() -> None:
    hu = np.zeros((21, 4, 4), dtype=np.int16)
    hu[10] = 100
    volume = Volume(hu, Geometry.axis_aligned(hu.shape, (1.0, 1.0, 1.0)))
    (plane,) = acquire(volume, (0.0,), thickness_mm=5.0).hu
    assert plane == pytest.approx(20, abs=1)


@pytest.mark.parametrize("tilt", [-18.5, 12.0])
def test_a_tilted_gantry_leans_its_planes_and_stacks_them_on_the_table(tilt: float) -> None:
    volume = ramp()
    scanned = acquire(volume, table_positions(volume, 4.0), tilt_degrees=tilt)
    geometry = scanned.geometry
    assert geometry.tilt_degrees == pytest.approx(abs(tilt))
    np.testing.assert_allclose(np.diff(geometry.origins, axis=0), np.tile((0, 0, 4.0), (9, 1)), atol=1e-9)
    assert geometry.spacing_mm == pytest.approx((4 * np.cos(np.radians(tilt)), 2, 3))
    assert np.sign(geometry.y_step[2]) == np.sign(tilt)  # the back goes up with a positive tilt
    # Every voxel holds what lies at its own place in the patient.
    k, j, i = np.indices(scanned.shape)
    at = geometry.origins[k] + j[..., None] * geometry.y_step + i[..., None] * geometry.x_step
    expected = 10 * at[..., 2] + 4 * at[..., 1] + at[..., 0]
    scanned_here = scanned.hu != AIR_HU
    whole = scanned_here & (np.abs(at[..., 2]) <= 19.5) & (np.abs(at[..., 1]) <= 29)
    assert whole.mean() > 0.5
    np.testing.assert_allclose(scanned.hu[whole], expected[whole], atol=1.01)
    assert (scanned.hu[np.abs(at[..., 2]) > 20.5] == AIR_HU).all()


def test_table_positions_may_be_uneven() -> None:
    volume = ramp()
    scanned = acquire(volume, (-15.0, -13.0, -11.0, -6.0, -1.0, 4.0))
    np.testing.assert_allclose(scanned.geometry.gaps, [2, 2, 5, 5, 5])
    assert not scanned.geometry.is_evenly_spaced


def test_what_can_not_be_scanned_is_refused() -> None:
    volume = ramp()
    tilted = acquire(volume, table_positions(volume, 4.0), tilt_degrees=10.0)
    with pytest.raises(ValueError, match="regular axial volume"):
        acquire(tilted, (0.0,))
    with pytest.raises(ValueError, match="ascending order"):
        acquire(volume, (4.0, 0.0))
    with pytest.raises(ValueError, match="no gantry tilts"):
        acquire(volume, (0.0,), tilt_degrees=50.0)
