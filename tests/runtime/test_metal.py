from __future__ import annotations

import numpy as np
import pytest

from runtime.codes import Code
from runtime.metal import METAL_HU, metal_flags
from runtime.volume import Geometry, Volume


@pytest.mark.parametrize(
    ("voxels", "hu", "flagged"),
    [(100, METAL_HU, True), (99, METAL_HU, False), (5000, METAL_HU - 1, False)],
)
def test_a_tenth_of_a_millilitre_of_what_is_brighter_than_bone(voxels: int, hu: int, flagged: bool) -> None:
    values = np.full(20 * 20 * 20, 30, np.int16)
    values[:voxels] = hu  # of a microlitre each
    volume = Volume(values.reshape(20, 20, 20), Geometry.axis_aligned((20, 20, 20), (1.0, 1.0, 1.0)))
    assert [flag.code for flag in metal_flags(volume)] == ([Code.METAL] if flagged else [])
