"""R15, in short; `python -m tests.resilience.mutants` runs it in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.resilience.mutants import run_mutants

COUNT = 200


@pytest.mark.slow
def test_mutants_end_in_a_result_and_short_ones_never_pass_for_whole(tmp_path: Path) -> None:
    figures = run_mutants(tmp_path, COUNT, seed=7)
    assert (figures.parent_crashes, figures.hangs, figures.silent) == (0, 0, 0)
    assert figures.mutants == sum(figures.outcomes.values()) == COUNT
    assert COUNT // 10 < figures.outcomes["read"] < COUNT * 9 // 10
