"""R6, R13: what is made to exhaust or deceive is refused with a code, in time, within memory, and the next goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phantom.cases.bombs import CASES
from phantom.cases.case import Case, case_head
from runtime.volume import Volume
from tests.memory_service import write_study
from tests.resilience.hogs import HOGS
from tests.resilience.process_tree import Peak, watched

ROOT = Path(__file__).parents[2]
MOST_BYTES, MOST_SECONDS = 1 << 30, 60.0
SETTINGS = """\
[folders]
inbox = "{root}/inbox"
results = "{root}/results"
state = "{root}/state"
[intake]
quiet_seconds = 0.2
scan_seconds = 0.1
[disk]
free_percent = 0
"""
CODED = {"TOO_LARGE", "UNREADABLE"}


class Site:
    """The real service, with the shipped engines, and all that it uses of memory."""

    def __init__(self, root: Path, process: subprocess.Popen[bytes], peak: Peak) -> None:
        self._root, self._process, self.peak = root, process, peak

    def reason(self, name: str, write: Callable[[Path], None]) -> str | None:
        """The code that a drop gets, or None where it is analysed."""
        write(self._root / "made")
        start, self.peak.resident_bytes = time.monotonic(), 0
        (self._root / "made").rename(self._root / "inbox" / name)
        while not (found := list((self._root / "results").glob(f"{name}__*/result.json"))):
            assert self._process.poll() is None
            assert time.monotonic() - start < MOST_SECONDS
            time.sleep(0.05)
        document = json.loads(found[0].read_text())
        assert document["status"] != "failed"
        assert self.peak.resident_bytes < MOST_BYTES
        code = document.get("reason", {}).get("code")
        return None if code is None else str(code)


@pytest.fixture(scope="module")
def head() -> Volume:
    return case_head()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("site")
    for name in ("inbox", "results", "state"):
        (root / name).mkdir()
    (root / "strokebox.toml").write_text(SETTINGS.format(root=root))
    command = [sys.executable, "-m", "appliance", "serve", "--config", str(root / "strokebox.toml")]
    with (root / "log").open("wb") as log, subprocess.Popen(command, cwd=ROOT, stderr=log) as process:
        try:
            with watched(process.pid) as peak:
                yield Site(root, process, peak)
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_serve_refuses_bombs_in_time_and_within_memory(case: Case, head: Volume, site: Site) -> None:
    assert case.reason is not None
    assert site.reason(case.name, lambda drop: case.write(head, drop)) == case.reason.name


@pytest.mark.slow
@pytest.mark.parametrize("name", HOGS)
def test_serve_limits_what_no_check_names(name: str, site: Site) -> None:
    def write(drop: Path) -> None:
        drop.mkdir()
        HOGS[name](drop)

    assert site.reason(name, write) in CODED | {"TOO_FEW_SLICES", "NO_SUITABLE_SERIES"}


@pytest.mark.slow
def test_after_all_of_them_a_study_is_analysed(site: Site) -> None:
    def write(drop: Path) -> None:
        write_study(drop, 1)

    assert site.reason("study", write) is None


def analysed(drop: Path, out: Path) -> str:
    """The code by `strokebox analyse`."""
    command = [sys.executable, "-m", "appliance", "analyse", str(drop), "--out", str(out)]
    start = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process, watched(process.pid) as peak:
        assert process.wait(MOST_SECONDS) == 4
    assert time.monotonic() - start < MOST_SECONDS
    assert peak.resident_bytes < MOST_BYTES
    (result,) = out.glob("*/result.json")
    return str(json.loads(result.read_text())["reason"]["code"])


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in CASES if "," not in case.name], ids=lambda case: case.name)
def test_analyse_refuses_bombs_in_time_and_within_memory(case: Case, head: Volume, tmp_path: Path) -> None:
    assert case.reason is not None
    case.write(head, tmp_path / "drop")
    assert analysed(tmp_path / "drop", tmp_path / "out") == case.reason.name


@pytest.mark.slow
@pytest.mark.parametrize("name", ["items", "long element"])
def test_analyse_limits_what_no_check_names(name: str, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    HOGS[name](tmp_path / "drop")
    assert analysed(tmp_path / "drop", tmp_path / "out") in CODED | {"TOO_FEW_SLICES", "NO_SUITABLE_SERIES"}
