"""A bundle folder from trained networks and a calibration: models, golden cases, model card, and the manifest last.

The folder is built beside its destination and moved there whole, then opened with the runtime's own reader and run on
its golden cases by the appliance's own CPU engine. Signing is not done here. Keys of the manifest: DESIGN, 'The engine
bundle'; the reader is runtime/bundle.py.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.document import pixel_mm_of
from export.crop_sizes import crop_sizes
from export.golden import make_cases, save_case
from export.material import materials_of, what_on, without_order
from export.model_card import model_card
from export.names import network_names
from export.onnx import check_onnx, export_onnx, export_onnx_like, fits
from runtime.bundle import MANIFEST, Bundle, Manifest, open_bundle
from runtime.classification import StrokeClass
from runtime.engines.loading import on_cpu
from runtime.errors import BundleError
from runtime.golden import ERROR_SHARE, FLIPPED_SHARE, MEAN_ERROR, check_case, open_case
from runtime.windows import windowed
from training.checkpoint import Checkpoint
from training.engine import ensemble_of
from training.heads import LabelledHead
from training.material import Material

LARGEST_BUNDLE_BYTES = 20 << 20
"""Of a bundle of small networks, which lives in the repository."""
_CALIBRATED = ("coefficients", "closing_radius", "voxel_cutoff", "class_cutoffs", "smallest_lesion_ml", "area_cutoffs")
"""Keys of a calibration's document that the manifest has, too."""
_RECORDED = ("tie", "three_class_dice", "accuracy", "right_by_area_rule")
"""Keys of it that the manifest's record of the calibration has."""
NEEDED = (*_CALIBRATED, *_RECORDED, "slice_spacing_mm", "heads")
"""All that a bundle takes from a calibration."""
CROP = 32
"""Side of the pieces that each exported network is checked on, slice by slice, by the reference evaluator."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a bundle is called: the serial decides which of two is newer. ValueError where one of them is empty."""

    name: str
    version: str
    serial: int
    provisional: bool = False

    def __post_init__(self) -> None:
        if not self.name or not self.version or self.serial < 1:
            raise ValueError("a release needs a name, a version and a serial from 1")


def write_bundle(
    release: Release,
    checkpoints: Sequence[Checkpoint],
    calibration: Mapping[str, Any],
    golden_heads: Sequence[LabelledHead],
    heads: Mapping[str, Material],
    out: Path,
    shapes: Sequence[tuple[int, ...]] = (),
) -> Bundle:
    """Write, move into place and verify. `out` must not exist.

    calibration: the document of `python -m calibration run`; golden_heads: phantoms with stroke, a golden case each
    heads: by purpose, what those checkpoints had that were not taken back from a released bundle, which tell it of
    themselves. shapes: (Z, Y, X) of heads, for the sizes that plans are built for; without any, the runtime's defaults
    hold. ExportInexact, GoldenMismatch, BundleError (also where it is too large).
    """
    if out.exists():
        raise FileExistsError(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        folder = Path(temporary) / out.name
        manifest = _fill(folder, release, checkpoints, calibration, golden_heads, heads)
        if shapes:
            manifest["preprocessing"]["crop_sizes"] = crop_sizes(shapes)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        verify(folder)
        shutil.move(folder, out)
    return open_bundle(out)


def write_models(checkpoints: Sequence[Checkpoint], folder: Path) -> list[Path]:
    """Each network as PLANE-NUMBER.onnx in `folder`, which is there; the files in the order of `checkpoints`."""
    paths: list[Path] = []
    patterns: dict[tuple[object, ...], Path] = {}
    for name, checkpoint in zip(network_names(checkpoints), checkpoints, strict=True):
        recipe, unet = checkpoint.recipe, checkpoint.unet()
        channels, path = len(recipe.windows), folder / f"{name}.onnx"
        pattern = patterns.setdefault((recipe.width, recipe.scse, channels), path)
        if pattern is path or not fits(pattern, unet):
            export_onnx(unet, channels, path)
        else:
            export_onnx_like(pattern, unet, path)
        paths.append(path)
    return paths


def verify(folder: Path) -> Bundle:
    """Open the bundle as the appliance does and run its golden cases on the CPU engine."""
    bundle = open_bundle(folder)
    size = sum(size for _, size in bundle.manifest.files.values())
    if size > LARGEST_BUNDLE_BYTES:
        raise BundleError(f"The bundle has {size} bytes; at most {LARGEST_BUNDLE_BYTES} are allowed.")
    ensemble, _ = on_cpu(bundle)
    with ensemble.running():
        for path in bundle.golden:
            check_case(open_case(path), ensemble, bundle.manifest.spec)
    return bundle


def _fill(
    folder: Path,
    release: Release,
    checkpoints: Sequence[Checkpoint],
    calibration: Mapping[str, Any],
    golden_heads: Sequence[LabelledHead],
    heads: Mapping[str, Material],
) -> dict[str, Any]:
    """Every file but the manifest, which is returned."""
    for part in ("models", "golden"):
        (folder / part).mkdir(parents=True)
    ensemble, windows = ensemble_of(checkpoints)
    released = materials_of(checkpoints)
    models: list[dict[str, str]] = []
    training: list[dict[str, Any]] = []
    for checkpoint, path in zip(checkpoints, write_models(checkpoints, folder / "models"), strict=True):
        recipe, file = checkpoint.recipe, path.relative_to(folder).as_posix()
        deviation = check_onnx(checkpoint.unet(), folder / file, _crops(golden_heads, checkpoint))
        models.append({"file": file, "plane": recipe.plane.value})
        record = {"recipe": recipe.as_json(), "step": checkpoint.step, "validation": checkpoint.validation}
        origin = {"released": checkpoint.released.as_json()} if checkpoint.released else {}
        training.append({"file": file, **record, **origin, "onnx_deviation": asdict(deviation)})
    manifest: dict[str, Any] = {
        "name": release.name,
        "version": release.version,
        "serial": release.serial,
        "files": [],
        "classes": [stroke.value for stroke in StrokeClass],
        "models": models,
        "preprocessing": {
            "windows": windows,
            "slice_spacing_mm": calibration["slice_spacing_mm"],
            "pixel_mm": pixel_mm_of(calibration),
        },
        **{key: calibration[key] for key in _CALIBRATED},
        "training": {
            "what_on": what_on([*heads.values(), *(one for record in released.values() for one in record.values())]),
            "provisional": release.provisional,
            "heads": {purpose: of_purpose.as_json() for purpose, of_purpose in heads.items()},
            "runs": training,
            "calibration": {
                **{key: calibration[key] for key in _RECORDED},
                "heads": without_order(calibration["heads"]),
            },
        },
        "golden": {
            "cases": [f"golden/{head.name}.npz" for head in golden_heads],
            "reference": "float32, torch",
            "tolerance": {"mean_error": MEAN_ERROR, "flipped_share": FLIPPED_SHARE, "error_share": ERROR_SHARE},
        },
    }
    unhashed = [{"path": model["file"], "sha256": "", "size": 0} for model in models]
    spec = Manifest.parse({**manifest, "files": unhashed}).spec
    for head, case in zip(golden_heads, make_cases(golden_heads, ensemble, spec), strict=True):
        save_case(case, folder / "golden" / f"{head.name}.npz")
    card = model_card(release.name, release.version, checkpoints, calibration, heads, release.provisional)
    (folder / "MODEL_CARD.md").write_text(card, encoding="utf-8")
    manifest["files"] = [listed(path, folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    return manifest


def _crops(heads: Sequence[LabelledHead], checkpoint: Checkpoint) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """float32 (N, C, 32, 32): for each head the crop around the middle of its lesion, as the network's input."""
    plane, crops = checkpoint.recipe.plane, []
    for head in heads:
        labels = plane.slices(head.labels)
        number = int(labels.sum(axis=(1, 2)).argmax())
        starts = [
            int(np.clip(middle - CROP // 2, 0, length - CROP))
            for middle, length in zip(np.argwhere(labels[number]).mean(axis=0), labels.shape[1:], strict=True)
        ]
        rows, columns = (slice(start, start + CROP) for start in starts)
        crops.append(plane.slices(head.hu)[number, rows, columns])
    return np.asarray(windowed(np.stack(crops), checkpoint.recipe.windows, np))


def listed(path: Path, folder: Path) -> dict[str, Any]:
    """A file as the manifest lists it."""
    content = path.read_bytes()
    return {
        "path": path.relative_to(folder).as_posix(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
