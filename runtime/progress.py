"""Progress: how far a long step has come, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""(what is counted, how many are done, how many there are)"""


def silent(what: str, done: int, total: int) -> None:
    """Nobody listens."""
