from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from appliance.pictures import FURTHER_PICTURES, Picture, View, head_box, key_pictures, picture
from runtime.classification import Call, StrokeClass
from runtime.pipeline import Analysis
from runtime.volume import AIR_HU, Box, Geometry, Volume
from tests.appliance.outcomes import LEFT_LESION, RIGHT_LESION, SHAPE, SPACING_MM, completed, head, masked

EVERYTHING: Box = (slice(0, SHAPE[0]), slice(0, SHAPE[1]), slice(0, SHAPE[2]))


def analysis(call: Call = Call.IH, *boxes: Box, stroke: StrokeClass = StrokeClass.IH) -> Analysis:
    """The hand-made head with boxes marked."""
    found = completed(call, masked(stroke, *boxes)).analysis
    assert found is not None
    return found


def with_bright(voxel: tuple[int, int, int]) -> Analysis:
    """Air with one voxel of 80 HU."""
    hu = np.full(SHAPE, AIR_HU, dtype=np.int16)
    hu[voxel] = 80
    volume = Volume(hu, Geometry.axis_aligned(SHAPE, SPACING_MM))
    return replace(analysis(), native=volume, grid=volume)


def half(where: float, size: int) -> str:
    return "first" if where < size / 2 else "second"


def test_a_lesion_on_the_patients_right_is_on_the_pictures_left_under_the_r() -> None:
    axial, coronal, _ = key_pictures(analysis(Call.IH, RIGHT_LESION))
    for one in (axial, coronal):
        assert (one.view.left, one.view.right) == ("R", "L")
        columns = [column for contour in one.contours for column, _ in contour.points]
        assert columns
        assert max(columns) < one.grey.shape[1] / 2


@pytest.mark.parametrize("view", View)
def test_place_says_where_a_voxel_is_drawn(view: View) -> None:
    voxel = (30, 25, 50)
    shown = picture(with_bright(voxel), view, voxel[view.across], EVERYTHING)
    column, row = shown.place(voxel)
    bright = np.argwhere(shown.grey == shown.grey.max()).mean(axis=0) + 0.5
    assert shown.grey.max() > 200
    assert bright == pytest.approx([row, column], abs=0.6)


@pytest.mark.parametrize(
    ("view", "voxel", "edge", "letter"),
    [
        (View.AXIAL, (22, 5, 36), "top", "A"),
        (View.AXIAL, (22, 75, 36), "bottom", "P"),
        (View.AXIAL, (22, 40, 5), "left", "R"),
        (View.AXIAL, (22, 40, 65), "right", "L"),
        (View.CORONAL, (40, 40, 36), "top", "H"),
        (View.CORONAL, (4, 40, 36), "bottom", "F"),
        (View.CORONAL, (22, 40, 5), "left", "R"),
        (View.CORONAL, (22, 40, 65), "right", "L"),
        (View.SAGITTAL, (40, 40, 36), "top", "H"),
        (View.SAGITTAL, (4, 40, 36), "bottom", "F"),
        (View.SAGITTAL, (22, 5, 36), "left", "A"),
        (View.SAGITTAL, (22, 75, 36), "right", "P"),
    ],
)
def test_every_letter_stands_where_that_part_of_the_patient_is(
    view: View, voxel: tuple[int, int, int], edge: str, letter: str
) -> None:
    shown = picture(with_bright(voxel), view, voxel[view.across], EVERYTHING)
    row, column = np.argwhere(shown.grey == shown.grey.max()).mean(axis=0)
    rows, columns = shown.grey.shape
    assert getattr(view, edge) == letter
    if edge in ("top", "bottom"):
        assert half(row, rows) == ("first" if edge == "top" else "second")
    else:
        assert half(column, columns) == ("first" if edge == "left" else "second")


def test_pixels_are_square() -> None:
    cube: Box = (slice(20, 26), slice(36, 44), slice(30, 40))  # 24 x 24 x 25 mm in voxels of 4 x 3 x 2.5 mm
    for one in key_pictures(analysis(Call.IH, cube)):
        columns, rows = zip(*one.contours[0].points, strict=True)
        width, height = (max(columns) - min(columns)) * one.pixel_mm, (max(rows) - min(rows)) * one.pixel_mm
        assert height == pytest.approx(24)
        assert width == pytest.approx(24 if one.view is View.SAGITTAL else 25)


@pytest.mark.parametrize("number", range(3))
def test_the_contour_runs_around_the_mask(number: int) -> None:
    one = key_pictures(analysis(Call.IH, RIGHT_LESION))[number]
    low = one.place((RIGHT_LESION[0].start - 0.5, RIGHT_LESION[1].start - 0.5, RIGHT_LESION[2].start - 0.5))
    high = one.place((RIGHT_LESION[0].stop - 0.5, RIGHT_LESION[1].stop - 0.5, RIGHT_LESION[2].stop - 0.5))
    (contour,) = one.contours
    columns, rows = zip(*contour.points, strict=True)
    assert (min(columns), max(columns)) == pytest.approx((low[0], high[0]))
    assert (min(rows), max(rows)) == pytest.approx(tuple(sorted((low[1], high[1]))))
    assert contour.stroke is StrokeClass.IH


def test_the_axial_picture_is_where_the_lesion_is_largest() -> None:
    narrow: Box = (slice(20, 28), slice(40, 44), slice(20, 24))
    wide: Box = (slice(27, 28), slice(36, 48), slice(16, 28))
    assert key_pictures(analysis(Call.IH, narrow, wide))[0].index == 27


def test_all_three_pictures_show_a_lesion_that_is_hollow_at_its_centre() -> None:
    shell = masked(StrokeClass.IH, (slice(18, 28), slice(20, 60), slice(16, 56)))
    shell[20:26, 24:56, 20:52] = 0
    shell[:, 36:60, :] = 0  # an arch, open to the back
    found = completed(Call.IH, shell).analysis
    assert found is not None
    assert all(one.contours for one in key_pictures(found)[:3])


def test_without_lesions_there_are_three_pictures_of_the_head() -> None:
    pictures = key_pictures(analysis(Call.NONE))
    assert [one.view for one in pictures] == [View.AXIAL, View.CORONAL, View.SAGITTAL]
    for one in pictures:
        assert one.subject == "through the middle of the head"
        assert not one.contours
        assert (one.grey == 255).any()  # skull
        assert np.median(one.grey) == pytest.approx(35 / 80 * 255, abs=1)  # brain


def test_lesions_in_other_slices_get_axial_pictures_and_those_already_shown_do_not() -> None:
    beside: Box = (slice(26, 32), slice(52, 56), slice(40, 44))
    pictures = key_pictures(analysis(Call.IH, RIGHT_LESION, LEFT_LESION, beside))
    assert [one.view for one in pictures[3:]] == [View.AXIAL]
    assert pictures[3].index in range(20, 23)
    assert [one.subject for one in pictures] == [
        "largest area marked IH",
        "through the same area",
        "through the same area",
        "further area marked IH",
    ]


def test_a_speck_gets_no_picture_of_its_own_unless_it_is_all_there_is() -> None:
    """Voxels of 0.03 ml."""
    three: Box = (slice(21, 22), slice(44, 45), slice(46, 49))
    four: Box = (slice(14, 15), slice(44, 45), slice(46, 50))
    pictures = key_pictures(analysis(Call.IH, RIGHT_LESION, three, four))
    assert [one.index for one in pictures[3:]] == [14]
    assert key_pictures(analysis(Call.IH, three))[0].subject == "largest area marked IH"


def test_a_speck_of_the_called_class_hides_no_area_of_the_other() -> None:
    speck: Box = (slice(21, 22), slice(44, 45), slice(36, 39))
    mask = masked(StrokeClass.IH, RIGHT_LESION, speck) | masked(StrokeClass.IS, LEFT_LESION)
    found = completed(Call.IH, mask).analysis
    assert found is not None
    assert [one.subject for one in key_pictures(found)[3:]] == ["further area marked IS"]


def test_the_number_of_further_pictures_is_limited() -> None:
    many = [(slice(z, z + 1), slice(30, 34), slice(30, 34)) for z in range(8, 36, 2)]
    assert len(key_pictures(analysis(Call.IH, *many))) == 3 + FURTHER_PICTURES


def test_the_called_class_comes_first_even_where_another_is_larger() -> None:
    mask = masked(StrokeClass.IH, RIGHT_LESION) | masked(StrokeClass.IS, LEFT_LESION)
    found = completed(Call.IS, mask).analysis
    assert found is not None
    assert [contour.stroke for contour in key_pictures(found)[0].contours] == [StrokeClass.IS]


def surrounded(pad: int) -> Volume:
    """The head in `pad` voxels of air on all sides, on a table."""
    inner = head()
    shape = (SHAPE[0] + 2 * pad, SHAPE[1] + 2 * pad, SHAPE[2] + 2 * pad)
    hu = np.full(shape, AIR_HU, dtype=np.int16)
    hu[pad:-pad, pad:-pad, pad:-pad] = inner.hu
    hu[:, -4, :] = 100
    return Volume(hu, Geometry.axis_aligned(shape, SPACING_MM))


def test_pictures_are_cut_to_the_head() -> None:
    pad = 30
    whole, tight = head_box(surrounded(pad)), head_box(head())
    for around, alone in zip(whole, tight, strict=True):
        assert around.start - pad <= alone.start
        assert around.stop - pad >= alone.stop
        assert around.stop - around.start <= alone.stop - alone.start + 6


def test_a_marked_area_outside_the_head_is_still_shown() -> None:
    volume = surrounded(30)
    stray: Box = (slice(60, 62), slice(40, 44), slice(5, 9))
    found = completed(Call.IH, masked(StrokeClass.IH, stray, shape=volume.shape), volume=volume).analysis
    assert found is not None
    axial = key_pictures(found)[0]
    assert all(0 <= column <= axial.grey.shape[1] for column, _ in axial.contours[0].points)


def test_large_volumes_give_pictures_of_limited_size() -> None:
    volume = Volume(np.full((40, 50, 60), 40, np.int16), Geometry.axis_aligned((40, 50, 60), (10.0, 10.0, 10.0)))
    found = completed(Call.NONE, volume=volume).analysis
    assert found is not None
    pictures: tuple[Picture, ...] = key_pictures(found)
    assert max(max(one.grey.shape) for one in pictures) <= 420
