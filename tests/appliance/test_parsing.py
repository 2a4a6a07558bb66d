"""Reading children that fail in every way: what the parent makes of it, and the limits that they set themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from appliance.acceptance import DROP, FILES, take
from appliance.drop import Limits
from appliance.inbox import scan
from appliance.parsing import read_drop_in_child, read_in_child
from appliance.reader_child import PREPARED
from appliance.stop import Stopped
from runtime.codes import Code
from runtime.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A letter in a zip, taken over."""
    (tmp_path / "inbox").mkdir()
    with zipfile.ZipFile(tmp_path / "inbox/CT 1.zip", "w") as zipped:
        zipped.writestr("letter", b"%PDF-1.7")
    drop = scan(tmp_path / "inbox", Limits())["CT 1.zip"]
    take(tmp_path / "inbox", drop, tmp_path / "job", is_partial=False, check=lambda: None)
    return tmp_path / "job"


def program(code: str) -> tuple[str, ...]:
    return sys.executable, "-c", f"import os, sys, time; {code}"


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        ("sys.exit(1)", "ended early"),
        ("os.abort()", "ended early"),
        ("os._exit(0)", "ended early"),
        ("import ctypes; ctypes.string_at(0)", "ended early"),
        ("os.kill(os.getpid(), 9)", "ended early"),
        ("raise MemoryError", "ended early"),
        ("time.sleep(60)", "too long"),
    ],
)
def test_a_child_that_fails_is_a_failed_reading(folder: Path, code: str, detail: str) -> None:
    start = time.monotonic()
    prepared = read_in_child(folder, 1.0, lambda: None, program(code))
    assert prepared.reason is not None
    assert prepared.reason.code is Code.READER_FAILED
    assert detail in prepared.reason.detail
    assert prepared.drop == "CT 1"
    assert time.monotonic() - start < 10


def test_a_child_without_room_is_no_failed_reading(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="no room"):
        read_in_child(folder, 5.0, lambda: None, program("sys.exit(3)"))


def test_a_child_that_can_not_be_started_is_no_failed_reading(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be started"):
        read_in_child(folder, 5.0, lambda: None, ("/nowhere/python",))


def test_a_child_ends_when_its_parent_is_asked_to(folder: Path) -> None:
    def asked() -> None:
        raise Stopped

    start = time.monotonic()
    with pytest.raises(Stopped):
        read_in_child(folder, 60.0, asked, program("time.sleep(60)"))
    assert time.monotonic() - start < 10


def test_a_child_that_ends_with_the_service_is_no_failed_reading(folder: Path) -> None:
    def asked() -> None:
        if list(folder.glob("ended")):
            raise Stopped

    with pytest.raises(Stopped):
        read_in_child(folder, 60.0, asked, program("open(sys.argv[1] + '/ended', 'w'); os.kill(os.getpid(), 15)"))


def test_what_killed_children_left_is_removed(folder: Path) -> None:
    (folder / "strokebox-x1").mkdir()
    (folder / "strokebox-x1/000000").write_bytes(bytes(1000))
    (folder / f"{PREPARED}.1.part").mkdir()
    prepared = read_in_child(folder, 60.0, lambda: None)
    assert prepared.reason is not None
    assert prepared.reason.code is Code.NOT_DICOM
    assert {path.name for path in folder.iterdir()} == {FILES, DROP, PREPARED}


def ended(code: str, seconds: int = 5) -> tuple[int, str]:
    """How a child ends, and what it says, that runs `code` in the place of reading."""
    child = "from pathlib import Path; from appliance import reader_child; "
    child += f"reader_child.read_taken = lambda *_: ({code}); "
    child += f"reader_child.main(Path('.'), {seconds}, os.getppid())"
    done = subprocess.run(program(child), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_memory_and_time_are_limited() -> None:
    code, said = ended("bytearray(1 << 50)")
    assert code == 1
    assert "MemoryError at" in said
    assert ended("time.sleep(60)", 1)[0] == -signal.SIGALRM
    assert ended("[None for _ in iter(int, 1)]", 1)[0] < 0


def test_each_step_has_its_own_memory() -> None:
    assert "MemoryError at" in ended("(reader_child.allow(1 << 20), bytearray(200 << 20))")[1]
    assert ended("(reader_child.allow(1 << 20), reader_child.allow(300 << 20), bytearray(200 << 20))") == (0, "")


def test_a_drop_is_read_where_it_lies(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    (tmp_path / "CT 1").mkdir()
    for number in range(3):
        (tmp_path / f"CT 1/{number}").write_bytes(b"%PDF-1.7")
    prepared = read_drop_in_child(tmp_path / "CT 1", 60.0, lambda *words: told.append(words))
    assert prepared.drop == "CT 1"
    assert prepared.reason is not None
    assert prepared.reason.code is Code.NOT_DICOM
    assert told in ([("files", 3, 3)], [])  # the child may be faster than whoever looks


def test_a_child_that_fails_on_a_drop_is_a_failed_reading(tmp_path: Path) -> None:
    said = "print('files 1 3\\n\\x1b[2Jfiles 2 3\\nimages 3', flush=True); time.sleep(0.5); os.abort()"
    told: list[tuple[str, int, int]] = []
    prepared = read_drop_in_child(tmp_path, 60.0, lambda *words: told.append(words), program(said))
    assert prepared.reason is not None
    assert prepared.reason.code is Code.READER_FAILED
    assert told == [("files", 1, 3)]


def test_an_error_is_told_without_what_it_says() -> None:
    code, said = ended("os.write(2, b'DOE JOHN') and int('DOE JOHN')")
    assert code == 1
    assert "DOE" not in said
    line = json.loads(said)
    assert (line["level"], line["role"], line["event"]) == ("critical", "reader", "uncaught")
    assert line["message"].startswith("ended by ValueError at <string>:1")


def test_a_full_disk_has_a_code_of_its_own() -> None:
    assert ended("open('/dev/full', 'wb', buffering=0).write(b'x')") == (3, "")


def test_a_child_ends_with_its_parent() -> None:
    inner = "from pathlib import Path; from appliance import reader_child; "
    inner += "reader_child.read_taken = lambda *_: (os.write(1, b'%d ' % os.getpid()), time.sleep(60)); "
    inner += "reader_child.main(Path('.'), 60, os.getppid())"
    outer = f"import subprocess; subprocess.Popen({program(inner)!r}); time.sleep(60)"
    with subprocess.Popen(program(outer), stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        number = b""
        while not number.endswith(b" "):
            number += os.read(parent.stdout.fileno(), 1)
        parent.kill()
        assert parent.stdout.read() == b""  # at its end: the child has closed it, too


def test_reading_loads_no_engines_and_no_reports() -> None:
    names = "openvino", "fpdf", "nibabel"
    code = f"import appliance.reader_child; print([name for name in {names!r} if name in sys.modules])"
    assert subprocess.run(program(code), capture_output=True, text=True, check=True).stdout.strip() == "[]"
