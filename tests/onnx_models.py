"""The smallest network that is one: a 1x1 convolution and a sigmoid, in half precision like real engines."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper


def pointwise(weights: list[list[float]], bias: list[float]) -> bytes:
    """sigmoid(weights @ windows + bias) at each pixel as ONNX; weights (2, C), in FP16; dynamic sizes, float I/O."""
    matrix, offset = np.array(weights, np.float16)[:, :, None, None], np.array(bias, np.float16)
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", matrix.shape[1], "h", "w"])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2, "h", "w"])
    nodes = [
        helper.make_node("Cast", ["images"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Conv", ["half", "weights", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["p"]),
        helper.make_node("Cast", ["p"], ["probabilities"], to=TensorProto.FLOAT),
    ]
    constants = [
        helper.make_tensor(name, TensorProto.FLOAT16, array.shape, array.tobytes(), raw=True)
        for name, array in (("weights", matrix), ("bias", offset))
    ]
    graph = helper.make_graph(nodes, "pointwise", [images], [output], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())
