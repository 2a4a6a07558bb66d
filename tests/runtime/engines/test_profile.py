from __future__ import annotations

from typing import Any

import pytest

from runtime.engines.profile import PROFILES, Profile, profiles_of
from runtime.planes import Plane


def test_its_shapes_go_from_one_small_slice_to_a_batch_of_large_ones() -> None:
    shapes = Profile(8, (448, 384), (1024, 512)).shapes(channels=2)
    assert shapes == ((1, 2, 32, 32), (8, 2, 448, 384), (8, 2, 1024, 512))


def test_a_manifest_may_say_as_much_as_it_likes() -> None:
    assert profiles_of({}) == PROFILES
    said = {"axial": {"optimum": [320, 256], "largest": [512, 512]}, "coronal": {"optimum": [160, 256]}}
    profiles = profiles_of(said)
    assert profiles[Plane.AXIAL] == Profile(8, (320, 256), (512, 512))
    assert profiles[Plane.CORONAL] == Profile(8, (160, 256), (1024, 1024))
    assert profiles[Plane.SAGITTAL] == PROFILES[Plane.SAGITTAL]
    assert said["axial"] == {"optimum": [320, 256], "largest": [512, 512]}


@pytest.mark.parametrize(
    "sizes",
    [
        {"oblique": {}},
        {"axial": {"optimum": [100, 100]}},
        {"axial": {"optimum": [32]}},
        {"axial": {"optimum": [2048, 2048]}},
        {"axial": {"optimum": "large"}},
        {"axial": 7},
        ["axial"],
        7,
    ],
)
def test_what_it_says_must_make_sense(sizes: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        profiles_of(sizes)
