"""What roles tell systemd: with a socket in its place, and the roles as processes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.notify import NOBODY, Notifier
from appliance.worker import Worker
from tests.appliance.box import open_box
from tests.appliance.listener import Listener, listening
from tests.memory_service import write_study

ROOT = Path(__file__).parents[2]
ANALYSING = "STATUS=Analysing a study, attempt 1."


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path) as listener:
        yield listener


def test_where_nobody_listens_nothing_happens(tmp_path: Path) -> None:
    NOBODY.ready()
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    Notifier({"NOTIFY_SOCKET": "@strokebox-nobody"}).stopping()


def test_signs_of_life_come_at_most_each_second_and_words_when_they_change(listener: Listener) -> None:
    seconds = 0.0
    notifier = Notifier(listener.environment, lambda: seconds)
    for _ in range(40):
        notifier.alive()
        notifier.status("Watching the inbox.")
        seconds += 0.1
    assert sorted(listener.listen(0.1)) == ["STATUS=Watching the inbox."] + 4 * ["WATCHDOG=1"]


def test_a_long_step_asks_for_patience(listener: Listener) -> None:
    with Notifier({**listener.environment, "WATCHDOG_USEC": "45000000"}).patience(600):
        assert listener.listen(0.1) == ["WATCHDOG_USEC=600000000"]
    assert listener.listen(0.1) == ["WATCHDOG_USEC=45000000", "WATCHDOG=1"]
    with Notifier(listener.environment).patience(600):
        pass
    assert listener.listen(0.1) == []


@contextmanager
def role(
    config: Path, listener: Listener, name: str, program: Sequence[str] = ("-m", "tests.memory_service")
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, *program, "serve", "--config", str(config), "--role", name]
    with (
        (config.parent / "log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, stderr=log, env={**os.environ, **listener.environment}) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of a box where one study has been read and waits for a worker."""
    root = tmp_path / "box"
    with open_box(root) as box:
        write_study(root / "inbox/Canary folder", 1)
        box.look(4)
        assert box.jobs.any_ready()
    folders = "".join(f'{name} = "{root / name}"\n' for name in ("inbox", "results", "state"))
    path = root / "strokebox.toml"
    path.write_text(f"[folders]\n{folders}[intake]\nquiet_seconds = 0.3\nscan_seconds = 4\n[disk]\nfree_percent = 0\n")
    return path


def no_names(heard: list[str]) -> None:
    assert "Canary" not in "".join(heard)
    assert "inbox/" not in "".join(heard)


def test_a_worker_is_ready_with_its_engines_and_lives_while_it_works(config: Path, listener: Listener) -> None:
    with role(config, listener, "worker") as process:
        listener.until("READY=1")
        assert '"role": "worker", "event": "ready"' in (config.parent / "log").read_text()
        listener.until(ANALYSING)
        listener.until("STATUS=Waiting for studies.", after=ANALYSING)
        assert "WATCHDOG=1" in listener.listen(3)  # also with nothing to do
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        listener.until("STOPPING=1")
    assert listener.heard.index("STATUS=Starting.") < listener.heard.index("READY=1")
    no_names(listener.heard)


def test_writing_a_result_asks_for_patience(tmp_path: Path, listener: Listener) -> None:
    with open_box(tmp_path / "box") as box:
        notifier = Notifier({**listener.environment, "WATCHDOG_USEC": "45000000"})
        box.worker = Worker("worker", box.setup, box.jobs, box.spool, box.publication, notifier=notifier)
        write_study(box.inbox / "CT 1", 1)
        box.settle()
        assert len(box.documents) == 1
    asked = [line for line in listener.listen(0.5) if line.startswith("WATCHDOG_USEC")]
    assert asked == ["WATCHDOG_USEC=600000000", "WATCHDOG_USEC=45000000"]


def test_a_hung_inference_falls_silent(config: Path, listener: Listener) -> None:
    with role(config, listener, "worker", ("-m", "tests.memory_service", "--pause", "1000")):
        listener.until(ANALYSING)
        listener.listen(1)  # the step's beginning
        assert listener.listen(4) == []


def test_a_long_inference_lives(config: Path, listener: Listener) -> None:
    with role(config, listener, "worker", ("-m", "tests.memory_service", "--pause", "0.5")):
        listener.until(ANALYSING)
        listener.listen(1)
        assert listener.listen(4).count("WATCHDOG=1") >= 3


def test_an_intake_is_ready_when_it_watches_and_lives_between_its_looks(config: Path, listener: Listener) -> None:
    with role(config, listener, "intake") as process:
        listener.until("READY=1")
        listener.until("STATUS=Watching the inbox.")
        shutil.copytree(config.parent / "state", config.parent / "inbox/Canary 2")
        listener.until("STATUS=Taking a drop over.")
        listener.until("STATUS=Reading a study.")
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    no_names(listener.heard)


def test_a_hung_share_falls_silent(config: Path, listener: Listener) -> None:
    """It is silent, and not ready for anything, but can't be told from a share that is slow."""
    code = "import time, appliance.intake; appliance.intake.scan = lambda *_: time.sleep(1e6)\n"
    code += "from tests.memory_service import main; main()"
    with role(config, listener, "intake", ("-c", code)):
        listener.until("STATUS=Watching the inbox.")
        listener.listen(1)
        assert listener.listen(4) == []
