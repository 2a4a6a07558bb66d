"""An engine bundle without training: IH where a voxel is brighter than any bone, which only planted lesions are."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from runtime.planes import Plane
from tests.onnx_models import pointwise

PLANTED_HU = 2500


def write_toy_bundle(folder: Path) -> Path:
    """Sigmoid of the brightness between 1800 and 2400 HU for IH, nothing for IS."""
    (folder / "models").mkdir(parents=True)
    files = []
    for plane in Plane:
        content = pointwise([[0.0], [20.0]], [-10.0, -10.0])
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
