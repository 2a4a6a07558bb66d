from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from appliance.notify import Notifier
from appliance.pulse import START_SECONDS, Pulse


@pytest.fixture
def pulse() -> Iterator[Pulse]:
    pulse = Pulse(45.0)
    yield pulse
    pulse.close()


def test_silence_counts_from_the_last_sign_of_life_once_it_is_ready(pulse: Pulse) -> None:
    notifier = Notifier(pulse.environment)
    pulse.begin(0.0)
    assert pulse.silent_seconds(os.getpid(), START_SECONDS) is None
    notifier.ready()
    assert pulse.silent_seconds(os.getpid(), 100.0) is None
    assert pulse.silent_seconds(os.getpid(), 145.0) is None
    assert pulse.silent_seconds(os.getpid(), 145.1) == pytest.approx(45.1)
    notifier.alive()
    assert pulse.silent_seconds(os.getpid(), 146.0) is None


def test_a_start_that_hangs_has_an_end(pulse: Pulse) -> None:
    pulse.begin(0.0)
    assert pulse.silent_seconds(1, START_SECONDS + 1) == START_SECONDS + 1


def test_a_child_may_ask_for_patience(pulse: Pulse) -> None:
    notifier = Notifier(pulse.environment)
    pulse.begin(0.0)
    notifier.ready()
    with notifier.patience(600.0):
        assert pulse.silent_seconds(os.getpid(), 1.0) is None
        assert pulse.silent_seconds(os.getpid(), 500.0) is None
    assert pulse.silent_seconds(os.getpid(), 501.0) is None
    assert pulse.silent_seconds(os.getpid(), 547.0) == 46.0


def test_others_are_not_heard(pulse: Pulse) -> None:
    pulse.begin(0.0)
    code = "from appliance.notify import Notifier; import os; Notifier(os.environ).ready()"
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **pulse.environment}) as other:
        assert other.wait(30) == 0
    assert pulse.silent_seconds(os.getpid(), 100.0) is None  # it counts as starting still
