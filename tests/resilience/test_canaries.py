"""R17: a whole run over studies that are marked in every tag that holds text; no mark leaves the places made for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest

from appliance.cli import main
from tests.memory_service import write_study

ROOT = Path(__file__).parents[2]
MARK = "CNRY"
"""Short, so that it fits whatever a tag may hold; capital, so that codes and dates of birth may hold it, too."""
_TEXT = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_NEEDED = frozenset({"Modality", "ImageType", "PhotometricInterpretation", "PatientPosition", "SpecificCharacterSet"})
"""What a study must have to be analysed at all."""
_SETTINGS = """\
[folders]
inbox = "{root}/inbox"
results = "{root}/results"
state = "{root}/state"
[intake]
quiet_seconds = 0.3
scan_seconds = 0.2
[disk]
free_percent = 0
[watch]
metrics = "{root}/metrics"
"""


def mark(study: Path) -> int:
    """Put the mark into all text; how many values."""
    marked = 0
    for path in study.iterdir():
        dataset = pydicom.dcmread(path)
        for element in dataset.iterall():
            if element.VR in _TEXT and element.keyword not in _NEEDED:
                element.value = f"{MARK}^{MARK}" if element.VR == "PN" else MARK
                marked += 1
        dataset.PatientComments = f"{MARK} \u00e9"
        dataset.add_new(0x00091001, "LO", MARK)
        dataset.save_as(path)
    return marked


@contextmanager
def titles(process: int) -> Iterator[set[bytes]]:
    """What the process and all that it starts show of themselves while the block runs."""
    seen: set[bytes] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            for number in _family(process):
                for name in ("cmdline", "comm", "environ"):
                    try:
                        seen.add(Path(f"/proc/{number}/{name}").read_bytes())
                    except OSError:
                        continue
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def _family(process: int) -> Iterator[int]:
    yield process
    try:
        children = [path.read_text() for path in Path(f"/proc/{process}/task").glob("*/children")]
    except OSError:
        return
    for child in " ".join(children).split():
        yield from _family(int(child))


@pytest.mark.slow
def test_no_patient_data_where_none_belongs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("inbox", "results", "state", "metrics"):
        (tmp_path / name).mkdir()
    config = tmp_path / "strokebox.toml"
    config.write_text(_SETTINGS.format(root=tmp_path))
    write_study(tmp_path / "made", 1)
    assert mark(tmp_path / "made") > 100
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, "-m", "tests.memory_service", "serve", "--config", str(config)]
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, stdin=subprocess.DEVNULL) as process,
        titles(process.pid) as shown,
    ):
        for drop in (f"{MARK} whole", f"{MARK} again"):
            shutil.copytree(tmp_path / "made", tmp_path / "inbox" / drop)
        with zipfile.ZipFile(tmp_path / f"inbox/{MARK}.zip", "w") as zipped:
            zipped.writestr(f"{MARK}/{MARK}.dcm", bytes(128) + b"DICM" + MARK.encode() * 99)
        (tmp_path / f"inbox/{MARK} linked").mkdir()
        (tmp_path / f"inbox/{MARK} linked/{MARK}").symlink_to(f"/{MARK}")
        (tmp_path / f"inbox/{MARK} broken.zip").write_bytes(b"PK\x03\x04" + MARK.encode())
        deadline = time.monotonic() + 120
        while len(list((tmp_path / "results").glob("*/result.json"))) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(16)  # the next metrics
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    main(["doctor", "--config", str(config), "--bundle", str(tmp_path / "support.zip")])
    assert main(["audit", "verify", "--config", str(config)]) == 0
    assert main(["retention", "--config", str(config)]) == 0
    with zipfile.ZipFile(tmp_path / "support.zip") as zipped:
        support = b"".join(zipped.read(name) for name in zipped.namelist())
    places = {
        "log": (tmp_path / "log").read_bytes(),
        "metrics": (tmp_path / "metrics/strokebox.prom").read_bytes(),
        "audit": (tmp_path / "state/audit.jsonl").read_bytes(),
        "titles": b"\n".join(shown),
        "locks": b"".join(path.read_bytes() for path in (tmp_path / "state").glob("*.lock")),
        "support bundle": support,
        "what commands print": "".join(capfd.readouterr()).encode(),
    }
    assert all(text for text in places.values())
    assert b"published" in places["log"]
    assert b"published" in places["audit"]
    assert b"appliance.reader_child" in places["titles"]
    found = {name for name, text in places.items() if MARK.encode() in text}
    assert found == set()
    reports = b"".join(path.read_bytes() for path in (tmp_path / "results").glob("*/result.json"))
    assert MARK.encode() in reports  # the marks were read
    assert b'"status": "completed"' in reports
