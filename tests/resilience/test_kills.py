from __future__ import annotations

from pathlib import Path

import pytest

from tests.resilience.kills import run_kills


@pytest.mark.slow
def test_fifty_kills_lose_nothing(tmp_path: Path) -> None:
    figures = run_kills(tmp_path, studies=8, kills=50, seed=1)
    assert sum(figures.kills.values()) == 50
    assert figures.completed + figures.failed == 8
    assert figures.failed <= figures.most_failed
    assert (figures.lost, figures.twice, figures.unparsable, figures.left_behind) == (0, 0, 0, 0)
