"""A patient who moved: some slices are the mean of two poses, with streaks from what no longer fits. No anatomy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from phantom.fields import Field, Point

_STREAK_MM = 60.0


@dataclass(frozen=True, slots=True)
class Motion:
    """One jerk.

    centre, reach: of the slices that it spoils, as shares of the scan's height; it fades in and out between them
    shift_mm: along (rows, columns) between the two poses
    share: of the second pose in the middle slice, at most one half, so that what is labelled stays where it is
    streaks: share of the difference between the poses that is smeared along the shift
    ValueError for a share beyond one half, or a reach of 0.
    """

    centre: float
    reach: float
    shift_mm: tuple[float, float]
    share: float
    streaks: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 0.5 or self.reach <= 0 or self.streaks < 0:
            raise ValueError(f"no patient moves like this: {self}")

    @classmethod
    def random(cls, rng: np.random.Generator) -> Motion:
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(1.5, 4.0)
        return cls(
            centre=float(rng.uniform(0.25, 0.85)),
            reach=float(rng.uniform(0.04, 0.2)),
            shift_mm=(float(length * np.sin(angle)), float(length * np.cos(angle))),
            share=float(rng.uniform(0.1, 0.4)),
            streaks=float(rng.uniform(0.03, 0.25)),
        )

    def spoil(self, hu: Field, spacing: Point) -> Field:
        """`hu` (Z, Y, X) at `spacing` (z, y, x mm), in place."""
        _, dy, dx = spacing
        shift = self.shift_mm[0] / dy, self.shift_mm[1] / dx
        axis = int(abs(self.shift_mm[0]) < abs(self.shift_mm[1]))
        width = max(3, round(_STREAK_MM / (dy, dx)[axis]))
        for plane in range(len(hu)):
            away = (plane / max(len(hu) - 1, 1) - self.centre) / self.reach
            weight = np.float32(np.exp(-(away**2)))
            if weight < 0.05:
                continue
            moved: Field = ndimage.shift(hu[plane], shift, order=1, mode="nearest")
            difference = moved - hu[plane]
            smeared = ndimage.uniform_filter1d(difference, width, axis=axis, mode="nearest")
            hu[plane] += weight * (np.float32(self.share) * difference + np.float32(self.streaks) * smeared)
        return hu
