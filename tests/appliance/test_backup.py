"""The job database across versions, and as a backup."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.backup import restore
from appliance.cli import main
from appliance.jobs import SCHEMA_VERSION, Job, Jobs, State
from appliance.lock import alone
from appliance.orphans import end_published, take_up
from appliance.stop import stopping
from runtime.errors import ConfigurationError
from tests.appliance.box import NOW, Box, open_box
from tests.memory_service import write_study

VERSION_1 = (
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        drop_name TEXT NOT NULL,
        received REAL NOT NULL,
        bytes INTEGER NOT NULL,
        cleared INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL,
        key TEXT,
        is_partial INTEGER NOT NULL DEFAULT 0,
        scanned TEXT NOT NULL DEFAULT '',
        study_uid TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        worker TEXT,
        folder TEXT UNIQUE,
        first TEXT,
        outcome TEXT,
        code TEXT,
        call TEXT,
        finished REAL,
        seconds REAL
    ) STRICT
    """,
    "CREATE INDEX jobs_by_key ON jobs (key)",
    "CREATE INDEX jobs_by_study ON jobs (study_uid)",
)
"""As it was."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    for name in ("inbox", "results", "state"):
        (tmp_path / name).mkdir()
    path = tmp_path / "strokebox.toml"
    names = ("inbox", "results", "state")
    path.write_text("[folders]\n" + "".join(f'{name} = "{tmp_path / name}"\n' for name in names))
    return path


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with open_box(tmp_path / "box") as box:
        yield box


def version_1(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in VERSION_1:
            database.execute(statement)
        database.execute("PRAGMA user_version = 1")
        for number, state in enumerate(("done", "ready", "received")):
            database.execute(
                "INSERT INTO jobs (id, drop_name, received, bytes, state, finished, outcome) "
                "VALUES (?, ?, 1, 2, ?, ?, ?)",
                (f"job{number}", f"drop{number}", state, *((3.0, "completed") if state == "done" else (None, None))),
            )


def test_an_older_database_is_brought_to_this_version_and_kept_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    version_1(path)
    with pytest.raises(ConfigurationError, match=r"is of version 1.*brought to that when the service starts"):
        Jobs.reading(path)
    jobs = Jobs(path)
    assert [job.id for job in jobs.of(State.READY, State.RECEIVED)] == ["job2", "job1"]
    (done,) = jobs.latest(5)
    assert (done.outcome, done.stages, done.engines) == ("completed", "{}", None)
    jobs.finish("job1", "completed", None, 5.0, 1.0, "none", {"read": 1.0}, "ab")
    assert jobs.counts().stages == {"read": (1.0, 1)}
    jobs.close()
    Jobs(path).close()
    with closing(sqlite3.connect(tmp_path / f"jobs.sqlite.before-{SCHEMA_VERSION}")) as before:
        assert before.execute("PRAGMA user_version").fetchone() == (1,)
        assert before.execute("SELECT count(*) FROM jobs").fetchone() == (3,)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    version_1(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("ALTER TABLE jobs ADD COLUMN engines TEXT")  # what it will stumble over, in the middle
    with pytest.raises(ConfigurationError, match="duplicate column"):
        Jobs(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert "stages" not in {row[1] for row in database.execute("PRAGMA table_info(jobs)")}


def test_a_newer_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    for opened in (Jobs, Jobs.reading):
        with pytest.raises(ConfigurationError, match="Install the newer Strokebox that made it, or restore a backup"):
            opened(path)


def test_a_backup_beside_the_running_service_and_back(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, copy = tmp_path / "state/jobs.sqlite", tmp_path / "jobs.backup"
    jobs = Jobs(path)
    jobs.receive("a", "A", 1.0, 1)
    assert main(["backup", "--config", str(config), str(copy)]) == 0
    assert [one.name for one in tmp_path.glob("*backup*")] == ["jobs.backup"]  # one file
    assert copy.stat().st_mode & 0o777 == 0o600
    jobs.receive("b", "B", 2.0, 1)
    jobs.close()
    assert main(["restore", "--config", str(config), str(copy)]) == 0
    jobs = Jobs(path)
    assert [job.id for job in jobs.of(*State)] == ["a"]
    jobs.close()
    before = Jobs(tmp_path / "state/jobs.sqlite.before-restore")
    assert {job.id for job in before.of(*State)} == {"a", "b"}
    before.close()
    assert "restored" in capsys.readouterr().out


def damage(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(4000))


def renew(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("spoil", [damage, renew, Path.unlink])
def test_a_damaged_a_newer_and_a_lost_database_give_way_to_the_backup(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path, copy = tmp_path / "jobs.sqlite", tmp_path / "jobs.backup"
    jobs = Jobs(path)
    jobs.receive("a", "A", 1.0, 1)
    jobs.back_up(copy)
    jobs.close()
    spoil(path)
    before = path.read_bytes() if path.exists() else None
    restore(copy, tmp_path)
    kept = tmp_path / "jobs.sqlite.before-restore"
    assert (kept.read_bytes()[100:] if kept.exists() else None) == (before and before[100:]), "but for the header"
    jobs = Jobs(path)
    assert [job.id for job in jobs.of(*State)] == ["a"]
    jobs.close()


def test_what_a_killed_service_left_beside_its_database_is_kept_with_it(tmp_path: Path) -> None:
    path, copy = tmp_path / "jobs.sqlite", tmp_path / "jobs.backup"
    jobs = Jobs(path)
    jobs.back_up(copy)
    jobs.receive("a", "A", 1.0, 1)
    for ending in ("", "-wal"):
        shutil.copy(tmp_path / f"jobs.sqlite{ending}", tmp_path / f"killed{ending}")
    jobs.close()
    for ending in ("", "-wal"):
        (tmp_path / f"killed{ending}").rename(tmp_path / f"jobs.sqlite{ending}")
    restore(copy, tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "jobs.backup",
        "jobs.sqlite",
        "jobs.sqlite.before-restore",
    ]
    restore(tmp_path / "jobs.sqlite.before-restore", tmp_path)
    jobs = Jobs(path)
    assert [job.id for job in jobs.of(*State)] == ["a"]
    jobs.close()


def test_nothing_is_restored_beside_the_running_service(
    tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "copy").touch()
    with stopping() as stop, alone(tmp_path / "state/worker.lock", stop):
        assert main(["restore", "--config", str(config), str(tmp_path / "copy")]) == 3
    assert "The service runs" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(200)])
def test_what_is_no_backup_replaces_nothing(tmp_path: Path, content: bytes) -> None:
    Jobs(tmp_path / "jobs.sqlite").close()
    before = (tmp_path / "jobs.sqlite").read_bytes()
    (tmp_path / "copy").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"restored|whole backup"):
        restore(tmp_path / "copy", tmp_path)
    assert (tmp_path / "jobs.sqlite").read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def database_goes(box: Box) -> None:
    """Somebody removed it, or the disk did."""
    box.jobs.close()
    for path in box.state.glob("jobs.sqlite*"):
        path.unlink()


def test_without_its_database_a_box_analyses_what_it_had_accepted(box: Box, tmp_path: Path) -> None:
    for number in (1, 2):
        write_study(tmp_path / f"made{number}", number)
        shutil.copytree(tmp_path / f"made{number}", box.inbox / f"CT {number}")
    box.look(4)
    assert list(box.inbox.iterdir()) == []
    (box.spool.unfinished("0123456789abcdef") / "files").mkdir(parents=True)
    (box.spool.folder("0123456789abcdef") / "files").mkdir(parents=True)
    shutil.copytree(tmp_path / "made1", box.inbox / "CT 1 again")
    database_goes(box)
    with open_box(tmp_path / "box") as after:
        after.intake.recover()
        assert len(after.spool.names()) == 2, "what was half copied is gone"
        after.settle()
        assert sorted(name.partition("__")[0] for name in after.documents) == ["CT 1", "CT 2"]
        assert {document["status"] for document in after.documents.values()} == {"completed"}
        assert "received before, as 'CT 1'" in "".join(after.notes)


def test_without_its_database_no_result_is_published_twice(box: Box, tmp_path: Path) -> None:
    """The worker ended after the result was visible, and before the spool's folder was removed."""
    write_study(tmp_path / "made", 1)
    shutil.copytree(tmp_path / "made", box.inbox / "CT 1")
    box.look(4)
    (job,) = box.jobs.of(State.READY)
    shutil.copytree(box.spool.folder(job.id), tmp_path / "kept")
    box.settle()
    shutil.copytree(tmp_path / "kept", box.spool.folder(job.id))
    database_goes(box)
    with open_box(tmp_path / "box") as after:
        after.intake.recover()
        assert after.spool.names() == []
        after.settle()
        assert len(after.documents) == 1


def fails(box: Box, job: Job) -> None:
    """The study is published as failed; then the box ends."""
    shutil.rmtree(box.spool.folder(job.id) / "prepared")
    box.settle()
    assert [document["status"] for document in box.documents.values()] == ["failed"]
    box.jobs.close()


def test_what_failed_since_the_backup_has_its_result_and_keeps_its_images(box: Box, tmp_path: Path) -> None:
    write_study(tmp_path / "made", 1)
    box.jobs.back_up(tmp_path / "copy")
    shutil.copytree(tmp_path / "made", box.inbox / "CT 1")
    box.look(4)
    (job,) = box.jobs.of(State.READY)
    fails(box, job)
    restore(tmp_path / "copy", box.state)
    with open_box(tmp_path / "box") as after:
        assert take_up(after.jobs, after.spool, after.audit, NOW.timestamp()).count == 0
        after.intake.recover()
        after.settle()
        assert len(after.documents) == 1
        assert after.spool.names() == [job.id]
        (again,) = after.jobs.failed()
        assert (again.finished, again.keeps_files) == (NOW.timestamp(), True)


def test_what_was_received_since_the_backup_is_taken_up_again(box: Box, tmp_path: Path) -> None:
    """Its drop is in the spool alone: the inbox was cleared."""
    write_study(tmp_path / "made", 1)
    box.jobs.back_up(tmp_path / "copy")
    shutil.copytree(tmp_path / "made", box.inbox / "CT 1")
    box.look(4)
    assert list(box.inbox.iterdir()) == []
    box.jobs.close()
    restore(tmp_path / "copy", box.state)
    with open_box(tmp_path / "box") as after:
        assert take_up(after.jobs, after.spool, after.audit, NOW.timestamp()).count == 1
        after.intake.recover()
        after.settle()
        assert [document["status"] for document in after.documents.values()] == ["completed"]
        assert next(iter(after.documents)).startswith("CT 1__")


def test_what_waited_in_the_backup_and_has_failed_since_gets_no_second_result(box: Box, tmp_path: Path) -> None:
    write_study(box.inbox / "CT 1", 1)
    box.look(4)
    (job,) = box.jobs.of(State.READY)
    box.jobs.back_up(tmp_path / "copy")
    fails(box, job)
    restore(tmp_path / "copy", box.state)
    with open_box(tmp_path / "box") as after:
        end_published(after.jobs, after.audit)
        after.intake.recover()
        after.settle()
        assert len(after.documents) == 1


def test_what_can_not_be_read_in_the_spool_stays_until_it_can(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As after the spool was put back by root: nobody else has it."""

    def refused(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    write_study(box.inbox / "CT 1", 1)
    box.look(4)
    database_goes(box)
    with open_box(tmp_path / "box") as after:
        with monkeypatch.context() as patch:
            patch.setattr("appliance.orphans.load_taken", refused)
            after.intake.recover()
        assert len(after.spool.names()) == 1
        assert [vars(record)["event"] for record in caplog.records if record.levelname == "ERROR"] == [
            "spool unreadable"
        ]
        after.intake.recover()
        after.settle()
        assert [document["status"] for document in after.documents.values()] == ["completed"]


def test_a_recovery_that_an_error_ended_goes_on_before_anything_is_taken(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_study(box.inbox / "CT 1", 1)
    box.look(4)
    database_goes(box)
    with open_box(tmp_path / "box") as after:
        write_study(after.inbox / "CT 2", 2)
        with monkeypatch.context() as patch:
            patch.setattr("appliance.intake.take_up", full)
            with pytest.raises(OSError, match="No space"):
                after.intake.recover()
            after.look(4)
            assert after.jobs.of(*State) == []
        after.settle()
        assert sorted(name.partition("__")[0] for name in after.documents) == ["CT 1", "CT 2"]
