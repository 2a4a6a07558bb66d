"""Every way in which labels can't be used: what it means and what the person who prepares the data should do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from runtime.errors import StrokeboxError


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table."""

    message: str
    action: str


class Fault(Enum):
    """A code; `name` is the upper-case word that reports carry."""

    NOT_LABELS = Entry(
        "The labels are neither a DICOM SEG, nor an RTSTRUCT, nor a NIfTI.",
        "Export them from the labelling tool as one of these.",
    )
    UNREADABLE_LABELS = Entry(
        "The labels are damaged or lack required information.", "Export them again from the labelling tool."
    )
    OTHER_SERIES = Entry(
        "The labels were drawn on images that are not, or not all, among the patient's scans.",
        "Add the whole series that was labelled to the patient's scans.",
    )
    OTHER_FRAME = Entry(
        "The labels and the images lie in different frames of reference, so nobody knows what covers what.",
        "Take series and labels of one scan, de-identified together, so that their UIDs still agree.",
    )
    OTHER_GRID = Entry(
        "The voxels of the labels are not those of any series of the patient.",
        "Export the labels on the grid of the series that they were drawn on, without resampling or cropping.",
    )
    OFF_THE_SLICES = Entry(
        "A contour does not lie on a slice of its series.",
        "Draw on the original slices and export without resampling.",
    )
    UNKNOWN_NAME = Entry(
        "An area's name stands for no class.", "Say what it means with --names: NAME=IS, NAME=IH or NAME=none."
    )
    NOTHING_OF_ITS_CLASS = Entry(
        "Nothing of the patient's class is labelled inside the head.",
        "Check the class in the cohort, the labels, and the meaning of their names.",
    )

    @property
    def message(self) -> str:
        return self.value.message

    @property
    def action(self) -> str:
        return self.value.action


class LabelsRejected(StrokeboxError):
    """These labels can't be trained on. `detail` adds what was seen, never a patient's data."""

    exit_code = 4

    def __init__(self, fault: Fault, detail: str = "") -> None:
        self.fault = fault
        self.detail = detail
        super().__init__(f"{fault.name}: {f'{fault.message} {detail}'.rstrip()}")
