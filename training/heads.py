"""Heads on disk: Hounsfield units, labels and what is known of them, memory-mapped where training reads them.

Owns the folder format: `hu.npy` int16 and `labels.npy` uint8, both (Z, Y, X), and `head.json`. It neither makes heads
nor draws from them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.classification import StrokeClass
from runtime.planes import Plane


@dataclass(frozen=True, slots=True, eq=False)
class LabelledHead:
    """One labelled head on the appliance's analysis grid, cropped as the appliance crops it.

    hu: int16 (Z, Y, X), HU; labels: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH; spacing_mm: (z, y, x)
    stroke: the class of the patient, None for a healthy one; seed: where the head came from
    """

    seed: int
    stroke: StrokeClass | None
    spacing_mm: tuple[float, float, float]
    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.hu.dtype != np.int16 or self.labels.dtype != np.uint8 or self.hu.ndim != 3:
            raise ValueError("hu must be int16 (Z, Y, X) and labels uint8")
        if self.hu.shape != self.labels.shape:
            raise ValueError(f"{self.hu.shape} voxels, but {self.labels.shape} labels")

    def __reduce__(self) -> tuple[Callable[..., LabelledHead], tuple[object, ...]]:
        """To another process a head on disk goes as its folder, which is mapped again there."""
        if isinstance(self.hu, np.memmap) and self.hu.filename is not None:
            return open_head, (Path(self.hu.filename).parent,)
        return LabelledHead, (self.seed, self.stroke, self.spacing_mm, self.hu, self.labels)

    def pixel_mm(self, plane: Plane) -> tuple[float, float]:
        """(row, column) spacing of the plane's slices."""
        row, column = (spacing for axis, spacing in enumerate(self.spacing_mm) if axis != plane.axis)
        return row, column

    def stroke_slices(self, plane: Plane) -> NDArray[np.intp]:
        """The numbers of the plane's slices that show stroke."""
        return np.flatnonzero(plane.slices(self.labels).any(axis=(1, 2)))


def save_head(head: LabelledHead, folder: Path) -> None:
    """Write a head as a new folder; `head.json` comes last, so that a folder that has it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "hu.npy", head.hu)
    np.save(folder / "labels.npy", head.labels)
    stroke = head.stroke.value if head.stroke else None
    (folder / "head.json").write_text(
        json.dumps({"seed": head.seed, "stroke": stroke, "spacing_mm": head.spacing_mm}), encoding="utf-8"
    )


def open_head(folder: Path) -> LabelledHead:
    """The head in `folder`, its voxels memory-mapped."""
    about = json.loads((folder / "head.json").read_text(encoding="utf-8"))
    z, y, x = about["spacing_mm"]
    return LabelledHead(
        seed=about["seed"],
        stroke=StrokeClass(about["stroke"]) if about["stroke"] else None,
        spacing_mm=(z, y, x),
        hu=np.load(folder / "hu.npy", mmap_mode="r"),
        labels=np.load(folder / "labels.npy", mmap_mode="r"),
    )


def open_heads(folder: Path) -> tuple[LabelledHead, ...]:
    """Every whole head under `folder`, in the order of their names. FileNotFoundError where there is none."""
    heads = tuple(open_head(path.parent) for path in sorted(folder.glob("*/head.json")))
    if not heads:
        raise FileNotFoundError(f"no heads under {folder}; make them with `python -m training prepare-phantoms`")
    return heads
