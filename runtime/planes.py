"""The three projections of a volume: which axis each one walks along, and its slices as (N, H, W)."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Plane(str, Enum):
    """A projection; its slices keep the volume's order of the two remaining axes.

    axial: N = z, (H, W) = (y, x); coronal: N = y, (H, W) = (z, x); sagittal: N = x, (H, W) = (z, y).
    """

    AXIAL = "axial"
    CORONAL = "coronal"
    SAGITTAL = "sagittal"

    @property
    def axis(self) -> int:
        """The axis of a (Z, Y, X) array that this plane's slices are numbered along."""
        return list(Plane).index(self)

    def slices(self, array: Any) -> Any:
        """A view of `array` (..., Z, Y, X) as (..., N, H, W)."""
        axes = list(range(array.ndim))
        axes.insert(array.ndim - 3, axes.pop(array.ndim - 3 + self.axis))
        return array.transpose(axes)
