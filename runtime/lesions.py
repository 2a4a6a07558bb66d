"""Lesions (types first)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from runtime.classification import StrokeClass


class Side(str, Enum):
    """The patient's side, not the picture's."""

    LEFT = "left"
    RIGHT = "right"
    MIDLINE = "midline"
    BILATERAL = "bilateral"


@dataclass(frozen=True, slots=True)
class Lesion:
    """One connected area of one class.

    `volume_ml` is measured on the native slices; `centroid_mm` is in the patient's LPS millimetres; `first_slice` and
    `last_slice` number the native slices from 0, from the feet upwards.
    """

    stroke: StrokeClass
    volume_ml: float
    side: Side
    centroid_mm: tuple[float, float, float]
    first_slice: int
    last_slice: int
