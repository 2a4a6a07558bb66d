"""Cases of where slices lie and what they are worth: gaps, tilt, orientation, rescale, padding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from phantom.acquisition import acquire, table_positions
from phantom.cases.case import Case, coarse, edit, settings
from phantom.orientation import Orientation
from phantom.series import write_series
from runtime.codes import Code
from runtime.volume import Volume


def _without(which: slice) -> Callable[[Volume, Path], None]:
    def write(head: Volume, drop: Path) -> None:
        for path in write_series(head, drop, settings())[which]:
            path.unlink()

    return write


def _blocks(head: Volume, drop: Path) -> None:
    low, high = head.geometry.origins[[0, -1], 2]
    table = [*np.arange(low, low + 60, 2.5), *np.arange(low + 62.5, high, 5.0)]
    write_series(acquire(head, table), drop, settings())


def _tilted(head: Volume, drop: Path) -> None:
    write_series(acquire(head, table_positions(head, 5.0), tilt_degrees=18.0), drop, settings())


def _shifted(head: Volume, drop: Path) -> None:
    """The table moved aside after a third of the scan."""
    paths, aside = write_series(head, drop, settings()), np.array((2.0, 0.0, 0.0))
    for path, origin in list(zip(paths, _origins(head), strict=True))[len(paths) // 3 :]:
        edit(path, ImagePositionPatient=[f"{value:.6g}" for value in origin + aside])


def _origins(head: Volume) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Where `settings()` puts the slices: as the head, in the middle of the matrix."""
    geometry = head.geometry
    top, left = ((settings().matrix or 0) - np.array(head.shape[1:])) // 2
    return np.asarray(geometry.origins - top * geometry.y_step - left * geometry.x_step)


def _as(**changes: Any) -> Callable[[Volume, Path], None]:
    def write(head: Volume, drop: Path) -> None:
        write_series(head, drop, settings(**changes))

    return write


def _without_rescale(head: Volume, drop: Path) -> None:
    for path in write_series(coarse(head), drop, settings()):
        edit(path, RescaleSlope=None, RescaleIntercept=None)


def _without_position(head: Volume, drop: Path) -> None:
    for path in write_series(coarse(head), drop, settings()):
        edit(path, ImagePositionPatient=None)


def _flags(*codes: Code) -> frozenset[Code]:
    return frozenset(codes)


CASES = (
    Case(
        "a slice missing",
        "A series that lacks one slice.",
        _without(slice(25, 26)),
        flags=_flags(Code.MISSING_SLICES, Code.VARIABLE_SPACING),
    ),
    Case("many slices missing", "A gap in which a lesion could lie.", _without(slice(25, 29)), Code.MISSING_SLICES),
    Case("few slices", "All but five slices are missing.", _without(slice(5, None)), Code.TOO_FEW_SLICES),
    Case(
        "variable spacing",
        "2.5 mm at the base and 5 mm above.",
        _blocks,
        flags=_flags(Code.VARIABLE_SPACING),
    ),
    Case("tilted gantry", "18 degrees, 5 mm.", _tilted, flags=_flags(Code.GANTRY_TILT)),
    Case("shifted slices", "The upper slices lie 2 mm aside.", _shifted, flags=_flags(Code.SHIFTED_SLICES)),
    Case(
        "feet first",
        "A patient who lay with the feet towards the gantry.",
        _as(patient_position="FFS", instances_descend=True),
    ),
    Case(
        "prone",
        "A patient face down: rows and columns run the other way.",
        _as(patient_position="HFP", orientation=Orientation("R", "A")),
    ),
    Case("mirrored rows", "Rows that run to the patient's right.", _as(orientation=Orientation("R", "P"))),
    Case("shuffled", "File names in no order.", _as(shuffle_seed=5)),
    Case("MONOCHROME1", "Pixels to be shown inverted.", _as(photometric="MONOCHROME1")),
    Case("padding", "Padding of -2000 HU outside the scanned circle.", _as(padding_hu=-2000)),
    Case("unsigned", "Unsigned pixels with an intercept of -1024.", _as(signed=False, rescale=((1.0, -1024.0),))),
    Case(
        "rescale by slice",
        "Each slice with a slope and intercept of its own.",
        _as(rescale=((1.0, 0.0), (0.5, -100.0))),
    ),
    Case("no rescale", "Slices without slope and intercept.", _without_rescale, Code.UNREADABLE),
    Case("no position", "Slices without ImagePositionPatient.", _without_position, Code.UNREADABLE),
)
