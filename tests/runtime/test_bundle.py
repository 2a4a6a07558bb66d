from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.bundle import open_bundle
from runtime.classification import StrokeClass
from runtime.engines.profile import PROFILES, Profile
from runtime.errors import BundleError
from runtime.planes import Plane
from tests.file_modes import bound_by_modes


def write_bundle(folder: Path, change: Callable[[dict[str, Any]], object] = lambda manifest: None) -> Path:
    """A bundle whose models are a few bytes; `change` edits the manifest before it is written."""
    files = {"models/a.onnx": b"aaaa", "models/c.onnx": b"cc", "models/s.onnx": b"s", "golden/volume.npz": b"golden"}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    manifest: dict[str, Any] = {
        "name": "toy",
        "version": "1.0",
        "serial": 3,
        "files": [
            {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
            for name, content in files.items()
        ],
        "classes": ["IS", "IH"],
        "models": [{"file": f"models/{plane.value[0]}.onnx", "plane": plane.value} for plane in Plane],
        "preprocessing": {"windows": [[0, 80], [0, 200]], "slice_spacing_mm": 1.0},
        "coefficients": {"axial": 0.47, "coronal": 0.56, "sagittal": 0.56},
        "closing_radius": 3,
        "voxel_cutoff": 0.9,
        "class_cutoffs": {"IS": 1.16, "IH": 1.52},
        "training": {"data": "none"},
    }
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_a_whole_bundle_opens(tmp_path: Path) -> None:
    bundle = open_bundle(write_bundle(tmp_path))
    assert bundle.models(Plane.CORONAL) == (tmp_path / "models/c.onnx",)
    assert bundle.manifest.serial == 3
    assert bundle.manifest.spec.windows == ((0.0, 80.0), (0.0, 200.0))
    assert bundle.manifest.spec.class_cutoffs[StrokeClass.IH] == 1.52
    assert bundle.manifest_sha256 == hashlib.sha256((tmp_path / "manifest.json").read_bytes()).hexdigest()


def test_without_a_smallest_lesion_every_area_counts(tmp_path: Path) -> None:
    assert open_bundle(write_bundle(tmp_path)).manifest.spec.smallest_lesion_ml == 0
    write_bundle(tmp_path, lambda manifest: manifest.update(smallest_lesion_ml=0.3))
    assert open_bundle(tmp_path).manifest.spec.smallest_lesion_ml == 0.3
    write_bundle(tmp_path, lambda manifest: manifest.update(smallest_lesion_ml=5))
    with pytest.raises(BundleError, match="smallest_lesion_ml must be 0 to"):
        open_bundle(tmp_path)


def test_without_a_pixel_size_pixels_stay_as_scanned(tmp_path: Path) -> None:
    assert open_bundle(write_bundle(tmp_path)).manifest.spec.pixel_mm == 0
    write_bundle(tmp_path, lambda manifest: manifest["preprocessing"].update(pixel_mm=0.9))
    assert open_bundle(tmp_path).manifest.spec.pixel_mm == 0.9
    write_bundle(tmp_path, lambda manifest: manifest["preprocessing"].update(pixel_mm=2.1))
    with pytest.raises(BundleError, match="pixel_mm must be 0 to 2"):
        open_bundle(tmp_path)
    write_bundle(tmp_path, lambda manifest: manifest["preprocessing"].update(pixel_mm="nan"))
    with pytest.raises(BundleError, match="must be finite"):
        open_bundle(tmp_path)


def test_the_sizes_that_plans_are_built_for(tmp_path: Path) -> None:
    assert open_bundle(write_bundle(tmp_path)).manifest.profiles == PROFILES
    sizes = {"coronal": {"optimum": [160, 320], "largest": [512, 640]}}
    write_bundle(tmp_path, lambda manifest: manifest["preprocessing"].update(crop_sizes=sizes))
    profiles = open_bundle(tmp_path).manifest.profiles
    assert profiles[Plane.CORONAL] == Profile(8, (160, 320), (512, 640))
    assert profiles[Plane.AXIAL] == PROFILES[Plane.AXIAL]


@pytest.mark.parametrize("name", ["models/a.onnx", "golden/volume.npz"])
def test_any_changed_byte_is_refused(tmp_path: Path, name: str) -> None:
    write_bundle(tmp_path)
    original = (tmp_path / name).read_bytes()
    for index in range(len(original)):
        altered = bytearray(original)
        altered[index] ^= 1
        (tmp_path / name).write_bytes(altered)
        with pytest.raises(BundleError, match="was altered"):
            open_bundle(tmp_path)


def test_missing_extra_and_linked_files_are_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    (tmp_path / "models/extra.onnx").write_bytes(b"")
    with pytest.raises(BundleError, match=r"extra\.onnx is not in the manifest"):
        open_bundle(tmp_path)
    (tmp_path / "models/extra.onnx").rename(tmp_path.parent / "a.onnx")
    (tmp_path.parent / "a.onnx").write_bytes(b"aaaa")
    (tmp_path / "models/a.onnx").unlink()
    with pytest.raises(BundleError, match=r"a\.onnx is missing"):
        open_bundle(tmp_path)
    (tmp_path / "models/a.onnx").symlink_to(tmp_path.parent / "a.onnx")
    with pytest.raises(BundleError, match="is a link"):
        open_bundle(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.pop("coefficients"), "lacks 'coefficients'"),
        (lambda m: m["coefficients"].update(axial=1.2), "between 0 and 1"),
        (lambda m: m["coefficients"].update(axial=float("nan")), "finite"),
        (lambda m: m["class_cutoffs"].update(IH=float("inf")), "finite"),
        (lambda m: m.update(voxel_cutoff=float("nan")), "finite"),
        (lambda m: m["preprocessing"].update(windows=[[0, float("inf")]]), "finite"),
        (lambda m: m.update(classes=["IH", "IS"]), "classes"),
        (lambda m: m["models"].pop(), "No model for"),
        (lambda m: m["models"][0].update(plane="oblique"), "oblique"),
        (lambda m: m["models"][0].update(file="models/none.onnx"), "lists no file"),
        (lambda m: m["preprocessing"].update(windows=[[80, 0]]), "windows"),
        (lambda m: m["preprocessing"].update(windows=[[0, 1]] * 4), "windows"),
        (lambda m: m["preprocessing"].update(crop_sizes={"axial": {"optimum": [100, 96]}}), "multiples of 32"),
        (lambda m: m["preprocessing"].update(crop_sizes={"axial": {"optimum": [2048, 96]}}), "below its optimum"),
        (lambda m: m["preprocessing"].update(crop_sizes={"oblique": {}}), "not of oblique"),
        (lambda m: m["preprocessing"].update(crop_sizes=[1]), "malformed"),
        (lambda m: m["class_cutoffs"].pop("IH"), "lacks 'IH'"),
        (lambda m: m.update(closing_radius="three"), "malformed"),
        (lambda m: m["files"].append({"path": "../x", "sha256": "", "size": 0}), "unsafe path"),
        (lambda m: m["files"].append({"path": "/etc/passwd", "sha256": "", "size": 0}), "unsafe path"),
    ],
)
def test_a_wrong_manifest_says_what_is_wrong(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], words: str
) -> None:
    with pytest.raises(BundleError, match=words):
        open_bundle(write_bundle(tmp_path, change))


def test_no_bundle_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No engine bundle"):
        open_bundle(tmp_path / "nowhere")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match="no JSON"):
        open_bundle(tmp_path)


def test_a_linked_folder_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "real")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/manifest.json").write_bytes((tmp_path / "real/manifest.json").read_bytes())
    for name in ("models", "golden"):
        (tmp_path / "linked" / name).symlink_to(tmp_path / "real" / name)
    with pytest.raises(BundleError, match="is a link"):
        open_bundle(tmp_path / "linked")


def test_a_huge_or_nested_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b" " * (1 << 21))
    with pytest.raises(BundleError, match="larger than"):
        open_bundle(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"[" * 500_000)
    with pytest.raises(BundleError, match="no JSON"):
        open_bundle(tmp_path)


def test_a_file_or_folder_that_cant_be_read_is_said(tmp_path: Path) -> None:
    write_bundle(tmp_path)
    (tmp_path / "models/a.onnx").chmod(0)
    with bound_by_modes(), pytest.raises(BundleError, match=r"a\.onnx can't be read: Permission denied\. Let the user"):
        open_bundle(tmp_path)
    (tmp_path / "models").chmod(0o600)
    with bound_by_modes(), pytest.raises(BundleError, match="can't be read: Permission denied"):
        open_bundle(tmp_path)
    (tmp_path / "models").chmod(0o700)
