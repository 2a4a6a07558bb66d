"""Synthetic heads as training data: which seeds, strokes and spacings, and through what of the appliance they pass.

Every head goes through the appliance's own grid and head crop, so that training sees what the engines will see. Seeds
below 100,000 belong to tests and demonstrations and are refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from phantom.synthesis import synthesise
from runtime.classification import StrokeClass
from runtime.grid import to_grid
from runtime.head import find_head
from runtime.volume import Volume
from training.heads import LabelledHead, save_head

SLICE_SPACING_MM = 1.0
THICK_MM = 5.0
THICK_EVERY = 4
"""One head in four is scanned in thick slices and resampled, as the appliance does with thick series."""
STROKES = (StrokeClass.IS, None, StrokeClass.IH, None)


class Purpose(str, Enum):
    """What heads are for; each purpose has seeds of its own."""

    TRAINING = "training"
    VALIDATION = "validation"
    CALIBRATION = "calibration"

    @property
    def first_seed(self) -> int:
        return 100_000 * (list(Purpose).index(self) + 1)


Spacing: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Scan:
    """What is synthesised: spacing_mm (z, y, x) as scanned, before any resampling."""

    seed: int
    stroke: StrokeClass | None
    spacing_mm: Spacing


def scans(purpose: Purpose, count: int, spacing_mm: Spacing | None = None) -> tuple[Scan, ...]:
    """`count` scans in varied spacings, or in `spacing_mm` alone; half of them healthy, a quarter each IS and IH.

    ValueError beyond the purpose's seeds.
    """
    if not 0 < count < 100_000:
        raise ValueError("count must be 1 to 99,999")
    rng = np.random.default_rng(purpose.first_seed)
    chosen = []
    for number in range(count):
        thick = number // len(STROKES) % THICK_EVERY == THICK_EVERY - 1
        z = THICK_MM if thick else round(float(rng.uniform(0.8, 1.2)), 3)
        pixel = round(float(rng.uniform(0.42, 0.55)), 4)
        chosen.append(
            Scan(purpose.first_seed + number, STROKES[number % len(STROKES)], spacing_mm or (z, pixel, pixel))
        )
    return tuple(chosen)


def make_head(scan: Scan) -> LabelledHead:
    """The head on the analysis grid, cropped as the appliance crops it. StrokeboxError where that finds no head."""
    synthetic = synthesise(scan.seed, scan.stroke, spacing_mm=scan.spacing_mm)
    grid = to_grid(synthetic.volume, SLICE_SPACING_MM)
    labels = synthetic.labels
    if grid is not synthetic.volume:
        labels = np.zeros(grid.shape, dtype=np.uint8)
        for stroke in StrokeClass:
            labels[_resampled(synthetic.labels == stroke.label, synthetic.volume)] = stroke.label
    box = find_head(grid).box
    return LabelledHead(scan.seed, scan.stroke, grid.geometry.spacing_mm, grid.hu[box], labels[box])


def _resampled(mask: NDArray[np.bool_], volume: Volume) -> NDArray[np.bool_]:
    """Contours interpolated linearly between the thick slices, as the paper does, through the volume's own grid."""
    return to_grid(Volume(np.where(mask, 1000, 0).astype(np.int16), volume.geometry), SLICE_SPACING_MM).hu >= 500


def _make_and_save(scan: Scan, out: Path) -> str:
    folder = out / f"{scan.seed}"
    if not (folder / "head.json").exists():
        save_head(make_head(scan), folder)
    return folder.name


def prepare(
    purpose: Purpose,
    count: int,
    out: Path,
    processes: int,
    spacing_mm: Spacing | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Make `count` heads under `out`, as many at a time as `processes`; those that are there already are kept."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        made = pool.map(_make_and_save, scans(purpose, count, spacing_mm), repeat(out))
        for number, name in enumerate(made, start=1):
            report(f"{number}/{count}  {name}")
