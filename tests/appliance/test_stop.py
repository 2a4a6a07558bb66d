from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from appliance.stop import Stopped, stopping


def test_a_signal_requests_the_end_and_cuts_the_sleep_short() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping() as stop:
        stop.check()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        start = time.monotonic()
        stop.wait(60)
        assert time.monotonic() - start < 30
        assert stop.requested
        with pytest.raises(Stopped):
            stop.check()
        stop.wait(60)  # returns at once
        assert time.monotonic() - start < 30
    assert signal.getsignal(signal.SIGTERM) is before


def test_each_safe_point_is_a_sign_of_life() -> None:
    signs: list[None] = []
    with stopping(alive=lambda: signs.append(None)) as stop:
        stop.check()
        stop.wait(0.0)
        assert not stop.requested
    assert len(signs) == 2


def test_another_thread_wakes_it_also_in_advance() -> None:
    with stopping() as stop:
        for _ in range(100_000):
            stop.wake()  # more than a pipe holds
        start = time.monotonic()
        stop.wait(60)
        assert time.monotonic() - start < 30
        assert not stop.requested


def test_the_supervisor_that_is_gone() -> None:
    with stopping(supervisor=os.getppid()) as stop:
        assert not stop.requested
    with stopping(supervisor=1 << 22) as stop:
        assert stop.requested


def test_a_lease_that_is_wanted_back_does_not_end_the_process() -> None:
    before = signal.getsignal(signal.SIGIO)
    with stopping() as stop:
        assert signal.getsignal(signal.SIGIO) is signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGIO)
        assert not stop.requested
    assert signal.getsignal(signal.SIGIO) is before
