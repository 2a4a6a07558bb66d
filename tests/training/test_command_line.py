from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from runtime.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
WITHOUT_TORCH = """
import runpy, sys
sys.modules["torch"] = None
sys.argv = [sys.argv[1], "--help"]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("package", ["training", "calibration", "export", "benchmarks"])
def test_without_torch_a_command_says_what_to_do(package: str) -> None:
    command = [sys.executable, "-c", WITHOUT_TORCH, package]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == "torch is not installed: run `make everything` first.\n"
    assert done.returncode == ConfigurationError.exit_code
