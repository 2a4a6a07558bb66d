from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from appliance.role import run
from appliance.stop import Stop, stopping


@dataclass
class Forgetful:
    """A role that fails to recover, and asks for the end in its first step."""

    done: list[str] = field(default_factory=list)
    is_worn: bool = False

    def recover(self) -> None:
        self.done.append("recover")
        raise OSError(116, "Stale file handle", "/results/DOE_JOHN__12345678")

    def steps(self, stop: Stop) -> Iterator[Callable[[], None]]:
        yield lambda: self.done.append("step")
        yield lambda: os.kill(os.getpid(), signal.SIGTERM)


def test_a_recovery_that_fails_is_told_without_names_and_the_steps_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("appliance.role.AFTER_FAILURE_SECONDS", 0.0)
    role = Forgetful()
    with stopping() as stop:
        run(role, stop, 0.0)
    assert role.done == ["recover", "step"]
    assert "OSError Stale file handle at test_role.py" in caplog.text
    assert "DOE_JOHN" not in caplog.text


def test_a_worn_one_ends_by_itself() -> None:
    role = Forgetful(is_worn=True)
    with stopping() as stop:
        run(role, stop, 0.0)
    assert role.done == ["recover"]
