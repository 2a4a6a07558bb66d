"""Which heads make a cohort: seeds, classes, hard negatives and voxels of each purpose, as docs/cohort.md defines them.

A plan only: it makes no head. Seeds below 100,000 belong to tests and demonstrations.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from phantom.difficulty import COHORT, STANDARD, Difficulty
from phantom.fields import Point
from runtime.classification import StrokeClass

STANDARD_SEEDS = 100_000
COHORT_SEEDS = 1_000_000
MOST = 99_999
"""Heads of one purpose."""
_TRAINING = (StrokeClass.IS, None, StrokeClass.IH, None)
_THIRDS = (None, StrokeClass.IS, StrokeClass.IH)
_THICK_EVERY = 4


class Purpose(str, Enum):
    """What heads are for; each purpose has seeds of its own, and in each difficulty others."""

    TRAINING = "training"
    VALIDATION = "validation"
    CALIBRATION = "calibration"
    TEST = "test"

    @property
    def first_seed(self) -> int:
        """Of the standard difficulty: 100,000, 200,000 and on."""
        return STANDARD_SEEDS * (list(Purpose).index(self) + 1)

    @property
    def first_cohort_seed(self) -> int:
        """Of the cohort difficulty: 1,000,000, 2,000,000 and on."""
        return COHORT_SEEDS * (list(Purpose).index(self) + 1)


class Size(str, Enum):
    """FULL: a scanner's own voxels. REDUCED: half as fine, about 256 x 256 pixels; many heads fit a short time."""

    FULL = "full"
    REDUCED = "reduced"

    @property
    def grid_mm(self) -> float:
        """Slices of the analysis grid, which thicker series are resampled to."""
        return 1.0 if self is Size.FULL else 1.5

    @property
    def thin_mm(self) -> tuple[float, float]:
        return (0.8, 1.2) if self is Size.FULL else (1.5, 1.5)

    @property
    def pixel_mm(self) -> tuple[float, float]:
        return (0.42, 0.55) if self is Size.FULL else (0.90, 1.02)


THICK_MM = (3.0, 5.5)


@dataclass(frozen=True, slots=True)
class Scan:
    """One head to be synthesised.

    spacing_mm: (z, y, x) as scanned, before any resampling; slices are as thick as they are apart
    grid_mm: what slices thicker than the appliance takes as they are will be resampled to
    """

    seed: int
    stroke: StrokeClass | None
    spacing_mm: Point
    difficulty: Difficulty = STANDARD
    has_pitfalls: bool = False
    grid_mm: float = 1.0


def cohort(purpose: Purpose, count: int, size: Size = Size.REDUCED) -> tuple[Scan, ...]:
    """`count` scans of the cohort difficulty; more heads begin with the same ones.

    Half of each class has hard negatives; a quarter is scanned in thick slices. Training heads are half healthy, a
    quarter each IS and IH, those of other purposes a third each. ValueError beyond the purpose's seeds.
    """
    if not 0 < count <= MOST:
        raise ValueError(f"count must be 1 to {MOST:,}")
    rng = np.random.default_rng(purpose.first_cohort_seed)
    classes = _TRAINING if purpose is Purpose.TRAINING else _THIRDS
    chosen = []
    for number in range(count):
        round_of = number // len(classes)
        thin, thick, pixel = (float(rng.uniform(*limits)) for limits in (size.thin_mm, THICK_MM, size.pixel_mm))
        is_thick = round_of // 2 % _THICK_EVERY == _THICK_EVERY - 1
        z, pixel = round(thick if is_thick else thin, 3), round(pixel, 4)
        scan = Scan(
            purpose.first_cohort_seed + number,
            classes[number % len(classes)],
            (z, pixel, pixel),
            COHORT,
            has_pitfalls=round_of % 2 == 1,
            grid_mm=size.grid_mm,
        )
        chosen.append(scan)
    return tuple(chosen)
