"""Small hand-made volumes, headers and engines that tests share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.dicom import CT_IMAGE_STORAGE
from runtime.engines.base import Ensemble
from runtime.engines.memory import MemoryEngine
from runtime.planes import Plane
from runtime.study import Image, Patient, Pixels, Series, Study
from runtime.volume import Geometry, Volume

UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def image(number: int = 1, **changes: object) -> Image:
    """A CT image at z = number."""
    values: dict[str, object] = {
        "path": Path(f"{number}.dcm"),
        "sop_instance_uid": f"1.2.{number}",
        "sop_class_uid": CT_IMAGE_STORAGE,
        "transfer_syntax_uid": "1.2.840.10008.1.2.1",
        "image_type": ("ORIGINAL", "PRIMARY", "AXIAL"),
        "instance_number": number,
        "rows": 4,
        "columns": 5,
        "pixels": Pixels(1, 16, 16, signed=True, padding=None, at=1000, implicit_vr=False, little_endian=True),
        "frames": 1,
        "frame": 0,
        "frame_of_reference_uid": "1.2.9",
        "position": (0.0, 0.0, float(number)),
        "orientation": UPRIGHT,
        "pixel_spacing": (0.5, 0.5),
        "kernel": "H30s",
        "rescale": (1.0, -1024.0),
        "lossy": False,
    }
    return Image(**{**values, **changes})  # type: ignore[arg-type]  # keywords are checked by the call itself


def series(images: Sequence[Image] | None = None, **changes: object) -> Series:
    """A head series; 150 slices of 1 mm unless given."""
    values: dict[str, object] = {
        "uid": "1.2.3",
        "study_uid": "1.2",
        "number": 2,
        "modality": "CT",
        "description": "Head 1.0",
        "protocol": "",
        "body_part": "HEAD",
        "kernel": "H30s",
        "contrast_agent": "",
        "images": tuple(images) if images is not None else tuple(image(number) for number in range(1, 151)),
    }
    return Series(**{**values, **changes})  # type: ignore[arg-type]  # keywords are checked by the call itself


def study(*members: Series, uid: str = "1.2", **changes: object) -> Study:
    """A study of these series."""
    values: dict[str, object] = {
        "uid": uid,
        "patient": Patient("Doe^Jane", "17", None, "F"),
        "accession": "",
        "date": None,
        "time": None,
        "description": "",
        "series": members,
    }
    return Study(**{**values, **changes})  # type: ignore[arg-type]  # keywords are checked by the call itself


def spec(**changes: object) -> Spec:
    """One window 0..100 HU, k = 0.5 in every plane, no closing, the paper's cut-offs, every area counts."""
    values: dict[str, object] = {
        "windows": ((0.0, 100.0),),
        "slice_spacing_mm": 1.0,
        "coefficients": dict.fromkeys(Plane, 0.5),
        "closing_radius": 0,
        "voxel_cutoff": 0.9,
        "class_cutoffs": {StrokeClass.IS: 1.16, StrokeClass.IH: 1.52},
        "smallest_lesion_ml": 0.0,
        "area_cutoffs": dict.fromkeys(StrokeClass, 0.0),
    }
    return Spec(**{**values, **changes})  # type: ignore[arg-type]  # keywords are checked by the call itself


def ensemble(predict: Predict, **by_plane: Predict) -> Ensemble:
    """One in-memory engine per plane: `predict`, or the plane's own (axial=, coronal=, sagittal=)."""
    return Ensemble({plane: (MemoryEngine(by_plane.get(plane.value, predict)),) for plane in Plane})


def head(spacing_mm: tuple[float, float, float] = (2.0, 2.0, 2.0), inside: int = 30, skull: bool = True) -> Volume:
    """An ellipsoid of `inside` HU in a 6 mm shell of bone, in air: 140 x 180 x 150 mm."""
    geometry = Geometry.axis_aligned(tuple(int(200 / mm) for mm in spacing_mm), spacing_mm)  # type: ignore[arg-type]  # three
    z, y, x = np.meshgrid(
        geometry.origins[:, 2],
        geometry.origins[0, 1] + np.arange(int(200 / spacing_mm[1])) * spacing_mm[1],
        geometry.origins[0, 0] + np.arange(int(200 / spacing_mm[2])) * spacing_mm[2],
        indexing="ij",
    )
    hu = np.full(z.shape, -1000, dtype=np.int16)
    if skull:
        hu[(z / 76) ** 2 + (y / 96) ** 2 + (x / 81) ** 2 <= 1] = 900
    hu[(z / 70) ** 2 + (y / 90) ** 2 + (x / 75) ** 2 <= 1] = inside
    return Volume(hu, geometry)
