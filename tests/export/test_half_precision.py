"""The shipped networks in half precision against float32, with trained weights, on the golden volumes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from appliance import shipped
from benchmarks.agreement import agreement_of
from benchmarks.gpu_parity import VOXEL_ML, Analysed, analysed
from benchmarks.task import Evidence
from benchmarks.torch_engine import bundle_networks
from runtime.bundle import open_bundle
from runtime.classification import ClassMeasure, StrokeClass, classify
from runtime.compute import CPU
from runtime.engines.base import Ensemble
from runtime.golden import open_case
from runtime.planes import Plane
from tests.half_precision import HalfEngine
from training.engine import TorchEngine
from training.model import Unet, Width

BUNDLE = open_bundle(shipped.FOLDER)
GOLDEN = sorted((BUNDLE.folder / "golden").glob("*.npz"))


def found(analysis: Analysed) -> Evidence:
    """What would be reported of it."""
    marked = {stroke: (analysis.kept == stroke.label).sum() * VOXEL_ML for stroke in StrokeClass}
    cutoffs = BUNDLE.manifest.spec.class_cutoffs
    measures = {stroke: ClassMeasure(analysis.means[stroke], cutoffs[stroke], marked[stroke]) for stroke in StrokeClass}
    finding, _ = classify(measures, marked=[stroke for stroke in StrokeClass if marked[stroke]], flags=())
    return Evidence.of(finding.call.value, analysis.means)


def test_there_is_a_golden_volume_of_each_class() -> None:
    assert len(GOLDEN) >= len(StrokeClass)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_mask_evidence_and_finding_are_the_same(path: Path) -> None:
    """Dice of each class at least 0.999, means of V within 0.005, the same finding (see Agreement)."""
    networks, hu = bundle_networks(BUNDLE), open_case(path).hu
    single, half = (
        analysed(hu, Ensemble({p: tuple(map(engine, networks[p])) for p in Plane}), BUNDLE.manifest.spec, CPU)
        for engine in (TorchEngine, HalfEngine)
    )
    assert single.v.any()
    agreement = agreement_of(found(single), single.labels, found(half), half.labels)
    assert agreement.holds, agreement
    assert not np.array_equal(single.v, half.v)  # or nothing was rounded


def test_every_tensor_in_between_is_rounded() -> None:
    torch.manual_seed(0)
    unet = Unet(Width.SMALL)
    images = np.random.default_rng(0).random((1, 1, 32, 32), dtype=np.float32)
    single, half = (engine(unet).infer(images) for engine in (TorchEngine, HalfEngine))
    assert np.array_equal(half, half.astype(np.float16))
    assert 0 < np.abs(single - half).max() < 0.01
