from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from phantom.compression import LOSSY, SYNTAXES
from tests.runtime.mutants import ENHANCED

COUNT = 200


@pytest.mark.parametrize("syntax", [*(name for name in SYNTAXES if name not in LOSSY), ENHANCED])
def test_mutants_are_read_or_coded_and_never_short(tmp_path: Path, syntax: str) -> None:
    command = [sys.executable, "-m", "tests.runtime.mutants", str(tmp_path), syntax, "7", str(COUNT)]
    child = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, timeout=300)
    assert child.returncode == 0, child.stderr.decode(errors="replace")[-2000:]
    read, coded, silent = map(int, child.stdout.split())
    assert (read + coded, silent) == (COUNT, 0)
    assert min(read, coded) > COUNT // 50
