"""A bundle of networks that were never trained, for load and for benchmarks: the paper's sizes, and no meaning at all.

Its name, manifest and model card say so, and its serial is 0, older than any release. There are no golden cases:
without training everything lies near a coefficient, and half precision flips a fifth of the voxels.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.bundle import listed
from export.onnx import export_onnx, export_onnx_like
from runtime.bundle import MANIFEST, Bundle, open_bundle
from runtime.classification import StrokeClass
from runtime.planes import Plane
from training.model import Unet, Width

PAPER_COUNTS = {Plane.AXIAL: 6, Plane.CORONAL: 2, Plane.SAGITTAL: 2}
PAPER_COEFFICIENTS = {Plane.AXIAL: 0.47, Plane.CORONAL: 0.56, Plane.SAGITTAL: 0.56}
PAPER_CUTOFFS = {StrokeClass.IS: 1.16, StrokeClass.IH: 1.52}
WINDOWS = ((0.0, 80.0),)
MARKED_SHARE = 0.002
"""Of the pixels of noise that a network's bias is set by: a mask of a lesion's size, not an empty or a full one."""
WARNING = "Random weights, for load and benchmarks only; never for patients. Its results mean nothing."


def write_random_bundle(width: Width, out: Path, counts: Mapping[Plane, int] = PAPER_COUNTS) -> Bundle:
    """Write a bundle of `counts` untrained networks per plane to `out`, which must not exist; the paper's numbers.

    Each network has its own seed: 100 times the plane's axis, plus its number.
    """
    if out.exists():
        raise FileExistsError(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        folder = Path(temporary) / out.name
        (folder / "models").mkdir(parents=True)
        seeds = {
            f"models/{plane.value}-{number}.onnx": (plane, 100 * plane.axis + number)
            for plane in Plane
            for number in range(counts[plane])
        }
        channels = len(WINDOWS)
        pattern: Path | None = None
        for file, (_, seed) in seeds.items():
            if pattern is None:
                pattern = folder / file
                export_onnx(random_unet(width, seed, channels), channels, pattern)
            else:
                export_onnx_like(pattern, random_unet(width, seed, channels), folder / file)
        (folder / "MODEL_CARD.md").write_text(_card(width, counts), encoding="utf-8")
        manifest = _manifest(width, seeds)
        manifest["files"] = [listed(path, folder) for path in sorted(folder.rglob("*")) if path.is_file()]
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        shutil.move(folder, out)
    return open_bundle(out)


def random_unet(width: Width, seed: int, channels: int) -> Unet:
    """An untrained network in evaluation mode whose activations stay in half precision's range, at any depth.

    Its batch norms have the statistics of some noise and a random scale and shift each, and each class's bias is such
    that MARKED_SHARE of the noise's pixels are above 0.5.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        unet = Unet(width)
        images = _noise(channels)
        for module in unet.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the mean over all batches seen, of which there is one
                nn.init.uniform_(module.weight, 0.8, 1.2)
                nn.init.uniform_(module.bias, -0.1, 0.1)
        unet.train()(images)
        logits = unet.eval()(images).transpose(0, 1).flatten(1)
        bias = unet.projections[0].bias
        assert isinstance(bias, Tensor)
        bias -= torch.quantile(logits, 1 - MARKED_SHARE, dim=1)
    return unet


def _noise(channels: int) -> Tensor:
    """(4, C, 128, 128) in [0, 1]: blobs of all sizes, half of each image black, as air is."""
    images = torch.zeros(4, channels, 128, 128)
    for size in (4, 16, 64):
        images += F.interpolate(torch.randn(4, channels, size, size), 128, mode="bilinear")
    return images.clamp(0, 1)


def _manifest(width: Width, seeds: Mapping[str, tuple[Plane, int]]) -> dict[str, Any]:
    return {
        "name": f"strokebox-random-{width.value}",
        "version": "0",
        "serial": 0,
        "warning": WARNING,
        "files": [],
        "classes": [stroke.value for stroke in StrokeClass],
        "models": [{"file": file, "plane": plane.value} for file, (plane, _) in seeds.items()],
        "preprocessing": {"windows": WINDOWS, "slice_spacing_mm": 1.0},
        "coefficients": {plane.value: k for plane, k in PAPER_COEFFICIENTS.items()},
        "closing_radius": 3,
        "voxel_cutoff": 0.9,
        "class_cutoffs": {stroke.value: cutoff for stroke, cutoff in PAPER_CUTOFFS.items()},
        "training": {
            "what_on": "nothing: random weights",
            "width": width.value,
            "seeds": {file: seed for file, (_, seed) in seeds.items()},
        },
        "golden": {"cases": [], "why_none": "half precision can't be compared on untrained weights"},
    }


def _card(width: Width, counts: Mapping[Plane, int]) -> str:
    models = ", ".join(f"{counts[plane]} {plane.value}" for plane in Plane)
    return (
        f"# Model card: strokebox-random-{width.value}\n\n"
        f"**{WARNING}**\n\n"
        f"Networks: {models}; DPN-Unets of width `{width.value}`, never trained on anything. They take the time and\n"
        "the memory of trained ones, and mark voxels by chance. Coefficients and cut-offs are the paper's, and fit\n"
        "nothing here. There are no golden cases: on untrained weights half precision can't be compared.\n"
    )
