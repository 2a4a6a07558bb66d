"""R5: an inbox on a share whose server hangs, and goes, and comes back. FUSE is the server; stopped, it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.appliance.listener import Listener, listening
from tests.memory_service import write_study
from tests.requirements import require_root

ROOT = Path(__file__).parents[2]
AWAY, WATCHING = "STATUS=Waiting for the share of inbox.", "STATUS=Watching the inbox."


@contextmanager
def share(server: Path, place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """What is in the folder `server`, mounted at `place` as a share of sshfs would be; the server's process."""
    mount = ["bindfs", "-f", "-o", "subtype=sshfs", str(server), str(place)]
    with subprocess.Popen(mount) as process:
        try:
            while not place.is_mount():
                assert process.poll() is None
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            subprocess.run(["umount", "--lazy", place], check=False, stderr=subprocess.DEVNULL)
            process.wait(10)


@contextmanager
def intake(root: Path, listener: Listener) -> Iterator[None]:
    """The real one, as systemd starts it."""
    folders = "".join(f'{name} = "{root / name}"\n' for name in ("inbox", "results", "state"))
    config = root / "strokebox.toml"
    config.write_text(
        f"[folders]\n{folders}[intake]\nquiet_seconds = 0.3\nscan_seconds = 0.5\n[disk]\nfree_percent = 0\n"
    )
    command = [sys.executable, "-m", "tests.memory_service", "serve", "--config", str(config), "--role", "intake"]
    with (
        (root / "log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, stderr=log, env={**os.environ, **listener.environment}) as process,
    ):
        try:
            yield
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()


@pytest.mark.slow
def test_a_share_that_hangs_and_goes_costs_nothing(tmp_path: Path) -> None:
    require_root("bindfs")
    for name in ("inbox", "results", "state", "server"):
        (tmp_path / name).mkdir()
    with listening(tmp_path) as listener:
        with share(tmp_path / "server", tmp_path / "inbox") as server, intake(tmp_path, listener):
            listener.until(WATCHING)
            write_study(tmp_path / "server/CT 1", 1)
            listener.until("STATUS=Reading a study.")
            server.send_signal(signal.SIGSTOP)
            listener.until(AWAY)
            assert listener.listen(12).count("WATCHDOG=1") >= 3, "it is alive while the share hangs"
            hung = len(listener.heard)
            write_study(tmp_path / "server/CT 2", 2)
            server.send_signal(signal.SIGCONT)
            listener.until("STATUS=Reading a study.", after=AWAY)
            subprocess.run(["umount", "--lazy", tmp_path / "inbox"], check=True)
            listener.until(AWAY, since=hung)
            below = tmp_path / "inbox/CT 3"
            write_study(below, 3)  # on the local disk, in the place of the share
            gone = len(listener.heard)
            assert "STATUS=Taking a drop over." not in listener.listen(3)
            below.rename(tmp_path / "CT 3")
            with share(tmp_path / "server", tmp_path / "inbox"):
                write_study(tmp_path / "server/CT 4", 4)
                listener.until("STATUS=Reading a study.", since=gone)
        log = (tmp_path / "log").read_text()
    assert log.count('"event": "share away"') == 2
    assert log.count('"event": "share back"') == 2
    assert log.count('"event": "received"') == 3
