from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from runtime.codes import Code
from runtime.errors import StudyRejected
from runtime.stacking import build_volume
from runtime.study import Image
from tests.builders import image, series

PLANES = 24


def pixels(count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.integers(-1000, 1000, (count, 4, 5), dtype=np.int16)


def at(places: list[float], numbers: list[int] | None = None) -> list[Image]:
    numbers = numbers or list(range(1, len(places) + 1))
    return [image(n, position=(0.0, 0.0, z)) for n, z in zip(numbers, places, strict=True)]


def codes(places: list[float], numbers: list[int] | None = None) -> list[Code]:
    stack = build_volume(series(at(places, numbers)), pixels(len(places)))
    return [flag.code for flag in stack.flags]


def test_order_comes_from_positions() -> None:
    images = at([2.0 * k for k in range(PLANES)])
    hu = pixels(PLANES)
    order = np.random.default_rng(2).permutation(PLANES)
    stack = build_volume(series([images[index] for index in order]), hu[order])
    assert np.array_equal(stack.volume.hu, hu)
    assert stack.volume.geometry.spacing_mm == pytest.approx((2.0, 0.5, 0.5))


def test_all_24_orientations_give_the_same_lps_volume() -> None:
    """Rows and columns along any two patient axes in any direction: the same voxels at the same places."""
    rng = np.random.default_rng(3)
    lps = rng.integers(-1000, 1000, (24, 26, 28), dtype=np.int16)  # z, y, x
    spacing = np.array([2.0, 2.5, 3.0])  # of z, y, x
    seen = 0
    for axes in permutations(range(3)):
        for flips in product((False, True), repeat=2):
            stack_axis, row_axis, column_axis = axes
            moved = lps.transpose(axes)
            moved = moved[:, :: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
            images = []
            # direction of increasing row number (down a column) and of increasing column number (along a row)
            down = np.eye(3)[2 - row_axis] * (-1 if flips[0] else 1)
            along = np.eye(3)[2 - column_axis] * (-1 if flips[1] else 1)
            for k in range(moved.shape[0]):
                index = np.zeros(3)
                index[stack_axis] = k
                index[row_axis] = lps.shape[row_axis] - 1 if flips[0] else 0
                index[column_axis] = lps.shape[column_axis] - 1 if flips[1] else 0
                position = (index * spacing)[::-1] + np.array([-10.0, 20.0, 5.0])
                images.append(
                    image(
                        k + 1,
                        position=tuple(position),
                        orientation=(*along, *down),
                        pixel_spacing=(spacing[row_axis], spacing[column_axis]),
                    )
                )
            volume = build_volume(series(images), np.ascontiguousarray(moved)).volume
            assert np.array_equal(volume.hu, lps), (axes, flips)
            assert volume.geometry.affine[:3, 3] == pytest.approx([-10.0, 20.0, 5.0])
            assert np.diag(volume.geometry.affine)[:3] == pytest.approx(spacing[::-1])
            seen += 1
    assert seen == 24


def test_a_gap_of_several_slices_is_rejected_and_a_small_one_flagged() -> None:
    places = [float(k) for k in range(80)]
    with pytest.raises(StudyRejected) as caught:
        codes([z for z in places if not 30 <= z < 36])
    assert caught.value.code is Code.MISSING_SLICES
    assert codes([z for z in places if z != 30.0]) == [Code.MISSING_SLICES, Code.VARIABLE_SPACING]


def test_every_other_slice_missing_is_seen_by_the_instance_numbers() -> None:
    kept = [k for k in range(80) if not (40 <= k < 50 and k % 2)]
    assert Code.MISSING_SLICES in codes([float(k) for k in kept], [k + 1 for k in kept])


def test_a_change_of_spacing_is_not_a_gap() -> None:
    places = [4.0 * k for k in range(12)]
    places += [places[-1] + 1.1 + 7.0 * k for k in range(12)]
    assert codes(places) == [Code.VARIABLE_SPACING, Code.THICK_SLICES]


def test_exact_copies_are_ignored_and_different_images_at_one_place_rejected() -> None:
    images = at([2.0 * k for k in range(PLANES)])
    hu = pixels(PLANES)
    stack = build_volume(series([*images, images[5]]), np.concatenate([hu, hu[5:6]]))
    assert stack.volume.shape[0] == PLANES
    assert Code.REPEATED_IMAGES in [flag.code for flag in stack.flags]
    with pytest.raises(StudyRejected) as caught:
        build_volume(series([*images, images[5]]), np.concatenate([hu, hu[6:7]]))
    assert caught.value.code is Code.DUPLICATE_SLICES


@pytest.mark.parametrize("places", [[0.0], [0.5 * k for k in range(20)]])
def test_too_little_for_a_head(places: list[float]) -> None:
    with pytest.raises(StudyRejected) as caught:
        codes(places)
    assert caught.value.code is Code.TOO_FEW_SLICES


@pytest.mark.parametrize(
    "change", [{"position": None}, {"orientation": (1.0, 0.0, 0.0, 0.9, 0.1, 0.0)}, {"orientation": None}]
)
def test_geometry_that_is_missing_or_impossible_is_unreadable(change: dict[str, object]) -> None:
    images = [image(k + 1, **change) for k in range(PLANES)]
    with pytest.raises(StudyRejected) as caught:
        build_volume(series(images), pixels(PLANES))
    assert caught.value.code is Code.UNREADABLE


def test_instance_numbers_that_only_jump_are_flagged() -> None:
    assert Code.MISSING_SLICES in codes([2.0 * k for k in range(40)], [2 * k + 1 for k in range(40)])


def test_a_block_shifted_sideways_is_flagged_and_has_no_affine() -> None:
    images = [image(k + 1, position=(10.0 if k >= 30 else 0.0, 0.0, float(k))) for k in range(60)]
    stack = build_volume(series(images), pixels(60))
    assert Code.SHIFTED_SLICES in [flag.code for flag in stack.flags]
    assert all(flag.forbids_none for flag in stack.flags if flag.code is Code.SHIFTED_SLICES)
    with pytest.raises(ValueError, match="no affine"):
        _ = stack.volume.geometry.affine


@pytest.mark.parametrize(
    "change",
    [
        {"pixel_spacing": (1e-6, 1e-6)},
        {"pixel_spacing": (30.0, 30.0)},
        {"positions": lambda k: (0.0, 0.0, 1e5 * k)},
        {"positions": lambda k: (0.0, 0.0, 1e305 * k)},
        {"positions": lambda k: (0.0, 0.0, 40.0 * k)},
        {"positions": lambda k: (0.0, 20.0 * k, 2.0 * k)},
    ],
)
def test_geometry_that_no_scanner_has_is_unreadable(change: dict[str, object]) -> None:
    place = change.pop("positions", lambda k: (0.0, 0.0, 2.0 * k))
    assert callable(place)
    images = [image(k + 1, position=place(k), **change) for k in range(PLANES)]
    with pytest.raises(StudyRejected) as caught:
        build_volume(series(images), pixels(PLANES))
    assert caught.value.code is Code.UNREADABLE


def test_numbers_that_only_jump_hide_no_hole() -> None:
    places = [float(k) for k in range(80) if not 30 <= k < 36]
    with pytest.raises(StudyRejected) as caught:
        codes(places, [2 * k + 1 for k in range(len(places))])
    assert caught.value.code is Code.MISSING_SLICES
