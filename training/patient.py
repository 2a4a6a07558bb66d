"""One patient of a cohort to heads for training: read as the appliance reads, labels carried over, cropped.

What the appliance would choose, stack, resample and crop of the patient's scans is what the networks see. A patient
whose thick series was labelled can also give a second head of that series alone, as a site without thin slices would
send it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runtime.classification import StrokeClass
from runtime.dicom import read_studies
from runtime.grid import to_grid
from runtime.head import find_head
from runtime.pixels import Budget, read_pixels
from runtime.selection import choose_series
from runtime.stacking import build_volume
from runtime.study import Series
from training.cohort import Patient
from training.heads import SLICE_SPACING_MM, LabelledHead
from training.interpolation import Interpolation, interpolated
from training.labels.faults import Fault, LabelsRejected
from training.labels.names import Names
from training.labels.reading import read_labels
from training.labels.volume import LabelVolume

THICK = ".thick"
"""Behind the pseudonym, in the name of the head of a thick series."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """How heads are made.

    thick_too: whether a labelled thick series gives a head of its own beside that of the thin one
    """

    interpolation: Interpolation = Interpolation.LINEAR
    thick_too: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """What one head was made of.

    thick_slices, labelled_thick_slices: of the series that the labels were drawn on; 0 for healthy patients
    slices, labelled_slices: of the volume on the analysis grid, before it is cropped
    is_resampled: whether that grid is not the series' own
    drawn_ml, carried_ml: of the patient's class, on the slices drawn on and on the grid
    flags: codes of what was noticed (runtime/codes.py)
    """

    thick_slices: int
    labelled_thick_slices: int
    slices: int
    labelled_slices: int
    is_resampled: bool
    drawn_ml: float
    carried_ml: float
    flags: tuple[str, ...]


def heads_of(patient: Patient, names: Names, preparation: Preparation) -> Iterator[tuple[str, LabelledHead, Account]]:
    """The patient's heads, each with a name for its folder and its account: one, or with `thick_too` up to two.

    StrokeboxError: StudyRejected, LabelsRejected. OSError where files can't be read.
    """
    studies = read_studies(files_of(patient.scans)).studies
    used = choose_series(studies).used
    drawn_on, drawn = used, None
    if patient.labels is not None:
        drawn_on, drawn = read_labels(patient.labels, studies, names)
    yield patient.pseudonym, *_head(patient, used, drawn_on, drawn, preparation)
    if preparation.thick_too and drawn_on is not used:
        yield patient.pseudonym + THICK, *_head(patient, drawn_on, drawn_on, drawn, preparation)


def files_of(folders: Sequence[Path]) -> list[Path]:
    """All files below the folders, but those whose name begins with a dot. FileNotFoundError where one is not there."""
    for folder in folders:
        folder.stat()
    return sorted(
        path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")
    )


def _head(
    patient: Patient, series: Series, drawn_on: Series, drawn: LabelVolume | None, preparation: Preparation
) -> tuple[LabelledHead, Account]:
    if series.images[0].frame_of_reference_uid != drawn_on.images[0].frame_of_reference_uid:
        raise LabelsRejected(Fault.OTHER_FRAME)
    stack = build_volume(series, read_pixels(series, Budget()))
    grid = to_grid(stack.volume, SLICE_SPACING_MM)
    head = find_head(grid)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    if drawn is not None:
        labels = interpolated(drawn, grid.geometry, (grid.shape[1], grid.shape[2]), preparation.interpolation)
    stroke = patient.stroke_class
    if stroke is not None and not (labels[head.box] == stroke.label).any():
        raise LabelsRejected(Fault.NOTHING_OF_ITS_CLASS)
    on_grid = LabelVolume(labels, grid.geometry)
    account = Account(
        thick_slices=len(drawn.labels) if drawn else 0,
        labelled_thick_slices=drawn.labelled_slices if drawn else 0,
        slices=len(labels),
        labelled_slices=on_grid.labelled_slices,
        is_resampled=grid is not stack.volume,
        drawn_ml=_ml(drawn, stroke),
        carried_ml=_ml(on_grid, stroke),
        flags=tuple(flag.code.name for flag in (*stack.flags, *head.flags)),
    )
    voxels = grid.hu[head.box], labels[head.box]
    return LabelledHead(None, stroke, grid.geometry.spacing_mm, *voxels, patient=patient.pseudonym), account


def _ml(volume: LabelVolume | None, stroke: StrokeClass | None) -> float:
    return round(volume.volume_ml(stroke), 3) if volume and stroke else 0.0
