from __future__ import annotations

from runtime.count import counted


def test_one_is_singular_and_nothing_else_is() -> None:
    assert [counted(number, "file") for number in range(3)] == ["0 files", "1 file", "2 files"]
