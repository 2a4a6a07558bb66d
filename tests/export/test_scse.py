"""The variant with squeeze and excitation leaves the workstation like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from export.onnx import export_onnx
from runtime.engines.openvino import OpenVinoEngine
from training.continued import unfolded
from training.model import Probabilities, Unet, Width


def test_it_exports_and_computes_the_same_at_another_size(tmp_path: Path) -> None:
    torch.manual_seed(7)
    unet, path = Unet(Width.SMALL, scse=True), tmp_path / "scse.onnx"
    for parameter in unet.attentions.parameters():
        nn.init.normal_(parameter, std=0.5)  # gates that do something
    for module in unet.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    for _ in range(20):
        unet(torch.rand(4, 1, 64, 64))  # statistics for the batch norms
    export_onnx(unet.eval(), 1, path)

    images = np.random.default_rng(1).random((3, 1, 96, 32), dtype=np.float32)
    with torch.inference_mode():
        expected = Probabilities(unet)(torch.from_numpy(images)).numpy()
        again = Probabilities(unfolded(path, Width.SMALL, [], scse=True))(torch.from_numpy(images)).numpy()
    with OpenVinoEngine(path) as engine:
        served = engine.infer(images)  # in bfloat16, where the processor has it
    assert expected.std() > 0.03  # there is something to compare
    assert np.abs(again - expected).max() < 0.02
    assert np.abs(served - expected).max() < 0.05
