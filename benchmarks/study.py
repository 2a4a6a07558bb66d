"""The studies that are compared on: one phantom with a bleeding in two sizes, written as DICOM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings, write_series
from phantom.synthesis import synthesise
from runtime.classification import StrokeClass
from training.model import Width

SEED = 1003
"""Never trained or calibrated on: those begin at 100,000."""


@dataclass(frozen=True, slots=True)
class Size:
    """spacing_mm: (z, y, x); matrix: side of the square slices in pixels; width: of the networks

    every: of how many batches of slices one is computed, the rest extrapolated
    """

    name: str
    spacing_mm: tuple[float, float, float]
    matrix: int
    width: Width
    every: int


SIZES = {
    size.name: size
    for size in (
        Size("small", (1.2, 0.96, 0.96), 256, Width.SMALL, every=1),
        Size("full", (0.596, 0.488, 0.488), 512, Width.DPN92, every=128),
    )
}


def write_benchmark_study(size: Size, folder: Path) -> None:
    """The phantom's thin series, one file per slice, into `folder`."""
    head = synthesise(SEED, StrokeClass.IH, spacing_mm=size.spacing_mm)
    write_series(head.volume, folder, SeriesSettings(StudyIdentity.of(SEED), matrix=size.matrix))
