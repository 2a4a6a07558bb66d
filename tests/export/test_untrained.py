"""The bundle for load, in the small width: it opens, runs, and says that it means nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from export.onnx import export_onnx_like
from export.untrained import WINDOWS, random_unet, write_random_bundle
from runtime.bundle import Bundle
from runtime.engines.loading import on_cpu
from runtime.planes import Plane
from training.continued import unfolded
from training.model import Width

COUNTS = {Plane.AXIAL: 2, Plane.CORONAL: 1, Plane.SAGITTAL: 1}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_random_bundle(Width.SMALL, tmp_path_factory.mktemp("random") / "bundle", COUNTS)


def test_it_says_everywhere_that_it_is_for_load_only(bundle: Bundle) -> None:
    manifest = json.loads((bundle.folder / "manifest.json").read_text())
    for text in (manifest["warning"], (bundle.folder / "MODEL_CARD.md").read_text()):
        assert "never for patients" in text
    assert "random" in bundle.manifest.name
    assert bundle.manifest.serial == 0
    assert manifest["training"]["what_on"] == "nothing: random weights"


def test_every_network_has_its_own_weights(bundle: Bundle) -> None:
    assert {plane: len(bundle.models(plane)) for plane in Plane} == COUNTS
    digests = [sha256 for name, (sha256, _) in bundle.manifest.files.items() if name.startswith("models/")]
    assert len(set(digests)) == sum(COUNTS.values())


def test_its_probabilities_are_neither_all_alike_nor_saturated(bundle: Bundle) -> None:
    images = np.random.default_rng(0).random((2, len(WINDOWS), 64, 96), dtype=np.float32)
    ensemble, _ = on_cpu(bundle)
    with ensemble.running():
        for plane in Plane:
            probability = ensemble.mean(plane, images)
            assert np.isfinite(probability).all()
            assert probability.mean(axis=(0, 2, 3)).min() > 0
            assert probability.mean(axis=(0, 2, 3)).max() < 0.5
            assert probability.std(axis=(0, 2, 3)).min() > 1e-3


def test_a_network_that_was_not_traced_is_the_one_of_its_seed(bundle: Bundle) -> None:
    """The second file takes the first one's graph: with its own weights, not the first one's."""
    images = torch.rand(1, len(WINDOWS), 64, 64, generator=torch.Generator().manual_seed(0))
    files = bundle.models(Plane.AXIAL)
    with torch.inference_mode():
        first, second = (random_unet(Width.SMALL, seed, len(WINDOWS))(images) for seed in (0, 1))
        stored = unfolded(files[1], Width.SMALL, [])(images)
    spread = float(second.std())
    assert float((stored - second).abs().mean()) < 0.02 * spread
    assert float((stored - first).abs().mean()) > 0.5 * spread


def test_another_networks_graph_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    (path,) = bundle.models(Plane.CORONAL)
    model = onnx.load(path)
    next(one for one in model.graph.initializer if one.name.endswith("conv.weight")).dims[0] += 1
    onnx.save(model, tmp_path / "other.onnx")
    with pytest.raises(ValueError, match="another network"):
        export_onnx_like(tmp_path / "other.onnx", random_unet(Width.SMALL, 0, len(WINDOWS)), tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_nothing_is_overwritten(bundle: Bundle) -> None:
    with pytest.raises(FileExistsError):
        write_random_bundle(Width.SMALL, bundle.folder, COUNTS)
