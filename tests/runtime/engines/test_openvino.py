from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from runtime.engines.openvino import OpenVinoEngine
from runtime.errors import EngineError


def write_model(path: Path) -> Path:
    """sigmoid(4 * first window - 2) for IS and its complement for IH, with FP16 weights and dynamic sizes."""
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 2, "h", "w"])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2, "h", "w"])
    weights = np.array([[4, 0], [-4, 0]], np.float16).reshape(2, 2, 1, 1)
    bias = np.array([-2, 2], np.float16)
    nodes = [
        helper.make_node("Cast", ["images"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Conv", ["half", "weights", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["p"]),
        helper.make_node("Cast", ["p"], ["probabilities"], to=TensorProto.FLOAT),
    ]
    constants = [
        helper.make_tensor("weights", TensorProto.FLOAT16, weights.shape, weights.tobytes(), raw=True),
        helper.make_tensor("bias", TensorProto.FLOAT16, bias.shape, bias.tobytes(), raw=True),
    ]
    graph = helper.make_graph(nodes, "toy", [images], [output], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def test_answers_every_slice_in_its_place_at_any_size(tmp_path: Path) -> None:
    engine = OpenVinoEngine(write_model(tmp_path / "toy.onnx"), tmp_path / "cache")
    rng = np.random.default_rng(0)
    with engine:
        for count, height, width in ((5, 32, 64), (1, 96, 32), (11, 32, 32)):
            images = rng.random((count, 2, height, width), dtype=np.float32)
            p = 1 / (1 + np.exp(2 - 4 * images[:, 0]))
            answer = engine.infer(images)
            assert answer.dtype == np.float32
            # bf16 has 8 bits of mantissa
            assert answer[:, 0] == pytest.approx(p, abs=0.02)
            assert answer[:, 1] == pytest.approx(1 - p, abs=0.02)
    assert (tmp_path / "cache").is_dir()
    assert engine.backend.precision in {"bf16", "f32"}


def test_only_inside_its_context(tmp_path: Path) -> None:
    engine = OpenVinoEngine(write_model(tmp_path / "toy.onnx"))
    with pytest.raises(RuntimeError, match="outside"):
        engine.infer(np.zeros((1, 2, 32, 32), np.float32))


def test_failures_are_engine_errors(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(EngineError, match=r"compile broken\.onnx"), OpenVinoEngine(tmp_path / "broken.onnx"):
        pass
    with OpenVinoEngine(write_model(tmp_path / "toy.onnx")) as engine, pytest.raises(EngineError, match="failed on"):
        engine.infer(np.zeros((1, 3, 32, 32), np.float32))  # three windows for a model of two
