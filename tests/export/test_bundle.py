"""From weights to a bundle that the appliance opens: one network, trained on toy heads until it tells their balls."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from export.bundle import Release, verify, write_bundle
from export.folding import folded
from export.golden import SIZE, make_cases
from export.onnx import ExportInexact, check_onnx, export_onnx
from runtime.bundle import Bundle
from runtime.engines.base import Ensemble
from runtime.engines.memory import MemoryEngine
from runtime.engines.openvino import OpenVinoEngine
from runtime.errors import BundleError, GoldenMismatch, UsageError
from runtime.golden import check_case, open_case
from runtime.planes import Plane
from runtime.windows import windowed
from tests.training.heads import toy_heads
from training.checkpoint import Checkpoint, load_checkpoint
from training.config import Optimiser, Recipe
from training.engine import TorchEngine
from training.material import Material
from training.model import Probabilities, Unet, Width
from training.train import train

RECIPE = Recipe(
    plane=Plane.AXIAL,
    seed=1,
    width=Width.SMALL,
    windows=((0.0, 80.0), (-50.0, 150.0)),
    steps=80,
    batch=6,
    crop=(64, 64),
    dice_weight=0.5,
    optimiser=Optimiser.ADAMW_ONE_CYCLE,
    learning_rate=3e-3,
    validate_every=80,
    validation_stride=4,
)
CALIBRATION: dict[str, Any] = {
    "coefficients": {plane.value: 0.5 for plane in Plane},
    "closing_radius": 3,
    "voxel_cutoff": 0.9,
    "class_cutoffs": {"IS": 1.2, "IH": 1.5},
    "smallest_lesion_ml": 0.2,
    "area_cutoffs": {"IS": 1.0, "IH": 1.1},
    "slice_spacing_mm": 1.0,
    "tie": 0.03,
    "three_class_dice": 0.5,
    "accuracy": 1.0,
    "right_by_area_rule": 1,
    "heads": [
        {"seed": 1, "stroke": None, "dice": None, "marked_voxels": {"IS": 0, "IH": 0}, "means": {"IS": 0.0, "IH": 0.0}}
    ],
}
SHAPES = [(150, 300, 290), (170, 350, 330), (160, 320, 700)]
HEADS = {"training": Material(3, (1, 3), 0), "validation": Material(2, (10, 11), 12)}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    run = tmp_path_factory.mktemp("runs") / "axial"
    train(RECIPE, toy_heads(6), toy_heads(3, first_seed=10), run, report=lambda line: None)
    return load_checkpoint(run / "best.pt")


@pytest.fixture(scope="module")
def exported(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model.onnx"
    export_onnx(checkpoint.unet(), len(RECIPE.windows), path)
    return path


@pytest.fixture(scope="module")
def bundle(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    checkpoints = [replace(checkpoint, recipe=replace(checkpoint.recipe, plane=plane)) for plane in Plane]
    out = tmp_path_factory.mktemp("bundle") / "toy"
    golden = toy_heads(2, 10)
    return write_bundle(Release("toy", "0.1", 1), checkpoints, CALIBRATION, golden, HEADS, out, SHAPES)


def balls(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Windowed slices through the lesions of toy heads, (N, 2, 64, 64)."""
    heads = toy_heads(2 * count, first_seed=20)
    hu = np.stack([head.hu[20, :64, :64] for head in heads if head.stroke])
    return np.asarray(windowed(hu, RECIPE.windows, np))


def test_it_learnt_something(checkpoint: Checkpoint) -> None:
    """Comparisons of half precision mean nothing on untrained weights."""
    assert checkpoint.validation["mean_iou"] > 0.3


def test_folding_changes_nothing(checkpoint: Checkpoint) -> None:
    unet, images = checkpoint.unet(), torch.from_numpy(balls(2))
    with torch.inference_mode():
        difference = (Probabilities(unet)(images) - Probabilities(folded(unet))(images)).abs().max()
    assert float(difference) < 1e-4
    assert not [module for module in folded(unet).modules() if isinstance(module, torch.nn.BatchNorm2d)]


def test_the_onnx_file_computes_what_the_network_does_at_any_size(checkpoint: Checkpoint, exported: Path) -> None:
    unet = checkpoint.unet()
    deviation = check_onnx(unet, exported, balls(1)[:1, :, 16:48, 16:48])
    assert deviation.largest_error < 0.02
    with OpenVinoEngine(exported) as engine:
        for shape in ((1, 2, 32, 64), (3, 2, 96, 32)):
            assert engine.infer(np.zeros(shape, np.float32)).shape == (shape[0], 2, *shape[2:])
        images = balls(3)
        with torch.inference_mode():
            expected = Probabilities(unet)(torch.from_numpy(images)).numpy()
        assert np.abs(engine.infer(images) - expected).mean() < 0.01


def test_another_networks_file_is_refused(exported: Path) -> None:
    with pytest.raises(ExportInexact, match="differs from the trained network"):
        check_onnx(Unet(Width.SMALL).eval(), exported, balls(1)[:1, :, 16:48, 16:48])


def test_a_bundle_opens_and_says_how_it_was_made(bundle: Bundle) -> None:
    assert verify(bundle.folder).manifest_sha256 == bundle.manifest_sha256
    manifest = json.loads((bundle.folder / "manifest.json").read_text())
    assert [model["plane"] for model in manifest["models"]] == [plane.value for plane in Plane]
    assert manifest["training"]["what_on"] == "synthetic heads (phantom/) and heads of patients"
    assert manifest["training"]["heads"] == {
        "training": {"synthetic": 3, "seeds": [1, 3], "patients": 0, "pixel_mm": None, "generators": []},
        "validation": {"synthetic": 2, "seeds": [10, 11], "patients": 12, "pixel_mm": None, "generators": []},
    }
    assert manifest["training"]["runs"][0]["recipe"]["steps"] == RECIPE.steps
    assert bundle.manifest.spec.windows == RECIPE.windows
    assert manifest["preprocessing"]["crop_sizes"]["axial"] == {"optimum": [320, 352], "largest": [1024, 1024]}
    assert bundle.manifest.profiles[Plane.SAGITTAL].optimum == (160, 320)
    card = (bundle.folder / "MODEL_CARD.md").read_text()
    assert "- validation: 2 synthetic heads, seeds 10 to 11, and heads of 12 patients" in card
    assert "Made with heads of patients and synthetic ones." in card
    assert "synthetic heads only" not in card
    assert f"| axial-0 | 1 | {RECIPE.batch} | {RECIPE.learning_rate:g} | {RECIPE.steps} |" in card
    assert manifest["training"]["calibration"]["tie"] == CALIBRATION["tie"]


def test_any_listed_file_that_changes_is_noticed(bundle: Bundle) -> None:
    for name in bundle.manifest.files:
        path = bundle.folder / name
        original = path.read_bytes()
        altered = bytearray(original)
        altered[len(altered) // 2] ^= 1
        path.write_bytes(altered)
        with pytest.raises(BundleError, match="was altered"):
            verify(bundle.folder)
        path.write_bytes(original)
    verify(bundle.folder)


def test_a_patients_voxels_make_no_golden_case(bundle: Bundle, checkpoint: Checkpoint) -> None:
    head = replace(toy_heads(1)[0], seed=None, patient="p1")
    ensemble = Ensemble(dict.fromkeys(Plane, (TorchEngine(checkpoint.unet()),)))
    with pytest.raises(ValueError, match="patient's voxels never leave"):
        make_cases([head], ensemble, bundle.manifest.spec)


def constant(value: float) -> MemoryEngine:
    return MemoryEngine(lambda images: np.full((len(images), 2, *images.shape[2:]), value, np.float32))


@pytest.mark.parametrize(
    ("coronal", "unseen"),
    [((0.03,), None), ((0.015, 0.015), "coronal 0, coronal 1"), ((0.0,), "coronal 0"), ((0.09, 0.0), "coronal 1")],
)
def test_a_golden_case_tells_a_network_that_falls_silent(
    bundle: Bundle, coronal: tuple[float, ...], unseen: str | None
) -> None:
    """A mean error of 0.01 is tolerated, and all of these are below the coefficient."""
    (head, *_), spec = toy_heads(1), bundle.manifest.spec
    ensemble = Ensemble({**{plane: (constant(0.6),) for plane in Plane}, Plane.CORONAL: tuple(map(constant, coronal))})
    with ensemble.running():
        if unseen is not None:
            with pytest.raises(UsageError, match=rf"networks gives no answer: {unseen}\. .* larger ones"):
                make_cases([head], ensemble, spec)
            return
        (case,) = make_cases([head], ensemble, spec)
        assert check_case(case, ensemble, spec)[Plane.CORONAL].mean_error < 0.002
    silent = Ensemble({**ensemble.members, Plane.CORONAL: (constant(0.0),)})
    with silent.running(), pytest.raises(GoldenMismatch, match="coronal"):
        check_case(case, silent, spec)


def test_one_golden_case_that_tells_a_network_is_enough(bundle: Bundle) -> None:
    """Here of blood, which is bright; the other networks answer everywhere."""
    bright = MemoryEngine(lambda images: np.repeat((images[:, :1] > 0.6).astype(np.float32), 2, axis=1))
    ensemble = Ensemble({**{plane: (constant(0.6),) for plane in Plane}, Plane.AXIAL: (bright,)})
    ischaemia, blood = toy_heads(2)
    with ensemble.running():
        assert len(make_cases([ischaemia, blood], ensemble, bundle.manifest.spec)) == 2
        with pytest.raises(UsageError, match="axial 0"):
            make_cases([ischaemia], ensemble, bundle.manifest.spec)


def test_a_golden_case_is_the_piece_around_the_lesion(bundle: Bundle) -> None:
    (head, *_) = toy_heads(1)
    wide = ((40, 40), (60, 60), (80, 80))
    larger = replace(head, hu=np.pad(head.hu, wide), labels=np.pad(head.labels, wide))
    ensemble = Ensemble({plane: (constant(0.6),) for plane in Plane})
    with ensemble.running():
        (case,) = make_cases([larger], ensemble, bundle.manifest.spec)
    middle = [int(np.median(where)) for where in np.nonzero(larger.labels)]
    box = tuple(slice(at - length // 2, at - length // 2 + length) for at, length in zip(middle, SIZE, strict=True))
    assert case.hu.shape == SIZE
    assert np.abs(case.hu - np.clip(larger.hu[box], -100, 300)).max() < 4


def test_engines_that_compute_something_else_fail_the_golden_cases(bundle: Bundle) -> None:
    dark = MemoryEngine(lambda images: np.zeros((len(images), 2, *images.shape[2:]), np.float32))
    (first, _) = sorted((bundle.folder / "golden").glob("*.npz"))
    with Ensemble(dict.fromkeys(Plane, (dark,))).running() as running, pytest.raises(GoldenMismatch):
        check_case(open_case(first), running, bundle.manifest.spec)
