from __future__ import annotations

import numpy as np
import pytest

from runtime.codes import Code
from runtime.errors import StudyRejected
from runtime.head import find_head
from runtime.volume import Geometry, Volume
from tests.builders import head


def test_a_head_is_found_with_its_skull() -> None:
    volume = head()
    found = find_head(volume)
    bone = np.argwhere(volume.hu == 900)
    low, high = bone.min(axis=0), bone.max(axis=0)
    for one, first, last in zip(found.box, low, high, strict=True):
        assert one.start <= first + 2
        assert one.stop >= last - 1
    assert found.flags == ()


def test_in_plane_the_box_lies_on_the_networks_grid() -> None:
    """32 voxels from the image's corner, which the networks' strides make; or it ends with the image."""
    volume = head()
    hu = np.pad(volume.hu, ((0, 0), (40, 70), (90, 0)), constant_values=-1024)
    z, y, x = find_head(Volume(hu, Geometry.axis_aligned(hu.shape, volume.geometry.spacing_mm))).box
    assert z == find_head(volume).box[0]
    assert (y.start, y.stop) == (32, 160)
    assert (x.start, x.stop) == (96, hu.shape[2])


def test_the_midline_follows_a_turned_head() -> None:
    volume = head()
    sheared = np.stack([np.roll(plane, 5, axis=1) for plane in volume.hu])
    midline = find_head(Volume(sheared, volume.geometry)).midline
    assert midline.a + midline.b * 50 + midline.c * 50 == pytest.approx(49.5 + 5, abs=0.6)


@pytest.mark.parametrize(
    ("inside", "skull", "code"), [(-1000, True, Code.NO_BRAIN), (30, False, Code.NOT_HEAD), (150, True, Code.NO_BRAIN)]
)
def test_what_is_no_head_with_a_brain(inside: int, skull: bool, code: Code) -> None:
    with pytest.raises(StudyRejected) as caught:
        find_head(head(inside=inside, skull=skull))
    assert caught.value.code is code


def test_a_body_is_too_wide_for_a_head() -> None:
    hu = np.full((60, 120, 160), 40, dtype=np.int16)
    with pytest.raises(StudyRejected) as caught:
        find_head(Volume(hu, Geometry.axis_aligned(hu.shape, (3.0, 3.0, 3.0))))
    assert caught.value.code is Code.NOT_HEAD


@pytest.mark.parametrize(("planes", "word"), [(slice(0, 75), "vertex"), (slice(45, 100), "base")])
def test_a_scan_that_stops_within_the_brain_is_flagged(planes: slice, word: str) -> None:
    volume = head()
    box = (slice(planes.start, planes.stop), slice(0, 100), slice(0, 100))
    (flag,) = find_head(volume.cropped(box)).flags
    assert flag.code is Code.PARTIAL_COVERAGE
    assert word in flag.detail


def test_a_skull_defect_does_not_hide_the_brain() -> None:
    volume = head()
    hu = volume.hu.copy()
    hu[:, :, :25][hu[:, :, :25] == 900] = 20
    found = find_head(Volume(hu, volume.geometry))
    whole = find_head(volume)
    assert found.box[0] == whole.box[0]
    assert found.box[2] == whole.box[2]


@pytest.mark.parametrize("filling", [-1024, 0, 3000])
@pytest.mark.parametrize("planes", [slice(58, 59), slice(56, 60)])
def test_a_blank_or_metal_ridden_plane_hides_no_brain(filling: int, planes: slice) -> None:
    volume = head()
    hu = volume.hu.copy()
    hu[planes] = filling
    found, whole = find_head(Volume(hu, volume.geometry)), find_head(volume)
    assert found.box[0].stop >= whole.box[0].stop - 2
    assert found.box[0].start <= whole.box[0].start + 2
    if planes.stop - planes.start > 2:
        (flag,) = found.flags
        assert (flag.code, flag.forbids_none) == (Code.PARTIAL_COVERAGE, True)
        assert "interrupted" in flag.detail
