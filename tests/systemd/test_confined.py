"""Real reading, analysis and building of plans under each unit's filters of system calls and settings of memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.jobs import Jobs, State
from phantom.compression import Compressed
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings, write_series
from tests.appliance import outcomes
from tests.appliance.box import open_box
from tests.appliance.listener import Listener, listening
from tests.memory_service import write_study
from tests.requirements import require_rtx
from tests.systemd.units import FOLDER, SERVICES

ROOT = FOLDER.parent
COMPILING = (
    "import openvino, appliance.shipped; network = min((appliance.shipped.FOLDER / 'models').glob('*.onnx')); "
    "openvino.Core().compile_model(str(network), 'CPU')"
)
WRITABLE_CODE = "import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)"
CODE_FROM_DATA = (
    "import ctypes, mmap; page = mmap.mmap(-1, 4096); address = ctypes.addressof(ctypes.c_char.from_buffer(page)); "
    "exit(ctypes.CDLL(None).mprotect(ctypes.c_void_p(address), 4096, 5) != 0)"
)


def confined(unit: str, *command: str) -> list[str]:
    return [sys.executable, "-m", "tests.systemd.confined", unit, sys.executable, *command]


def run(unit: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        confined(unit, "-c", code), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("unit", SERVICES)
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import socket; socket.socket()", "Address family not supported"),
        ("import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", "Address family not supported"),
        ("import os; os.chown('.', 0, 0)", "Operation not permitted"),
        ("import ctypes; exit(ctypes.CDLL(None).unshare(0x10000000) != 0)", ""),  # CLONE_NEWUSER
        ("import ctypes; exit(ctypes.CDLL(None).ptrace(0, 0, 0, 0) != 0)", ""),
        ("import ctypes; exit(ctypes.CDLL(None).mount(b'/', b'/', None, 4096, None) != 0)", ""),
    ],
)
def test_no_unit_can(unit: str, code: str, error: str) -> None:
    done = run(unit, code)
    assert done.returncode == 1
    assert error in done.stderr


@pytest.mark.parametrize("unit", ["strokebox-intake.service", "strokebox-retention.service"])
@pytest.mark.parametrize("code", [WRITABLE_CODE, CODE_FROM_DATA])
def test_where_no_network_is_compiled_no_data_becomes_code(unit: str, code: str) -> None:
    assert run(unit, code).returncode == 1


def test_openvino_makes_code_at_run_time_and_would_fail_under_the_intakes_settings() -> None:
    """Should this ever pass, the worker's unit may have MemoryDenyWriteExecute too."""
    assert run("strokebox-worker.service", COMPILING).returncode == 0
    assert run("strokebox-intake.service", COMPILING).returncode != 0


def settings(root: Path) -> Path:
    folders = "".join(f'{name} = "{root / name}"\n' for name in ("inbox", "results", "state"))
    path = root / "strokebox.toml"
    text = (
        f"[folders]\n{folders}[intake]\nquiet_seconds = 0.3\nscan_seconds = 0.2\n[disk]\nfree_percent = 0\n[analysis]\n"
    )
    path.write_text(f'{text}device = "cpu"\nsave_nifti = true\n')
    return path


@contextmanager
def role(root: Path, name: str) -> Iterator[Listener]:
    """`strokebox serve` as its unit runs it, once it is ready; it ends well."""
    command = confined(f"strokebox-{name}.service", "-m", "appliance", "serve", "--role", name)
    command += ["--config", str(settings(root))]
    with listening(root) as listener:
        environment = {**os.environ, **listener.environment, "XDG_CACHE_HOME": str(root / "cache")}
        with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
            try:
                listener.until("READY=1", 120)
                yield listener
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
            finally:
                process.kill()


@pytest.mark.parametrize("syntax", ["jpeg-ls", "jpeg 2000", "jpeg lossless sv1", "rle"])
def test_the_intake_decodes(tmp_path: Path, syntax: Compressed) -> None:
    for name in ("inbox", "results", "state"):
        (tmp_path / name).mkdir()

    compressed = SeriesSettings(StudyIdentity.of(1), matrix=None, syntax=syntax)
    write_series(outcomes.head(), tmp_path / "inbox/CT 1", compressed)
    with role(tmp_path, "intake"):
        jobs = Jobs.reading(tmp_path / "state/jobs.sqlite")
        deadline = time.monotonic() + 120
        while not (read := jobs.of(State.READY, State.DONE)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        jobs.close()
    assert [job.state for job in read] == [State.READY], list((tmp_path / "results").glob("*/result.json"))


@pytest.mark.slow
def test_the_worker_analyses_with_the_shipped_networks(tmp_path: Path) -> None:
    with open_box(tmp_path) as box:
        write_study(tmp_path / "inbox/CT 1", 1)
        box.look(4)
        assert box.jobs.any_ready()
    with role(tmp_path, "worker") as listener:
        listener.until("STATUS=Analysing a study, attempt 1.")
        listener.until("STATUS=Waiting for studies.", 300, after="STATUS=Analysing a study, attempt 1.")
    (path,) = (tmp_path / "results").glob("*/result.json")
    document = json.loads(path.read_text())
    assert document["status"] == "completed"
    assert "OpenVINO" in document["engines"]["backend"]
    assert (path.parent / "segmentation.nii.gz").exists()


@pytest.mark.slow
def test_an_engine_update_compiles_networks_for_both_devices(tmp_path: Path) -> None:
    require_rtx()
    unit = "strokebox-engines.service"
    assert run(unit, COMPILING).returncode == 0
    build = ["-m", "appliance", "engines", "build", "--vendor", "rtx", "--capability", "SM86", "--out", str(tmp_path)]
    done = subprocess.run(confined(unit, *build), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.plan"))


def test_retention_removes_folders_and_changes_the_database(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/report.pdf").write_bytes(b"%PDF")
    code = "import shutil, sys; from pathlib import Path; from appliance.jobs import Jobs; root = Path(sys.argv[1]); "
    code += "jobs = Jobs(root / 'jobs.sqlite'); jobs.receive('1', 'CT 1', 0.0, 1); jobs.forget('1'); jobs.close(); "
    code += "shutil.rmtree(root / 'old')"
    done = subprocess.run(confined("strokebox-retention.service", "-c", code, str(tmp_path)), cwd=ROOT, check=False)
    assert done.returncode == 0
    assert not (tmp_path / "old").exists()
