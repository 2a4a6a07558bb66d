from __future__ import annotations

import numpy as np
import pytest

from runtime.volume import Geometry, Volume


def tilted(degrees: float, gaps: list[float]) -> Geometry:
    """Planes leaning by `degrees` about x, stacked along the patient's z, as a tilted gantry makes them."""
    radians = np.radians(degrees)
    z = np.concatenate(([0.0], np.cumsum(gaps)))
    origins = np.stack([0 * z, 0 * z, z], axis=1)
    return Geometry(origins, np.array([0.5, 0, 0]), 0.5 * np.array([0, np.cos(radians), -np.sin(radians)]))


def test_spacing_is_measured_along_the_normal_not_along_the_table() -> None:
    geometry = tilted(60, [2.0, 2.0])
    assert geometry.gaps == pytest.approx([1.0, 1.0])
    assert geometry.tilt_degrees == pytest.approx(60)
    assert geometry.is_tilted
    assert geometry.is_evenly_spaced


def test_slice_widths_are_half_the_distance_to_each_neighbour() -> None:
    geometry = tilted(0, [1.0, 3.0, 5.0])
    assert geometry.slice_widths_mm == pytest.approx([1.0, 2.0, 4.0, 5.0])
    assert not geometry.is_evenly_spaced
    with pytest.raises(ValueError, match="no affine"):
        _ = geometry.affine


def test_a_crop_keeps_voxels_where_they_were() -> None:
    geometry = Geometry.axis_aligned((10, 20, 30), (2.0, 1.0, 0.5))
    volume = Volume(np.arange(6000, dtype=np.int16).reshape(10, 20, 30), geometry)
    crop = volume.cropped((slice(3, 6), slice(4, 9), slice(5, 30)))
    assert crop.hu[1, 2, 3] == volume.hu[4, 6, 8]
    assert crop.geometry.affine @ [3, 2, 1, 1] == pytest.approx(geometry.affine @ [8, 6, 4, 1])


def test_what_exists_is_valid() -> None:
    steps = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    with pytest.raises(ValueError, match="ascending"):
        Geometry(np.array([[0, 0, 1.0], [0, 0, 0.0]]), *steps)
    with pytest.raises(ValueError, match="perpendicular"):
        Geometry(np.zeros((1, 3)), steps[0], np.array([1.0, 1.0, 0]))
    with pytest.raises(ValueError, match="finite"):
        Geometry(np.full((1, 3), np.nan), *steps)
    with pytest.raises(ValueError, match="int16"):
        Volume(np.zeros((1, 2, 2)), Geometry(np.zeros((1, 3)), *steps))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="2 planes"):
        Volume(np.zeros((2, 2, 2), np.int16), Geometry(np.zeros((1, 3)), *steps))
