from __future__ import annotations

import io
import sys

import pytest

from appliance.progress_bar import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar() as progress:
        for done in range(1, 4):
            progress("files", done, 3)
        for done in range(8, 25, 8):
            progress("slices", done, 24)
    return stream.getvalue()


def test_a_terminal_sees_each_thing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = drawn(Terminal(), monkeypatch)
    assert "files" in seen
    assert "slices" in seen
    assert "/24" in seen


def test_a_log_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn(io.StringIO(), monkeypatch) == ""
