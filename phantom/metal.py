"""A surgical clip in a finished head: metal brighter than the scanner can tell, and the streaks that it throws."""

from __future__ import annotations

import numpy as np

from runtime.volume import Volume

BRIGHTEST_HU = 3071
"""Where 12 bits end."""
_CLIP_RADIUS_MM = 4.0
_STREAKS = 12
_STREAK_HU = 220.0
_STREAK_MM = 45.0
"""How far a streak has faded to 1/e."""
_OFF_MIDDLE = (0.1, -0.05, 0.12)
"""Of the volume's extent, along (z, y, x): left of the middle, above the base."""


def with_clip(head: Volume) -> Volume:
    """`head` with a ball of metal in its left half, and dark and bright streaks in the planes that it lies in."""
    centre = (np.array(head.shape) - 1) * (0.5 + np.array(_OFF_MIDDLE))
    z, y, x = (
        (np.arange(size) - middle) * mm
        for size, middle, mm in zip(head.shape, centre, head.geometry.spacing_mm, strict=True)
    )
    away = np.sqrt(z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2)
    planes = np.abs(z) <= _CLIP_RADIUS_MM
    angle, radius = np.arctan2(y[:, None], x[None, :]), np.hypot(y[:, None], x[None, :])
    streaks = _STREAK_HU * np.cos(_STREAKS * angle) * np.exp(-radius / _STREAK_MM)
    hu = head.hu.astype(np.float32)
    hu[planes] += streaks.astype(np.float32)
    hu[away <= _CLIP_RADIUS_MM] = BRIGHTEST_HU
    return Volume(np.clip(np.rint(hu), -1024, BRIGHTEST_HU).astype(np.int16), head.geometry)
