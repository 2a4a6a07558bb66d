from __future__ import annotations

from export.crop_sizes import crop_sizes
from runtime.engines.profile import profiles_of
from runtime.planes import Plane


def test_each_side_is_the_median_as_networks_take_it() -> None:
    shapes = [(150, 300, 290), (170, 352, 330), (161, 320, 700)]  # z 161, y 320, x 330
    assert crop_sizes(shapes) == {
        "axial": {"optimum": [320, 352], "largest": [1024, 1024]},
        "coronal": {"optimum": [192, 352], "largest": [1024, 1024]},
        "sagittal": {"optimum": [192, 320], "largest": [1024, 1024]},
    }


def test_between_two_heads_lies_their_middle() -> None:
    assert crop_sizes([(32, 32, 32), (98, 32, 32)])["coronal"]["optimum"] == [96, 32]  # of 65


def test_heads_beyond_every_scanner_raise_the_largest() -> None:
    profiles = profiles_of(crop_sizes([(40, 1100, 1000)]))
    assert profiles[Plane.AXIAL].optimum == (1120, 1024)
    assert profiles[Plane.AXIAL].largest == (1120, 1024)
