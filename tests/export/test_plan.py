"""`python -m export plan`, and the network of the paper's size."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from export.__main__ import main
from export.onnx import export_onnx
from export.untrained import WINDOWS, random_unet
from runtime.engines.profile import PROFILES
from runtime.engines.tensorrt_build import BuildOptions, build_plan
from runtime.planes import Plane
from tests.requirements import require_rtx
from tests.toy_bundle import write_toy_bundle
from training.model import Width


def test_it_builds_as_the_box_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    require_rtx()
    toy, out = write_toy_bundle(tmp_path / "toy"), tmp_path / "out"
    assert main(["plan", "--vendor", "rtx", "--capability", "SM120", "--out", str(out), str(toy)]) == 0
    assert [model["target"] for model in json.loads((out / "report.json").read_text())["models"]] == ["SM120"] * 3
    printed = capsys.readouterr().out
    assert "models/sagittal.onnx, SM120: " in printed
    assert "an estimate" in printed


@pytest.mark.slow
def test_the_papers_network_builds_without_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "dpn92.onnx"
    export_onnx(random_unet(Width.DPN92, 0, len(WINDOWS)), len(WINDOWS), path)
    caplog.clear()  # PyTorch's exporter says much, at all levels
    with caplog.at_level(logging.ERROR, "runtime.engines"):
        built = build_plan(require_rtx(), path, PROFILES[Plane.AXIAL], BuildOptions(capability="SM86"))
    assert not [one for one in caplog.records if one.name.startswith("runtime.")], "TensorRT had no error to tell"
    assert built.layers > 1000
    assert 2 * 35_000_000 < len(built.plan) < 3 * 35_000_000, "half precision: two bytes of each weight"
