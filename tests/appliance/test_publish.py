from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from appliance.publish import publish
from runtime.errors import PublishError


def test_the_folder_holds_everything_and_the_result_names_its_siblings(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    folder = publish(tmp_path / "out", "ct__1234", {"status": "completed"}, {"report.pdf": b"pdf"})
    assert folder == tmp_path / "out/ct__1234"
    text = (folder / "result.json").read_text()
    assert text.endswith("}\n")
    result = json.loads(text)
    assert result["status"] == "completed"
    assert result["files"] == [{"name": "report.pdf", "sha256": hashlib.sha256(b"pdf").hexdigest(), "size": 3}]
    assert [path.name for path in folder.parent.iterdir()] == ["ct__1234"]


def test_a_folder_is_never_reused(tmp_path: Path) -> None:
    (tmp_path / "ct").mkdir()
    (tmp_path / "ct/theirs").write_bytes(b"1")
    (tmp_path / "ct_2").write_bytes(b"a file")
    names = [publish(tmp_path, "ct", {"run": run}, {}).name for run in range(2)]
    assert names == ["ct_3", "ct_4"]
    assert [path.name for path in (tmp_path / "ct").iterdir()] == ["theirs"]
    assert json.loads((tmp_path / "ct_3/result.json").read_text())["run"] == 0


def test_nothing_half_written_is_seen(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        publish(tmp_path, "ct", {"mean": float("nan")}, {"report.pdf": b"pdf"})
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".job.part").mkdir()
    (tmp_path / ".job.part/report.pdf").write_bytes(b"half")
    folder = publish(tmp_path, "ct", {}, {"report.pdf": b"pdf"}, token="job")
    assert list(tmp_path.iterdir()) == [folder]
    assert (folder / "report.pdf").read_bytes() == b"pdf"


def test_no_room_to_write_is_a_publish_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PublishError, match="can't be written"):
        publish(tmp_path / "file", "ct", {}, {})


def test_a_missing_results_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="can't be written"):
        publish(tmp_path / "unmounted", "ct", {}, {})
    assert list(tmp_path.iterdir()) == []


def test_whoever_gets_into_the_folder_may_read_all_of_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        folder = publish(tmp_path, "ct", {}, {"report.pdf": b"pdf"})
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {
        "ct": 0o755,
        "report.pdf": 0o644,
        "result.json": 0o644,
    }
