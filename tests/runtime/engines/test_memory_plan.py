"""Networks whose memory can be counted on one's fingers, in units of one channel of a batch in half precision."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper

from runtime.engines.memory_plan import VOXEL_BYTES, MemoryPlan, memory_plan, network_memory
from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import MIB
from runtime.planes import Plane
from tests.onnx_models import pointwise

BATCH, HEIGHT, WIDTH = 2, 32, 64
UNIT = BATCH * HEIGHT * WIDTH * 2
FLOAT_UNIT = 2 * UNIT


def write(path: Path, nodes: Sequence[NodeProto], weights: dict[str, tuple[int, int]]) -> Path:
    """A network from `images` with 2 channels to `probabilities` with 2, with 1x1 kernels (out, in) of ones."""
    images, probabilities = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2, "h", "w"])
        for name in ("images", "probabilities")
    )
    kernels = [
        onnx.numpy_helper.from_array(np.ones((*shape, 1, 1), np.float16), name) for name, shape in weights.items()
    ]
    graph = helper.make_graph(list(nodes), "g", [images], [probabilities], kernels)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def chain(*steps: tuple[str, Sequence[str], str]) -> list[NodeProto]:
    """(operation, inputs, output) each, between the casts at both ends: from `half` on, to `logits`."""
    first = helper.make_node("Cast", ["images"], ["half"], to=TensorProto.FLOAT16)
    last = helper.make_node("Cast", ["logits"], ["probabilities"], to=TensorProto.FLOAT)
    return [first, *(helper.make_node(kind, inputs, [output]) for kind, inputs, output in steps), last]


def activations(path: Path) -> int:
    return network_memory(path, (BATCH, 2, HEIGHT, WIDTH)).activations


def test_a_convolution_needs_what_it_reads_and_what_it_makes(tmp_path: Path) -> None:
    steps = chain(("Conv", ["half", "a"], "wide"), ("Conv", ["wide", "b"], "logits"))
    path = write(tmp_path / "chain.onnx", steps, {"a": (5, 2), "b": (2, 5)})
    memory = network_memory(path, (BATCH, 2, HEIGHT, WIDTH))
    assert memory.activations == (2 + 5) * UNIT  # then (5 + 2) at the second one: the first input is gone
    assert memory.weights == 2 * (10 + 10)
    assert memory.images == memory.probabilities == 2 * FLOAT_UNIT


def test_what_is_read_again_later_stays(tmp_path: Path) -> None:
    steps = chain(
        ("Conv", ["half", "a"], "wide"), ("Conv", ["wide", "b"], "narrow"), ("Add", ["narrow", "half"], "logits")
    )
    assert activations(write(tmp_path / "skip.onnx", steps, {"a": (5, 2), "b": (2, 5)})) == (2 + 5 + 2) * UNIT


def test_what_works_element_by_element_writes_over_its_input(tmp_path: Path) -> None:
    steps = chain(
        ("Conv", ["half", "a"], "wide"), ("Relu", ["wide"], "rectified"), ("Conv", ["rectified", "b"], "logits")
    )
    path = write(tmp_path / "relu.onnx", steps, {"a": (5, 2), "b": (2, 5)})
    assert activations(path) == (2 + 5) * UNIT  # 5 + 5, were the rectified ones elsewhere


def test_but_not_where_somebody_still_reads_it(tmp_path: Path) -> None:
    steps = chain(
        ("Conv", ["half", "a"], "wide"),
        ("Relu", ["wide"], "rectified"),
        ("Add", ["wide", "rectified"], "sum"),
        ("Conv", ["sum", "b"], "logits"),
    )
    assert activations(write(tmp_path / "both.onnx", steps, {"a": (5, 2), "b": (2, 5)})) == (5 + 5) * UNIT


def test_it_grows_with_the_batch_and_the_slices(tmp_path: Path) -> None:
    (tmp_path / "toy.onnx").write_bytes(pointwise([[4.0], [-4.0]], [-2.0, 2.0]))
    small, large = (network_memory(tmp_path / "toy.onnx", shape) for shape in ((1, 1, 32, 32), (8, 1, 64, 96)))
    assert large.activations == 8 * 6 * small.activations
    assert large.weights == small.weights


def test_what_is_no_network_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"broken\.onnx can't be read"):
        network_memory(tmp_path / "broken.onnx", (1, 1, 32, 32))


def test_engines_share_scratch_and_buffers_but_not_weights(tmp_path: Path) -> None:
    toy = tmp_path / "toy.onnx"
    toy.write_bytes(pointwise([[4.0], [-4.0]], [-2.0, 2.0]))
    profiles = {plane: Profile(2, (32, 32), (64, 128)) for plane in Plane}
    profiles[Plane.SAGITTAL] = Profile(2, (64, 64), (64, 128))
    models = {Plane.AXIAL: [toy, toy], Plane.CORONAL: [toy], Plane.SAGITTAL: [toy]}
    small, large = (network_memory(toy, (2, 1, side, side)) for side in (32, 64))
    assert memory_plan(models, profiles, channels=1, voxels=1000, workspace_mib=64) == MemoryPlan(
        weights=4 * small.weights,
        scratch=round(1.8 * large.activations),
        buffers=large.images + 2 * large.probabilities,
        volume=1000 * VOXEL_BYTES,
        workspace=64 * MIB * 2 // 8 // 2,  # plans are built for 8 slices, and the largest are twice these
    )


def test_it_says_that_it_is_an_estimate() -> None:
    plan = MemoryPlan(weights=10 * MIB, scratch=20 * MIB, buffers=3 * MIB, volume=4 * MIB, workspace=64 * MIB)
    assert str(plan) == (
        "Device memory, an estimate: 101 MiB (weights 10, scratch 20, buffers 3, volume 4, workspace 64)"
    )
