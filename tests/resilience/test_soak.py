"""R23, short: `python -m tests.resilience.soak --studies 5000` is the full one, whose growth means something."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.resilience.soak import soak


@pytest.mark.slow
def test_thirty_studies_with_faults_lose_nothing(tmp_path: Path) -> None:
    figures = soak(tmp_path, 30, random.Random(3))
    assert figures.faults
    assert sum(figures.kinds.values()) == 30
    wrong = figures.lost, figures.twice, figures.unparsable, figures.left_behind, figures.descriptors
    assert wrong == (0, 0, 0, 0, 0)
