"""Synthetic heads as training data: which seeds, strokes and spacings, and through what of the appliance they pass.

Every head goes through the appliance's own grid and head crop, so that training sees what the engines will see. Seeds
below 100,000 belong to tests and demonstrations and are refused here. What a cohort is, says phantom/cohort.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phantom.cohort import MOST, Purpose, Scan
from phantom.donor import Donor
from phantom.donor_file import read_donor
from phantom.fields import Point
from phantom.generator import generator_hash
from phantom.synthesis import synthesise_scan
from runtime.classification import StrokeClass
from runtime.grid import to_grid
from runtime.head import find_head
from runtime.volume import Volume
from training.generators import Generator, sign
from training.heads import LabelledHead, save_head

THICK_MM = 5.0
THICK_EVERY = 4
"""One head in four is scanned in thick slices and resampled, as the appliance does with thick series."""
STROKES = (StrokeClass.IS, None, StrokeClass.IH, None)


def scans(purpose: Purpose, count: int, spacing_mm: Point | None = None) -> tuple[Scan, ...]:
    """`count` scans of the standard difficulty, in varied spacings or in `spacing_mm` alone; half of them healthy, a
    quarter each IS and IH.

    ValueError beyond the purpose's seeds.
    """
    if not 0 < count <= MOST:
        raise ValueError(f"count must be 1 to {MOST:,}")
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


def make_head(scan: Scan, donor: Donor | None = None) -> LabelledHead:
    """The head, or the donor as that head, on the analysis grid, cropped as the appliance crops it.

    StrokeboxError where that finds no head.
    """
    synthetic = synthesise_scan(scan, donor)
    grid = to_grid(synthetic.volume, scan.grid_mm)
    labels = synthetic.labels
    if grid is not synthetic.volume:
        labels = np.zeros(grid.shape, dtype=np.uint8)
        for stroke in StrokeClass:
            labels[_resampled(synthetic.labels == stroke.label, synthetic.volume, scan.grid_mm)] = stroke.label
    box = find_head(grid).box
    return LabelledHead(scan.seed, scan.stroke, grid.geometry.spacing_mm, grid.hu[box], labels[box])


def _resampled(mask: NDArray[np.bool_], volume: Volume, grid_mm: float) -> NDArray[np.bool_]:
    """Contours interpolated linearly between the thick slices, as the paper does, through the volume's own grid."""
    return to_grid(Volume(np.where(mask, 1000, 0).astype(np.int16), volume.geometry), grid_mm).hu >= 500


_open = lru_cache(maxsize=1)(read_donor)
"""Once in each process."""


def _make_and_save(scan: Scan, out: Path, donor: Path | None) -> str:
    folder = out / f"{scan.seed}"
    if not (folder / "head.json").exists():
        save_head(make_head(scan, None if donor is None else _open(donor)), folder)
    return folder.name


def prepare(
    chosen: Sequence[Scan],
    out: Path,
    processes: int,
    report: Callable[[str], None] = print,
    donor: Path | None = None,
) -> None:
    """Make these heads under `out`, as many at a time as `processes`; those that are there already are kept.

    `generator.json` beside them says what made them. UsageError where heads under `out` are of another generator or
    donor, or the donor is none.
    """
    if donor is not None:
        read_donor(donor)
    (difficulty,) = {scan.difficulty.name for scan in chosen}
    source = None if donor is None else hashlib.sha256(donor.read_bytes()).hexdigest()
    sign(out, Generator(generator_hash(), difficulty, source))
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for number, name in enumerate(pool.map(_make_and_save, chosen, repeat(out), repeat(donor)), start=1):
            report(f"{number}/{len(chosen)}  {name}")
