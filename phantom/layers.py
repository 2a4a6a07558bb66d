"""A head as a pile of layers, and painting it: each layer covers what lies below it, in part at its borders.

The one place where tissue becomes Hounsfield units. A layer may be marked as a lesion: the painter follows how much of
it stays uncovered, so that the label is what can be seen. Knows no anatomy and no scanner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phantom.fields import Field, Sampler, Window

AIR_HU = -1000.0
_LATTICE_REACH_MM = 3.5
"""How far between lattice points a region can hide."""


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A region of space.

    Without `half_mm`: where `field` (distances in mm) is negative. With it: the sheet where |field| < half_mm, or, if
    `away`, the rest. ValueError where a field is not float32: doubles creep in and cost time.
    """

    field: Field
    half_mm: float | Field | None = None
    away: bool = False

    def __post_init__(self) -> None:
        for field in (self.field, self.half_mm):
            if isinstance(field, np.ndarray) and field.dtype != np.float32:
                raise ValueError(f"fields are float32, not {field.dtype}")


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Tissue `hu` (a number, or a field) where all `terms` hold.

    soft_mm: the width of the border, on top of the voxel's own
    keep: how much of the contrast below shows through, 0 to 1
    lesion: whether this is what a label should mark
    """

    name: str
    hu: float | Field
    terms: tuple[Term, ...]
    soft_mm: float = 0.0
    keep: float = 0.0
    lesion: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.hu, np.ndarray) and self.hu.dtype != np.float32:
            raise ValueError(f"the HU of layer {self.name} are {self.hu.dtype}, not float32")
        if not self.terms or not 0 <= self.keep < 1 or self.soft_mm < 0:
            raise ValueError(f"layer {self.name} is not well formed")


class Slab:
    """The layers' fields on a few planes of voxels; those that many layers use are interpolated once."""

    def __init__(self, sampler: Sampler, planes: slice) -> None:
        self._sampler = sampler
        self._planes = planes
        touched = np.flatnonzero(sampler.z[planes].any(axis=0))
        self._lattice_planes = slice(touched[0], touched[-1] + 1)
        self._values: dict[int, tuple[Window, Field]] = {}
        self.shape = (len(sampler.z[planes]), len(sampler.y), len(sampler.x))

    def window(self, layer: Layer, border_mm: float) -> Window | None:
        """Rows and columns that hold all there can be of the layer, judged on the lattice; None where there is none."""
        near = np.ones(layer.terms[0].field.shape[1:], dtype=np.bool_)
        reach = np.float32(_LATTICE_REACH_MM + (border_mm + layer.soft_mm) / 2)
        for term in layer.terms:
            if term.half_mm is None:
                near &= (term.field[self._lattice_planes] < reach).any(axis=0)
        rows, columns = _voxels(self._sampler.y, near, axis=1), _voxels(self._sampler.x, near, axis=0)
        return None if rows is None or columns is None else (rows, columns)

    def weight(self, layer: Layer, window: Window, border_mm: float) -> Field:
        """float32 (planes, rows, columns): how much of each voxel the layer takes, 0 to 1."""
        depth, *others = (self._distance(term, window) for term in layer.terms)
        for distance in others:
            depth = np.maximum(depth, distance)
        weight: Field = depth * np.float32(-1 / (border_mm + layer.soft_mm))
        weight += np.float32(0.5)
        np.clip(weight, 0, 1, out=weight)
        return weight

    def _distance(self, term: Term, window: Window) -> Field:
        distance = self.values(term.field, window)
        if term.half_mm is None:
            return distance
        half = np.float32(term.half_mm) if isinstance(term.half_mm, float) else self.values(term.half_mm, window)
        sheet: Field = np.abs(distance) - half
        return -sheet if term.away else sheet

    def values(self, field: Field, window: Window) -> Field:
        """The field within the window, from what was interpolated before where that covers it."""
        if id(field) in self._values:
            known, values = self._values[id(field)]
            if all(old.start <= new.start and new.stop <= old.stop for old, new in zip(known, window, strict=True)):
                rows, columns = (
                    slice(new.start - old.start, new.stop - old.start) for old, new in zip(known, window, strict=True)
                )
                return values[:, rows, columns]
        values = self._sampler.slab(field, self._planes, window)
        self._values[id(field)] = window, values
        return values


def _voxels(weights: NDArray[np.float32], near: NDArray[np.bool_], axis: int) -> slice | None:
    """The voxels between the first and the last that take from a near point; `axis` is the other one of `near`."""
    points = near.any(axis=axis)
    touched = np.flatnonzero(weights[:, points].any(axis=1))
    return slice(int(touched[0]), int(touched[-1]) + 1) if len(touched) else None


def paint(
    layers: Sequence[Layer], sampler: Sampler, planes: slice, border_mm: float, canvas: Field | None = None
) -> tuple[Field, Field]:
    """HU, and how much of each voxel is lesion (0 to 1): float32 (planes, Y, X) of the layers in order over air.

    `border_mm` is the width over which tissues mix: about a voxel. `canvas`: HU to paint on instead of air.
    """
    slab = Slab(sampler, planes)
    hu = np.full(slab.shape, AIR_HU, dtype=np.float32) if canvas is None else canvas.copy()
    lesion = np.zeros(slab.shape, dtype=np.float32)
    for layer in layers:
        window = slab.window(layer, border_mm)
        if window is None:
            continue
        weight = slab.weight(layer, window, border_mm)
        below, marked = hu[:, window[0], window[1]], lesion[:, window[0], window[1]]
        if layer.lesion:
            np.maximum(marked, weight, out=marked)
        else:
            marked *= 1 - weight
        tissue = np.float32(layer.hu) if isinstance(layer.hu, float) else slab.values(layer.hu, window)
        weight *= np.float32(1 - layer.keep)
        below += weight * (tissue - below)
    return hu, lesion
