from __future__ import annotations

import shutil
import threading
from pathlib import Path

from appliance.wakeups import wakeups


def test_a_file_that_arrives_wakes_also_deep_down(tmp_path: Path) -> None:
    woken = threading.Event()
    (tmp_path / "inbox/ct/deep").mkdir(parents=True)
    with wakeups(tmp_path / "inbox", woken.set):
        (tmp_path / "inbox/ct/deep/a").write_bytes(b"1")
        assert woken.wait(30)


def test_looking_and_reading_do_not_wake(tmp_path: Path) -> None:
    woken = threading.Event()
    (tmp_path / "inbox/ct").mkdir(parents=True)
    (tmp_path / "inbox/ct/a").write_bytes(b"1")
    with wakeups(tmp_path / "inbox", woken.set):
        for _ in range(5):
            assert [path.read_bytes() for path in (tmp_path / "inbox").rglob("a")] == [b"1"]
        assert not woken.wait(1)


def test_without_events_it_goes_on(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    shutil.rmtree(tmp_path / "inbox")  # inotify refuses what is not there
    with wakeups(tmp_path / "inbox", lambda: None):
        pass
