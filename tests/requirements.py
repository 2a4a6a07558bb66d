"""Data outside the repository: tests that need it skip without it, unless STROKEBOX_REQUIRE says it must be there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"


def require_data(name: str) -> Path:
    """The path of ../shared/data/`name`; skips the test, or fails it where STROKEBOX_REQUIRE contains 'data'."""
    path = DATA / name
    if path.exists():
        return path
    if "data" in os.environ.get("STROKEBOX_REQUIRE", "").split(","):
        pytest.fail(f"STROKEBOX_REQUIRE=data, but there is no {path}")
    pytest.skip(f"no {path}")
