from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runtime.engines.openvino import OpenVinoEngine
from runtime.errors import EngineError
from tests.onnx_models import pointwise


def write_model(path: Path) -> Path:
    """sigmoid(4 * first window - 2) for IS and its complement for IH; the second window changes nothing."""
    path.write_bytes(pointwise([[4.0, 0.0], [-4.0, 0.0]], [-2.0, 2.0]))
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


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with OpenVinoEngine(write_model(tmp_path / "toy.onnx"), tmp_path / "file/cache") as engine:
        assert engine.infer(np.zeros((1, 2, 32, 32), np.float32)).shape == (1, 2, 32, 32)


def test_signals_still_arrive_when_engines_have_come_and_gone(tmp_path: Path) -> None:
    program = f"""
import signal
import subprocess
import sys
from pathlib import Path
from runtime.engines.openvino import OpenVinoEngine

path = Path({str(write_model(tmp_path / "toy.onnx"))!r})
first = OpenVinoEngine(path)
with first:
    second = OpenVinoEngine(path)
    with second:
        pass
    del first
del second
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
signal.raise_signal(signal.SIGTERM)
"""
    ended = subprocess.run([sys.executable, "-X", "faulthandler", "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "handled\n")
