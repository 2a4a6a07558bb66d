"""The bundle that ships: the one that is pinned, small enough, and computing what its reference computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance import shipped
from appliance.cli import main
from export.bundle import LARGEST_BUNDLE_BYTES, verify
from runtime.bundle import open_bundle


def test_it_is_the_pinned_one_and_small() -> None:
    bundle = open_bundle(shipped.FOLDER)
    assert bundle.manifest_sha256 == shipped.MANIFEST_SHA256
    assert sum(path.stat().st_size for path in shipped.FOLDER.rglob("*") if path.is_file()) <= LARGEST_BUNDLE_BYTES


def test_the_cpu_engine_agrees_with_the_golden_cases() -> None:
    bundle = verify(shipped.FOLDER)
    assert len(list((bundle.folder / "golden").glob("*.npz"))) == 2


@pytest.mark.slow
def test_the_demo_finds_what_it_planted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    planted, found = (next(line for line in lines if line.startswith(word)) for word in ("planted", "found"))
    assert planted.removeprefix("planted").split()[:2] == found.removeprefix("found").split()[:2]  # class and side
    (folder,) = (tmp_path / "results").iterdir()
    assert {path.name for path in folder.iterdir()} == {"result.json", "report.pdf"}
