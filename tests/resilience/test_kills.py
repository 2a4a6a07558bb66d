from __future__ import annotations

from pathlib import Path

import pytest

from tests.resilience.kills import run_kills


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    figures = run_kills(tmp_path, studies=12, kills=100, seed=1)
    assert sum(figures.kills.values()) == 100
    assert figures.completed + figures.failed == 12
    assert figures.failed <= figures.most_failed
    assert (figures.lost, figures.twice, figures.unparsable, figures.left_behind) == (0, 0, 0, 0)
