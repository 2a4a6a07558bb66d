"""`strokebox serve` and `status` as processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

import pytest

from appliance.cli import main
from appliance.jobs import Jobs, State
from appliance.lock import holder, is_held
from appliance.service import RoleName, lock_of
from tests.memory_service import write_study

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("inbox", "results", "state"):
        (tmp_path / name).mkdir()
    path = tmp_path / "strokebox.toml"
    folders = "".join(f'{name} = "{tmp_path / name}"\n' for name in ("inbox", "results", "state"))
    path.write_text(
        f"[folders]\n{folders}[intake]\nquiet_seconds = 0.3\nscan_seconds = 0.2\n[disk]\nfree_percent = 0\n"
    )
    return path


def until(true: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def serving(config: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.memory_service", *options, "serve", "--config", str(config)]
    with (
        (config.parent / "log").open("ab") as log,
        subprocess.Popen(command, cwd=ROOT, stderr=log, stdin=subprocess.DEVNULL) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def service(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    with serving(config) as process:
        yield process


def test_from_the_inbox_to_the_result(
    config: Path, service: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    write_study(config.parent / "made", 1)
    shutil.copytree(config.parent / "made", config.parent / "inbox/Canary folder")
    results = config.parent / "results"
    until(lambda: list(results.glob("*/result.json")))
    assert not (config.parent / "state").stat().st_mode & 0o007  # `mkdir` left it open to everybody
    until(lambda: not list(results.glob("*.note.txt")))
    (path,) = results.glob("*/result.json")
    assert json.loads(path.read_text())["status"] == "completed"
    assert main(["status", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert f"serve    running, pid {service.pid}\nintake   running, pid " in shown
    assert "worker   running, pid " in shown
    assert "health   nothing waits\nwaiting  0" in shown
    assert path.parent.name in shown
    service.send_signal(signal.SIGTERM)
    assert service.wait(15) == 0
    assert main(["status", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert "worker   not running" in shown
    assert "health   NOTHING RUNS: start the service" in shown
    log = (config.parent / "log").read_text()
    starts = f"strokebox {version('strokebox')} starts: inbox {config.parent}/inbox, results {results}, engines "
    assert log.count(starts) == 1
    assert "engines strokebox-first 0." in log
    assert log.count("starts: ") == log.count("stopped by SIGTERM in ") == 1
    assert "ready: memory 1" in log
    assert "published" in log
    lines = [json.loads(line) for line in log.splitlines()]
    assert {"starting", "ready", "received", "read", "published", "stopped"} <= {line["event"] for line in lines}
    assert {line["role"] for line in lines} == {"serve", "intake", "worker"}
    jobs = {line["job"] for line in lines if line["event"] in ("received", "read", "published")}
    assert len(jobs) == 1
    assert "Canary" not in log  # neither the patient's name nor the folder's
    assert "glyph" not in log.lower()  # nor its letters


def test_sigterm_during_an_analysis_and_the_study_is_analysed_after_the_restart(config: Path) -> None:
    results, database = config.parent / "results", config.parent / "state/jobs.sqlite"

    def states() -> list[tuple[State, str | None]]:
        if not database.exists():
            return []
        jobs = Jobs(database)
        try:
            return [(job.state, job.worker) for job in jobs.of(*State)]
        finally:
            jobs.close()

    with serving(config, "--pause", "0.5") as process:
        write_study(config.parent / "inbox/study", 1)
        until(lambda: (State.WORKING, "worker") in states())
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    assert not list(results.glob("*/result.json"))
    assert states() == [(State.READY, None)]
    with serving(config):
        until(lambda: list(results.glob("*/result.json")))
    (path,) = results.glob("*/result.json")
    assert json.loads(path.read_text())["status"] == "completed"


def test_a_worker_whose_gpu_fails_ends_and_the_next_one_takes_the_cpu(config: Path) -> None:
    results = config.parent / "results"
    with serving(config, "--broken"):
        write_study(config.parent / "inbox/study", 1)
        until(lambda: list(results.glob("*/result.json")))
    (path,) = results.glob("*/result.json")
    document = json.loads(path.read_text())
    assert document["status"] == "completed"
    assert "CPU_FALLBACK" in {flag["code"] for flag in document["flags"]}
    assert "worker ended with 5; it starts again" in (config.parent / "log").read_text()


@contextmanager
def analysing(config: Path, setting: str, *options: str) -> Iterator[None]:
    config.write_text(f"{config.read_text()}[analysis]\n{setting}\n")
    with serving(config, *options) as process:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0


def test_a_study_that_takes_too_long_three_times_is_not_analysed_and_the_next_ones_go_on(config: Path) -> None:
    results = config.parent / "results"
    with analysing(config, "study_seconds = 4.0", "--pause", "1000"):
        write_study(config.parent / "inbox/study", 1)
        until(lambda: list(results.glob("*/result.json")))
        (path,) = results.glob("*/result.json")
        document = json.loads(path.read_text())
        assert (document["status"], document["reason"]["code"]) == ("failed", "ANALYSIS_ABORTED")
        assert (path.parent / "report.pdf").exists()
        shutil.copytree(ROOT / "docs/adr", config.parent / "inbox/letters")
        until(lambda: len(list(results.glob("*/result.json"))) == 2)
    assert (config.parent / "log").read_text().count("worker ended with -14; it starts again") == 3


def test_a_worker_is_replaced_after_so_many_studies(config: Path) -> None:
    results = config.parent / "results"
    with analysing(config, "studies_per_worker = 1"):
        for number in (1, 2):
            write_study(config.parent / f"inbox/study {number}", number)
        until(lambda: len(list(results.glob("*/result.json"))) == 2)
        until(lambda: (config.parent / "log").read_text().count("worker ended with 0; it starts again") == 2)
    assert {json.loads(path.read_text())["status"] for path in results.glob("*/result.json")} == {"completed"}


def roles(config: Path) -> list[int]:
    """The process ids of running roles."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(config).encode() in words and b"--role" in words:
            found.append(int(folder.name))
    return found


def test_roles_end_with_their_supervisor(config: Path, service: subprocess.Popen[bytes]) -> None:
    until(lambda: len(roles(config)) == 2)
    os.kill(service.pid, signal.SIGKILL)
    service.wait()
    until(lambda: roles(config) == [], 30)


def test_a_second_service_says_that_it_waits_for_the_first(config: Path, service: subprocess.Popen[bytes]) -> None:
    lock = lock_of(None, config.parent / "state")
    until(lambda: is_held(lock) and holder(lock) == service.pid)
    with serving(config) as second:
        said = f"another serve (pid {service.pid}) holds {config.parent / 'state'}: this one waits"
        until(lambda: said in (config.parent / "log").read_text())
        assert service.poll() is None
        service.send_signal(signal.SIGTERM)
        assert service.wait(15) == 0
        until(lambda: holder(lock) == second.pid)
        second.send_signal(signal.SIGTERM)
        assert second.wait(15) == 0
    assert (config.parent / "log").read_text().count("another") == 1


def test_a_terminals_ctrl_c_reaches_no_role(config: Path, service: subprocess.Popen[bytes]) -> None:
    """They would take it for the end of a study's reading, or complain while they start."""
    until(lambda: len(roles(config)) == 2)
    assert os.getsid(service.pid) not in {os.getsid(role) for role in roles(config)}


def test_it_ends_well_however_many_signals_come(config: Path, service: subprocess.Popen[bytes]) -> None:
    until(lambda: all(is_held(lock_of(role, config.parent / "state")) for role in RoleName))
    processes = [service.pid, *roles(config)]
    for number in cycle((signal.SIGINT, signal.SIGTERM)):
        for process in processes:  # as a terminal sends them, to all of its processes
            try:
                os.kill(process, number)
            except ProcessLookupError:
                pass
        time.sleep(0.005)
        if service.poll() is not None:
            break
    assert service.returncode == 0
    assert roles(config) == []
    assert "KeyboardInterrupt" not in (config.parent / "log").read_text()


def test_wrong_settings_end_it_with_code_3(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text() + "colour = 1\n")
    assert main(["serve", "--config", str(config)]) == 3
    assert "disk.colour: there is no such setting" in capsys.readouterr().err


def test_status_before_anything_was_received(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert "arriving 0\nhealth   NOTHING RUNS: start the service\nno study was ever received" in shown
    assert "engines  strokebox-first" in shown


def test_status_says_what_still_lies_in_the_inbox(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inbox = config.parent / "inbox"
    for name in ("first/a", "first/b", "second.zip"):
        (inbox / name).parent.mkdir(exist_ok=True)
        (inbox / name).touch()
    assert main(["status", "--config", str(config)]) == 0
    assert "\narriving 2\n  first, 2 files\n  second, 1 file\nhealth " in capsys.readouterr().out
    shutil.rmtree(inbox)
    assert main(["status", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert "inbox    out of reach" in shown
    assert "arriving" not in shown


def test_status_with_a_share_away(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Jobs(config.parent / "state/jobs.sqlite").close()
    before = {path.name: path.stat().st_mtime_ns for path in config.parent.iterdir()}
    (config.parent / "results").rmdir()
    before.pop("results")
    assert main(["status", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert "results  out of reach: No such file or directory" in shown
    assert "waiting  0" in shown
    assert {path.name: path.stat().st_mtime_ns for path in (config.parent / "inbox",)} == {"inbox": before["inbox"]}
