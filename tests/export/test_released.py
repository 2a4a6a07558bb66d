"""Networks of a released bundle back as runs: the same outputs, and exported again the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from calibration.ensemble import read_run
from export.__main__ import main
from export.onnx import LARGEST_ERROR, export_onnx_like
from export.released import released_checkpoints
from export.untrained import WINDOWS, random_unet, write_random_bundle
from runtime.planes import Plane
from training.checkpoint import load_checkpoint
from training.config import Recipe
from training.model import Width

COUNTS = {Plane.AXIAL: 2, Plane.CORONAL: 1, Plane.SAGITTAL: 1}
VALIDATION: dict[str, Any] = {"mean_iou": 0.5, "iou_by_class": {"IS": 0.4, "IH": 0.6}, "healthy_voxels": [0]}
SEEDS = {"training": [100_000, 100_095], "validation": [200_000, 200_011]}


def recorded(folder: Path) -> Path:
    """Write into a random bundle's manifest what a trained one says, in the words of the first release."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest.update(name="released", version="0.1")
    runs = []
    for model in manifest["models"]:
        recipe = Recipe(Plane(model["plane"]), seed=5, width=Width.SMALL, windows=WINDOWS).as_json()
        old = {key: value for key, value in recipe.items() if key not in ("dice_smoothing", "precision")}
        runs.append({"file": model["file"], "recipe": old, "step": 2600, "validation": VALIDATION})
    manifest["training"] = {"seeds": SEEDS, "runs": runs}
    path.write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(write_random_bundle(Width.SMALL, tmp_path_factory.mktemp("released") / "bundle", COUNTS).folder)


@pytest.fixture(scope="module")
def runs(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "released"
    assert main(["checkpoints", "--bundle", str(bundle), "--out", str(out)]) == 0
    return out


def weights(path: Path) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[Any]]]:
    stored = {one.name: numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
    return {name: value for name, value in stored.items() if name.startswith("body.")}


def test_every_network_computes_what_it_did(runs: Path) -> None:
    images = torch.rand(2, len(WINDOWS), 64, 96, generator=torch.Generator().manual_seed(0))
    for name, seed in {"axial-0": 0, "axial-1": 1, "coronal-0": 100, "sagittal-0": 200}.items():
        with torch.inference_mode():
            expected = torch.sigmoid(random_unet(Width.SMALL, seed, len(WINDOWS))(images))
            again = torch.sigmoid(load_checkpoint(runs / name / "best.pt").unet()(images))
        assert float((again - expected).abs().max()) < LARGEST_ERROR  # half precision, of weights alone


def test_exported_again_the_weights_are_the_same_to_the_bit(bundle: Path, runs: Path, tmp_path: Path) -> None:
    unet = load_checkpoint(runs / "axial-1" / "best.pt").unet()
    export_onnx_like(bundle / "models/axial-0.onnx", unet, tmp_path / "x")
    before, after = weights(bundle / "models/axial-1.onnx"), weights(tmp_path / "x")
    assert before.keys() == after.keys()
    assert [name for name in before if not np.array_equal(before[name], after[name])] == []


def test_what_the_bundle_says_of_them_comes_along(bundle: Path, runs: Path) -> None:
    checkpoint = load_checkpoint(runs / "axial-1" / "best.pt")
    assert (checkpoint.recipe.plane, checkpoint.recipe.seed, checkpoint.step) == (Plane.AXIAL, 5, 2600)
    assert checkpoint.validation == VALIDATION
    released = checkpoint.released
    assert released is not None
    assert (released.bundle, released.file) == ("released 0.1", "models/axial-1.onnx")
    assert released.heads == SEEDS
    assert released.recipe_lacks == ("dice_smoothing", "precision")
    assert json.loads((runs / "axial-1" / "recipe.json").read_text()) == checkpoint.recipe.as_json()
    assert read_run(runs / "axial-1").iou == 0.5
    assert read_run(runs / "axial-1").score is None


def test_the_origin_is_where_they_were_trained_not_where_they_passed_through(bundle: Path, tmp_path: Path) -> None:
    path = bundle / "manifest.json"
    text = path.read_text()
    manifest = json.loads(text)
    first = released_checkpoints(bundle)["axial-0"].released
    assert first is not None
    manifest.update(version="0.2")
    manifest["training"]["runs"][0]["released"] = first.as_json()
    path.write_text(json.dumps(manifest))
    try:
        checkpoints = released_checkpoints(bundle)
    finally:
        path.write_text(text)
    assert [one.released.bundle for one in checkpoints.values() if one.released] == [
        "released 0.1",
        *["released 0.2"] * 3,
    ]


def test_an_untrained_bundle_and_a_folder_that_is_there_are_refused(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bundle / "manifest.json"
    text = path.read_text()
    manifest = json.loads(text)
    del manifest["training"]["runs"]
    path.write_text(json.dumps(manifest))
    try:
        assert main(["checkpoints", "--bundle", str(bundle), "--out", str(tmp_path / "out")]) == 2
    finally:
        path.write_text(text)
    assert "doesn't say how its networks were trained" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main(["checkpoints", "--bundle", str(bundle), "--out", str(tmp_path)]) == 2
    assert "name a new folder" in capsys.readouterr().err
