"""Heads on disk: Hounsfield units, labels and what is known of them, memory-mapped where training reads them.

Owns the folder format: `hu.npy` int16 and `labels.npy` uint8, both (Z, Y, X), both once more for each of the other two
planes, and `head.json`. It neither makes heads nor draws from them.

The same voxels lie there three times because a slice across the order of a file is spread over all of it: a cold disk
has to read the whole file for it, and a batch has a dozen of them. docs/training.md has the figures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.blocks import averaged, block_side, shape_of_blocks
from runtime.classification import StrokeClass
from runtime.planes import Plane

SLICE_SPACING_MM = 1.0
"""Of the analysis grid that heads are made on, and that a bundle made of them asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledHead:
    """One labelled head on the appliance's analysis grid, cropped as the appliance crops it.

    hu: int16 (Z, Y, X), HU; labels: uint8 (Z, Y, X), 0 background, 1 IS, 2 IH; spacing_mm: (z, y, x)
    stroke: the class of the patient, None for a healthy one
    seed: of a phantom; patient: the pseudonym of a patient, never a name. A head has one of them.
    """

    seed: int | None
    stroke: StrokeClass | None
    spacing_mm: tuple[float, float, float]
    hu: NDArray[np.int16]
    labels: NDArray[np.uint8]
    patient: str | None = None

    def __post_init__(self) -> None:
        if (self.seed is None) == (self.patient is None):
            raise ValueError("a head is either a phantom with a seed or of a patient with a pseudonym")
        if self.hu.dtype != np.int16 or self.labels.dtype != np.uint8 or self.hu.ndim != 3:
            raise ValueError("hu must be int16 (Z, Y, X) and labels uint8")
        if self.hu.shape != self.labels.shape:
            raise ValueError(f"{self.hu.shape} voxels, but {self.labels.shape} labels")

    @property
    def name(self) -> str:
        """The patient's pseudonym, or the phantom's seed."""
        return self.patient if self.patient is not None else str(self.seed)

    def __reduce__(self) -> tuple[Callable[..., LabelledHead], tuple[object, ...]]:
        """To another process a head on disk goes as its folder, which is mapped again there."""
        if isinstance(self.hu, np.memmap) and self.hu.filename is not None:
            file = Path(self.hu.filename)
            return open_head, (file.parent, next(one for one in Plane if _file(file.parent, "hu", one) == file))
        return LabelledHead, (self.seed, self.stroke, self.spacing_mm, self.hu, self.labels, self.patient)

    def pixel_mm(self, plane: Plane) -> tuple[float, float]:
        """(row, column) spacing of the plane's slices."""
        row, column = (spacing for axis, spacing in enumerate(self.spacing_mm) if axis != plane.axis)
        return row, column

    def served_shape(self, pixel_mm: float) -> tuple[int, ...]:
        """Of served(), (Z, Y, X)."""
        return shape_of_blocks(self.hu.shape, block_side(self.pixel_mm(Plane.AXIAL), pixel_mm))

    def served(self, pixel_mm: float) -> LabelledHead:
        """As a bundle with this `pixel_mm` has it analysed (runtime/blocks.py), labelled where half of a block is."""
        side = block_side(self.pixel_mm(Plane.AXIAL), pixel_mm)
        if side == 1:
            return self
        shares = {stroke: averaged(np.int16(100) * (self.labels == stroke.label), side) for stroke in StrokeClass}
        labels = np.zeros(shares[StrokeClass.IS].shape, dtype=np.uint8)
        for stroke, share in shares.items():
            labels[share >= 50] = stroke.label
        z, y, x = self.spacing_mm
        return replace(self, spacing_mm=(z, y * side, x * side), hu=averaged(self.hu, side), labels=labels)

    def stroke_slices(self, plane: Plane) -> NDArray[np.intp]:
        """The numbers of the plane's slices that show stroke."""
        return np.flatnonzero(plane.slices(self.labels).any(axis=(1, 2)))


def save_head(head: LabelledHead, folder: Path) -> None:
    """Write a head as a new folder; `head.json` comes last and at once, so that a folder that has it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for plane in Plane:
        for name, array in (("hu", head.hu), ("labels", head.labels)):
            np.save(_file(folder, name, plane), np.ascontiguousarray(plane.slices(array)))
    about = {
        "seed": head.seed,
        "patient": head.patient,
        "stroke": head.stroke.value if head.stroke else None,
        "spacing_mm": head.spacing_mm,
    }
    part = folder / "head.json.part"
    part.write_text(json.dumps(about), encoding="utf-8")
    part.replace(folder / "head.json")


def open_head(folder: Path, plane: Plane = Plane.AXIAL) -> LabelledHead:
    """The head in `folder`, its voxels memory-mapped, so that slices of `plane` are read fastest.

    The arrays are (Z, Y, X) for every plane.
    """
    about = json.loads((folder / "head.json").read_text(encoding="utf-8"))
    z, y, x = about["spacing_mm"]
    return LabelledHead(
        seed=about["seed"],
        stroke=StrokeClass(about["stroke"]) if about["stroke"] else None,
        spacing_mm=(z, y, x),
        hu=_mapped(folder, "hu", plane),
        labels=_mapped(folder, "labels", plane),
        patient=about.get("patient"),
    )


def open_heads(folder: Path, plane: Plane = Plane.AXIAL) -> tuple[LabelledHead, ...]:
    """Every whole head under `folder`, in the order of their names. FileNotFoundError where there is none."""
    heads = tuple(open_head(path.parent, plane) for path in sorted(folder.glob("*/head.json")))
    if not heads:
        raise FileNotFoundError(
            f"no heads under {folder}; make them with `python -m training prepare` or `prepare-phantoms`"
        )
    return heads


def open_all(folders: Sequence[Path], plane: Plane = Plane.AXIAL) -> tuple[LabelledHead, ...]:
    """Those of every folder, one folder after the other. FileNotFoundError as open_heads raises it."""
    return tuple(head for folder in folders for head in open_heads(folder, plane))


def _file(folder: Path, name: str, plane: Plane) -> Path:
    return folder / (f"{name}.npy" if plane is Plane.AXIAL else f"{name}.{plane.value}.npy")


def _mapped(folder: Path, name: str, plane: Plane) -> NDArray[Any]:
    """(Z, Y, X), a view of the plane's own file; of the axial one where heads were saved before there were others."""
    path = _file(folder, name, plane)
    if not path.exists():
        plane, path = Plane.AXIAL, _file(folder, name, Plane.AXIAL)
    return np.moveaxis(np.load(path, mmap_mode="r"), 0, plane.axis)
