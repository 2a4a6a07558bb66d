"""The shipped networks in half precision against float32, with trained weights, on the golden volumes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

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
from runtime.windows import windowed
from tests.half_precision import FileEngine, HalfEngine
from training.continued import unfolded
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


@pytest.mark.parametrize("plane", Plane)
def test_the_emulation_computes_what_the_file_does(plane: Plane) -> None:
    """Node by node, on the slice that shows most of the lesion: nearer to it than float32 is."""
    case, path = open_case(GOLDEN[0]), BUNDLE.models(plane)[0]
    most = int(plane.slices(case.expected[plane]).sum(axis=(0, 2, 3), dtype=int).argmax())
    images = windowed(plane.slices(case.hu)[most : most + 1], BUNDLE.manifest.spec.windows, np)
    single, half = (engine(unfolded(path, Width.SMALL, [])).infer(images) for engine in (TorchEngine, HalfEngine))
    file = FileEngine(path).infer(images)
    assert file.dtype == np.float32
    assert np.array_equal(file, file.astype(np.float16))
    assert np.ptp(file) > 0.2
    assert np.abs(file - half).max() < 0.005
    assert np.abs(file - half).mean() < 0.9 * np.abs(file - single).mean()


@pytest.mark.parametrize("path", [path for plane in Plane for path in BUNDLE.models(plane)], ids=lambda path: path.stem)
def test_everything_between_the_two_casts_of_a_file_is_half_precision(path: Path) -> None:
    """By ONNX's own rules of types; sizes and scales are no tensors that are computed with."""
    model = onnx.load(path)
    del model.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True).graph
    first, *between, last = graph.node
    assert (first.op_type, last.op_type) == ("Cast", "Cast")
    assert "Cast" not in {node.op_type for node in between}
    assert [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)] == [TensorProto.FLOAT] * 2
    assert (first.input[0], last.output[0]) == (graph.input[0].name, graph.output[0].name)
    types = {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    types |= {weight.name: weight.data_type for weight in graph.initializer}
    computed = {name for node in (first, *between) for name in node.output}
    read = {name for node in between for name in node.input if name} - _sizes(between)
    assert {types[name] for name in computed | read} == {TensorProto.FLOAT16}
    assert {node.op_type for node in between} >= {"Conv", "Resize", "Sigmoid"}


def _sizes(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """What says where to cut and how far to enlarge: all but the first input of each Slice and Resize."""
    return {name for node in nodes if node.op_type in ("Slice", "Resize") for name in node.input[1:]}
