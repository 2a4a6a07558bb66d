"""LabelVolume: which voxels of a series are stroke, and where they lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.classification import StrokeClass
from runtime.stacking import build_volume
from runtime.study import Series
from runtime.volume import Geometry


@dataclass(frozen=True, slots=True, eq=False)
class LabelVolume:
    """labels: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH, on `geometry`. ValueError where they don't fit."""

    labels: NDArray[np.uint8]
    geometry: Geometry

    def __post_init__(self) -> None:
        if self.labels.dtype != np.uint8 or self.labels.ndim != 3 or len(self.labels) != self.geometry.planes:
            raise ValueError(f"labels must be uint8 (Z, Y, X) on {self.geometry.planes} planes")
        if self.labels.max(initial=0) > max(stroke.label for stroke in StrokeClass):
            raise ValueError("labels are 0, 1 or 2")

    @classmethod
    def stacked(cls, series: Series, labels: NDArray[np.uint8]) -> LabelVolume:
        """Labels (N, rows, columns) in the order of `series.images`, stacked as its voxels are. StudyRejected."""
        volume = build_volume(series, labels.astype(np.int16)).volume
        return cls(volume.hu.astype(np.uint8), volume.geometry)

    @classmethod
    def empty(cls, series: Series) -> LabelVolume:
        """No labels, on the series' own voxels. StudyRejected where its images can't be stacked."""
        first = series.images[0]
        return cls.stacked(series, np.zeros((len(series.images), first.rows, first.columns), dtype=np.uint8))

    @property
    def labelled_slices(self) -> int:
        return int(self.labels.any(axis=(1, 2)).sum())

    def volume_ml(self, stroke: StrokeClass) -> float:
        """Each slice as wide as half the distance to each of its neighbours."""
        _, dy, dx = self.geometry.spacing_mm
        pixels = (self.labels == stroke.label).sum(axis=(1, 2))
        return float(pixels @ self.geometry.slice_widths_mm * dy * dx / 1000)
