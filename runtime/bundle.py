"""The engine bundle: a folder whose manifest lists and hashes every file, and the Spec that analysis follows.

Reads and verifies; never writes (export/ does). A bundle that exists as an object is complete and unaltered. Whether it
is trusted is the caller's question: it compares `manifest_sha256`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from runtime.classification import StrokeClass
from runtime.engines.profile import Profile, profiles_of
from runtime.errors import BundleError
from runtime.planes import Plane
from runtime.windows import Windows

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
LARGEST_MANIFEST_BYTES = 1 << 20
LARGEST_SPECK_ML = 0.5
LARGEST_PIXEL_MM = 2.0


@dataclass(frozen=True, slots=True)
class Spec:
    """What the analysis needs to know of its engines. ValueError where a number can't be right."""

    windows: Windows
    slice_spacing_mm: float
    coefficients: Mapping[Plane, float]
    closing_radius: int
    voxel_cutoff: float
    class_cutoffs: Mapping[StrokeClass, float]
    smallest_lesion_ml: float
    """Marked areas below it are left out (docs/adr/0008); 0 is the paper."""
    area_cutoffs: Mapping[StrokeClass, float]
    """So are those whose mean of V over the voxel cut-off is below these; 0 is the paper."""
    pixel_mm: float = 0.0
    """Smaller pixels are averaged in blocks of about this side (docs/adr/0013); 0 is the paper, as they are."""

    def __post_init__(self) -> None:
        numbers = [self.slice_spacing_mm, self.voxel_cutoff, self.smallest_lesion_ml, self.pixel_mm]
        numbers += [*self.area_cutoffs.values(), *self.coefficients.values(), *self.class_cutoffs.values()]
        if not all(map(math.isfinite, (*numbers, *(hu for window in self.windows for hu in window)))):
            raise ValueError("all numbers must be finite")
        if not 1 <= len(self.windows) <= 3 or any(not low < high for low, high in self.windows):
            raise ValueError("windows must be one to three pairs of HU, each the lower first")
        if not 0 < self.slice_spacing_mm <= 10:
            raise ValueError("slice_spacing_mm must be above 0 and at most 10")
        if not 0 <= self.pixel_mm <= LARGEST_PIXEL_MM:
            raise ValueError(f"pixel_mm must be 0 to {LARGEST_PIXEL_MM}")
        if set(self.coefficients) != set(Plane) or not all(0 < k < 1 for k in self.coefficients.values()):
            raise ValueError("coefficients must be between 0 and 1, one for each plane")
        if not 0 <= self.closing_radius <= 20:
            raise ValueError("closing_radius must be 0 to 20 voxels")
        if not 0 <= self.smallest_lesion_ml <= LARGEST_SPECK_ML:
            raise ValueError(f"smallest_lesion_ml must be 0 to {LARGEST_SPECK_ML}")
        if set(self.area_cutoffs) != set(StrokeClass) or min(self.area_cutoffs.values()) < 0:
            raise ValueError("area_cutoffs (IS, IH) must be 0 or more")
        if set(self.class_cutoffs) != set(StrokeClass) or min(*self.class_cutoffs.values(), self.voxel_cutoff) <= 0:
            raise ValueError("voxel_cutoff and class_cutoffs (IS, IH) must be above 0")


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest's parts that the runtime uses."""

    name: str
    version: str
    serial: int
    files: Mapping[str, tuple[str, int]]
    """path -> (sha256, size)"""
    models: tuple[tuple[str, Plane], ...]
    spec: Spec
    profiles: Mapping[Plane, Profile]
    """Of each plane's slices: what plans for a GPU are built for."""

    @classmethod
    def read(cls, raw: bytes) -> Manifest:
        """From the file's bytes. BundleError names what is missing or wrong."""
        if len(raw) > LARGEST_MANIFEST_BYTES:
            raise BundleError("The manifest is larger than 1 MiB.")
        try:
            return cls.parse(json.loads(raw))
        except (ValueError, RecursionError) as error:
            raise BundleError(f"The manifest is no JSON: {error}.") from error

    @classmethod
    def parse(cls, document: Any) -> Manifest:
        """From decoded JSON. BundleError names what is missing or wrong."""
        try:
            if document["classes"] != [stroke.value for stroke in StrokeClass]:
                raise ValueError("classes must be IS, IH")
            preprocessing = document["preprocessing"]
            manifest = cls(
                name=str(document["name"]),
                version=str(document["version"]),
                serial=int(document["serial"]),
                files={str(one["path"]): (str(one["sha256"]), int(one["size"])) for one in document["files"]},
                models=tuple((str(one["file"]), Plane(one["plane"])) for one in document["models"]),
                spec=Spec(
                    windows=tuple((float(low), float(high)) for low, high in preprocessing["windows"]),
                    slice_spacing_mm=float(preprocessing["slice_spacing_mm"]),
                    coefficients={plane: float(document["coefficients"][plane.value]) for plane in Plane},
                    closing_radius=int(document["closing_radius"]),
                    voxel_cutoff=float(document["voxel_cutoff"]),
                    class_cutoffs={stroke: float(document["class_cutoffs"][stroke.value]) for stroke in StrokeClass},
                    smallest_lesion_ml=float(document.get("smallest_lesion_ml", 0.0)),
                    area_cutoffs={
                        stroke: float(document.get("area_cutoffs", {}).get(stroke.value, 0.0)) for stroke in StrokeClass
                    },
                    pixel_mm=float(preprocessing.get("pixel_mm", 0.0)),
                ),
                profiles=profiles_of(preprocessing.get("crop_sizes", {})),
            )
        except KeyError as error:
            raise BundleError(f"The manifest lacks {error}.") from error
        except (TypeError, ValueError) as error:
            raise BundleError(f"The manifest is malformed: {error}.") from error
        unlisted = [file for file, _ in manifest.models if file not in manifest.files]
        lacking = [plane.value for plane in Plane if plane not in {plane for _, plane in manifest.models}]
        if unlisted or lacking:
            raise BundleError(f"The manifest lists no file {unlisted}." if unlisted else f"No model for: {lacking}.")
        for path in manifest.files:
            pure = PurePosixPath(path)
            is_plain = str(pure) == path and pure.parts and not pure.is_absolute() and ".." not in pure.parts
            if not is_plain or "\\" in path or path in (MANIFEST, SIGNATURE):
                raise BundleError(f"The manifest lists an unsafe path: {path!r}.")
        return manifest


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle folder."""

    folder: Path
    manifest: Manifest
    manifest_sha256: str

    def models(self, plane: Plane) -> tuple[Path, ...]:
        """The ONNX files of one plane, in the manifest's order."""
        return tuple(self.folder / file for file, its_plane in self.manifest.models if its_plane is plane)

    @property
    def golden(self) -> tuple[Path, ...]:
        """Its golden cases (runtime/golden.py), sorted."""
        names = sorted(name for name in self.manifest.files if name.startswith("golden/") and name.endswith(".npz"))
        return tuple(self.folder / name for name in names)


def open_bundle(folder: Path) -> Bundle:
    """Read the manifest, hash every file. BundleError: missing, altered, extra, linked or unreadable files, or a bad
    manifest.
    """
    try:
        with (folder / MANIFEST).open("rb") as file:
            raw = file.read(LARGEST_MANIFEST_BYTES + 1)
    except OSError as error:
        raise BundleError(f"No engine bundle at {folder}: {error.strerror}.") from error
    manifest = Manifest.read(raw)
    try:
        _check_files(folder, manifest)
    except OSError as error:
        raise BundleError(
            f"{error.filename or folder} can't be read: {error.strerror}. Let the user of the service read it; "
            "where the disk is at fault, install the engines again."
        ) from error
    return Bundle(folder, manifest, hashlib.sha256(raw).hexdigest())


def _check_files(folder: Path, manifest: Manifest) -> None:
    paths = list(folder.rglob("*"))
    for path in paths:
        if path.is_symlink():
            raise BundleError(f"{path.name} is a link, not a regular file.")
    present = {path.relative_to(folder).as_posix() for path in paths if not path.is_dir()}
    for surplus in present - set(manifest.files) - {MANIFEST, SIGNATURE}:
        raise BundleError(f"{surplus} is not in the manifest.")
    for name, (sha256, size) in manifest.files.items():
        _verify(folder / name, sha256, size)


def _verify(path: Path, sha256: str, size: int) -> None:
    if not path.is_file():
        raise BundleError(f"{path.name} is missing.")
    if path.stat().st_size != size:
        raise BundleError(f"{path.name} has {path.stat().st_size} bytes, not {size}.")
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != sha256:
        raise BundleError(f"{path.name} was altered: its SHA-256 is not the manifest's.")
