"""analyse() (types first)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.classification import Finding
from runtime.codes import Flag
from runtime.lesions import Lesion
from runtime.volume import Volume


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which engines made a result, on what."""

    name: str
    version: str
    serial: int
    manifest_sha256: str
    backend: str
    precision: str
    device: str
    models: int


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """All that one analysis found.

    native, native_mask: the slices as scanned; uint8 (Z, Y, X), 0 background, 1 IS, 2 IH
    grid, grid_mask: the evenly spaced grid that was analysed (the same objects where the native one was); same labels
    """

    finding: Finding
    lesions: tuple[Lesion, ...]
    native: Volume
    native_mask: NDArray[np.uint8]
    grid: Volume
    grid_mask: NDArray[np.uint8]
    flags: tuple[Flag, ...]
    provenance: Provenance
    seconds: Mapping[str, float]

    @property
    def is_resampled(self) -> bool:
        return self.grid is not self.native
