"""An engine bundle without training: IH where a voxel is brighter than any bone, which only planted lesions are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from runtime.planes import Plane

PLANTED_HU = 2500


def write_toy_bundle(folder: Path) -> Path:
    """Sigmoid of the brightness between 1800 and 2400 HU for IH, nothing for IS; FP16 weights, dynamic sizes."""
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 1, "h", "w"])
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2, "h", "w"])
    weights = np.array([0, 20], np.float16).reshape(2, 1, 1, 1)
    bias = np.array([-10, -10], np.float16)
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
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "models").mkdir(parents=True)
    files = []
    for plane in Plane:
        content = model.SerializeToString()
        (folder / f"models/{plane.value}.onnx").write_bytes(content)
        files.append(
            {
                "path": f"models/{plane.value}.onnx",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size": len(content),
            }
        )
    manifest = {
        "name": "toy",
        "version": "1.0",
        "serial": 1,
        "files": files,
        "classes": ["IS", "IH"],
        "models": [{"file": f"models/{plane.value}.onnx", "plane": plane.value} for plane in Plane],
        "preprocessing": {"windows": [[1800, 2400]], "slice_spacing_mm": 1.0},
        "coefficients": {plane.value: 0.5 for plane in Plane},
        "closing_radius": 3,
        "voxel_cutoff": 0.9,
        "class_cutoffs": {"IS": 1.16, "IH": 1.52},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
