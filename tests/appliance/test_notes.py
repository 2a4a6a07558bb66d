from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from appliance.disk import Reserve
from appliance.jobs import Job, State
from appliance.notes import notes, write_notes


def job(number: int, state: State = State.READY, **changes: object) -> Job:
    values = dict.fromkeys(Job.__slots__)
    values |= {"id": f"{number:016x}", "drop_name": f"CT {number}.zip", "state": state, "scanned": "", **changes}
    return Job(**values)  # type: ignore[arg-type]  # what notes look at is there


def test_position_and_minutes() -> None:
    texts = list(notes([job(1, State.WORKING), job(2), job(3, State.RECEIVED)], [], [60, 240, 90]).values())
    assert "being analysed now" in texts[0]
    assert "about 2 minutes" in texts[0]
    assert "Position 3" in texts[2]
    assert "about 4 minutes" in texts[2]
    assert all("no result" in text for text in texts)


def test_a_study_that_was_received_before() -> None:
    first = job(1, State.DONE, folder="CT 1__12345678")
    ((name, text),) = notes([], [(job(2, State.DUPLICATE), first)], []).items()
    assert name.startswith("CT 2__")
    assert "'CT 1'" in text
    assert "CT 1__12345678" in text
    assert "will appear soon" in str(notes([], [(job(2), replace(first, folder=None))], []))


def test_notes_come_change_and_go(tmp_path: Path) -> None:
    (tmp_path / "CT__1").mkdir()
    (tmp_path / "theirs.txt").write_text("untouched")
    (tmp_path / "their.note.txt").write_text("untouched")
    write_notes(tmp_path, notes([job(1), job(2)], [], []), Reserve(tmp_path / "state"))
    for path in tmp_path.glob("CT 2__*"):
        path.write_bytes(b"\xff no text")
    write_notes(tmp_path, notes([job(2)], [], []), Reserve(tmp_path / "state"))
    (note,) = tmp_path.glob("*__*.note.txt")
    assert note.name.startswith("CT 2__")
    assert "Position 1" in note.read_text()
    assert (tmp_path / "theirs.txt").read_text() == "untouched"
    write_notes(tmp_path, {}, Reserve(tmp_path / "state"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CT__1", "their.note.txt", "theirs.txt"]


def test_whoever_gets_into_the_folder_may_read_them_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_notes(tmp_path, notes([job(1)], [], []), Reserve(tmp_path / "state"))
    finally:
        os.umask(before)
    (note,) = tmp_path.iterdir()
    assert note.stat().st_mode & 0o777 == 0o644
