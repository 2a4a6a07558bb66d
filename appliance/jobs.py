"""The jobs and how far each has come, in one SQLite file: what survives a power cut.

Every change is one committed transaction. Knows no DICOM and no files. A job's life: received -> ready -> working ->
done; a rejected one goes from received straight to done, and one whose study is known already becomes a duplicate.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from appliance.acceptance import flush_folder
from appliance.counts import Counts
from runtime.errors import ConfigurationError

SCHEMA_VERSION = 2
_LOCKED_SECONDS = 30
"""How long one process waits for another's change."""
_RETRY_SECONDS = 0.05
_SCHEMA = (
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
        seconds REAL,
        stages TEXT NOT NULL DEFAULT '{}',
        engines TEXT
    ) STRICT
    """,
    "CREATE INDEX jobs_by_key ON jobs (key)",
    "CREATE INDEX jobs_by_study ON jobs (study_uid)",
)
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (state, finished)",
    "CREATE INDEX IF NOT EXISTS jobs_by_arrival ON jobs (state, received)",
)
"""Made where they are missing, also in a database from before them."""
_MIGRATIONS = {
    1: ("ALTER TABLE jobs ADD COLUMN stages TEXT NOT NULL DEFAULT '{}'", "ALTER TABLE jobs ADD COLUMN engines TEXT")
}
"""By version, what makes the next one of it."""


class State(str, Enum):
    """How far a job has come."""

    RECEIVED = "received"
    READY = "ready"
    WORKING = "working"
    DONE = "done"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Job:
    """One row.

    received, finished: seconds since 1970, for people; nothing is decided by them
    cleared: whether the drop has been removed from the inbox
    key: the job key, once the study has been read
    is_partial: whether it was read before its copy had ended
    scanned: ISO date and time of the study; study_uid: its Study Instance UID; '' where unknown
    attempts: how often it was begun to be read, or once that is done, to be analysed; worker: who is at it
    folder: the name of its result folder, kept from the moment before it is written
    first: of a duplicate, the id of the job that has the result
    outcome, code, call, seconds: how it ended, the call of a completed one, and what it took
    stages: of that, JSON of seconds by stage; engines: the SHA-256 of their manifest
    """

    id: str
    drop_name: str
    received: float
    bytes: int
    cleared: bool
    state: State
    key: str | None
    is_partial: bool
    scanned: str
    study_uid: str
    attempts: int
    worker: str | None
    folder: str | None
    first: str | None
    outcome: str | None
    code: str | None
    call: str | None
    finished: float | None
    seconds: float | None
    stages: str
    engines: str | None

    @property
    def keeps_files(self) -> bool:
        """Whether its spool folder stays when it is done: it failed, and IT will ask why."""
        return self.outcome == "failed"


INTAKE = "intake"
"""The worker name of the intake, which publishes rejections."""
_COLUMNS = ", ".join(Job.__slots__)
_QUEUE = "ORDER BY scanned DESC, CASE study_uid WHEN '' THEN -rowid ELSE rowid END"
"""Newest study first: a patient who lies in the scanner now comes before yesterday's. The newest drop stands for it as
long as no study is known; drops of one study come in the order of their arrival, so that the later knows the earlier.
"""


class Jobs:
    """The table. One object a process; several processes at once are fine."""

    @classmethod
    def reading(cls, path: Path) -> Jobs:
        """Of a file that is there, and that is not written to or locked. ConfigurationError."""
        jobs = cls.__new__(cls)
        try:
            jobs._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_LOCKED_SECONDS, isolation_level=None
            )
            version = jobs._one("PRAGMA user_version")[0]
        except sqlite3.Error as error:
            raise ConfigurationError(f"The job database {path} can't be read: {error}.") from error
        if version != SCHEMA_VERSION:
            raise ConfigurationError(_other_version(path, version))
        return jobs

    def __init__(self, path: Path) -> None:
        """Open, or make. ConfigurationError where the file system or the version does not do."""
        try:
            self._db = sqlite3.connect(path, timeout=_LOCKED_SECONDS, isolation_level=None)
            self._write_ahead()
            self._db.execute("PRAGMA synchronous = FULL")
            if self._one("PRAGMA user_version")[0] in _MIGRATIONS:
                self.back_up(path.with_name(f"{path.name}.before-{SCHEMA_VERSION}"))
            with self._change():
                version = self._one("PRAGMA user_version")[0]
                while version in _MIGRATIONS:
                    self._all(_MIGRATIONS[version])
                    version += 1
                if version == 0:
                    self._all(_SCHEMA)
                    version = SCHEMA_VERSION
                if version == SCHEMA_VERSION:
                    self._all(_INDEXES)
                    self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            modes = self._one("PRAGMA journal_mode")[0], self._one("PRAGMA synchronous")[0]
        except sqlite3.Error as error:
            raise ConfigurationError(f"The job database {path} can't be opened: {error}.") from error
        if version != SCHEMA_VERSION:
            raise ConfigurationError(_other_version(path, version))
        if modes != ("wal", 2):
            raise ConfigurationError(f"The job database {path} can't be kept safely there: {modes}. Use a local disk.")

    def _write_ahead(self) -> None:
        """Change a new file to WAL. While another process makes the same file, SQLite refuses that and doesn't wait."""
        deadline = time.monotonic() + _LOCKED_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)

    def close(self) -> None:
        self._db.close()

    def back_up(self, copy: Path) -> None:
        """Copy it whole to `copy`, for its owner alone, also while others write. OSError, sqlite3.Error."""
        part = copy.with_name(f".{copy.name}.{os.getpid()}.part")
        try:
            part.touch(0o600)
            with closing(sqlite3.connect(part)) as target:
                self._db.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")  # one file, whoever looks at it
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(copy)
            flush_folder(copy.parent)
        finally:
            part.unlink(missing_ok=True)

    def receive(self, job: str, drop_name: str, received: float, size: int) -> None:
        """A drop is in the spool; from now on it will end in a result."""
        self._run(
            "INSERT INTO jobs (id, drop_name, received, bytes, state) VALUES (?, ?, ?, ?, ?)",
            job, drop_name, received, size, State.RECEIVED.value,
        )  # fmt: skip

    def cleared(self, job: str) -> None:
        """Its drop is no longer in the inbox."""
        self._run("UPDATE jobs SET cleared = 1 WHERE id = ?", job)

    def refuse(self, job: str, drop_name: str, received: float, key: str) -> None:
        """A drop that is not taken over, and whose rejection the intake publishes now."""
        self._run(
            "INSERT INTO jobs (id, drop_name, received, bytes, cleared, state, worker, key) "
            "VALUES (?, ?, ?, 0, 1, ?, ?, ?)",
            job, drop_name, received, State.WORKING.value, INTAKE, key,
        )  # fmt: skip

    def forget(self, job: str) -> None:
        """As if it had never been: for a refusal that was not published."""
        self._run("DELETE FROM jobs WHERE id = ?", job)

    def begin(self, job: str) -> int:
        """It is read now; how often that was begun."""
        self._run("UPDATE jobs SET attempts = attempts + 1 WHERE id = ?", job)
        return self.job(job).attempts

    def unread(self, job: str) -> None:
        """It is read again: its rejection was not published."""
        self._run("UPDATE jobs SET state = ?, worker = NULL WHERE id = ?", State.RECEIVED.value, job)

    def excuse(self, job: str) -> None:
        """The last attempt failed for a reason that was not the study's, and does not count."""
        self._run("UPDATE jobs SET attempts = max(attempts - 1, 0) WHERE id = ?", job)

    def read(
        self, job: str, key: str, scanned: str, study_uid: str, worker: str | None = None, *, is_partial: bool = False
    ) -> None:
        """The study has been read and waits, with no attempt made; or is in the hands of `worker` at once."""
        self._run(
            "UPDATE jobs SET state = ?, key = ?, is_partial = ?, scanned = ?, study_uid = ?, worker = ?, "
            "attempts = attempts * ? WHERE id = ?",
            (State.WORKING if worker else State.READY).value, key, is_partial, scanned, study_uid, worker,
            bool(worker), job,
        )  # fmt: skip

    def repeat(self, job: str, key: str, first: str) -> None:
        """The study is that of the job `first`."""
        self._run("UPDATE jobs SET state = ?, key = ?, first = ? WHERE id = ?", State.DUPLICATE.value, key, first, job)

    def any_ready(self) -> bool:
        """Whether `claim` has something to give."""
        return (
            self._db.execute("SELECT 1 FROM jobs WHERE state = ? LIMIT 1", (State.READY.value,)).fetchone() is not None
        )

    def claim(self, worker: str) -> Job | None:
        """The next job for `worker`, one attempt more; None where nothing waits."""
        with self._change():
            rows = self._jobs(f"WHERE state = ? {_QUEUE} LIMIT 1", State.READY.value)
            if not rows:
                return None
            self._run(
                "UPDATE jobs SET state = ?, worker = ?, attempts = attempts + 1 WHERE id = ?",
                State.WORKING.value, worker, rows[0].id,
            )  # fmt: skip
            return self.job(rows[0].id)

    def give_back(self, worker: str) -> None:
        """What `worker` was at waits again."""
        self._run(
            "UPDATE jobs SET state = ?, worker = NULL WHERE state = ? AND worker = ?",
            State.READY.value, State.WORKING.value, worker,
        )  # fmt: skip

    def name(self, job: str, folder: str) -> bool:
        """Keep `folder` for the job's result; False where another job has it."""
        try:
            self._run("UPDATE jobs SET folder = ? WHERE id = ?", folder, job)
        except sqlite3.IntegrityError:
            return False
        return True

    def finish(
        self,
        job: str,
        outcome: str,
        code: str | None,
        finished: float,
        seconds: float,
        call: str | None = None,
        stages: Mapping[str, float] | None = None,
        engines: str | None = None,
    ) -> None:
        """Its result is visible."""
        self._run(
            "UPDATE jobs SET state = ?, worker = NULL, outcome = ?, code = ?, call = ?, finished = ?, seconds = ?, "
            "stages = ?, engines = ? WHERE id = ?",
            State.DONE.value, outcome, code, call, finished, seconds, json.dumps(dict(stages or {})), engines, job,
        )  # fmt: skip

    def job(self, job: str) -> Job:
        """KeyError where there is none."""
        rows = self._jobs("WHERE id = ?", job)
        if not rows:
            raise KeyError(job)
        return rows[0]

    def has(self, job: str) -> bool:
        """Whether there is one of this id."""
        return self._db.execute("SELECT 1 FROM jobs WHERE id = ?", (job,)).fetchone() is not None

    def of(self, *states: State) -> list[Job]:
        """The jobs in these states, in the order of the queue."""
        marks = ", ".join("?" for _ in states)
        return self._jobs(f"WHERE state IN ({marks}) {_QUEUE}", *(state.value for state in states))

    def repeated(self, since: float) -> list[Job]:
        """The duplicates received after `since`, in seconds since 1970."""
        return self._jobs(f"WHERE state = ? AND received > ? {_QUEUE}", State.DUPLICATE.value, since)

    def uncleared(self) -> list[Job]:
        """The jobs whose drop may still be in the inbox."""
        return self._jobs("WHERE cleared = 0")

    def latest(self, count: int) -> list[Job]:
        """The last results, newest first."""
        return self._jobs("WHERE state = ? ORDER BY finished DESC LIMIT ?", State.DONE.value, count)

    def published(self) -> list[Job]:
        """The jobs that have a result, the oldest first."""
        return self._jobs("WHERE state = ? ORDER BY finished, rowid", State.DONE.value)

    def largest(self) -> int:
        """Bytes of the largest drop that was ever received."""
        return self._one("SELECT coalesce(max(bytes), 0) FROM jobs")[0]  # type: ignore[no-any-return]  # an INTEGER

    def counts(self) -> Counts:
        """Over all of them."""
        with self._reading():
            return Counts.of(self._db)

    def failed(self) -> list[Job]:
        """The jobs that keep their files."""
        return self._jobs("WHERE outcome = 'failed'")

    def earlier(self, job: Job) -> list[Job]:
        """The completed jobs that are of the same study, but of other images; the last to be finished first."""
        if not job.study_uid:
            return []
        return self._jobs(
            "WHERE study_uid = ? AND outcome = 'completed' AND key IS NOT ? ORDER BY finished DESC, rowid DESC",
            job.study_uid, job.key,
        )  # fmt: skip

    def with_key(self, key: str, but: str = "", *, is_partial: bool = True) -> list[Job]:
        """The jobs that answer for a key, the first one first: not the failed ones, whose study may be tried again.

        `but` is the id of the job that asks; where that is not partial, those that are don't answer either.
        """
        return self._jobs(
            "WHERE key = ? AND id != ? AND is_partial <= ? AND first IS NULL "
            "AND (outcome IS NULL OR outcome != 'failed') ORDER BY rowid",
            key, but, is_partial,
        )  # fmt: skip

    def _jobs(self, where: str, *values: Any) -> list[Job]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM jobs {where}", values)  # noqa: S608  # our own words only
        return [_job(dict(zip(Job.__slots__, row, strict=True))) for row in rows]

    def _all(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self._db.execute(statement)

    def _one(self, statement: str) -> Any:
        return self._db.execute(statement).fetchone()

    def _run(self, statement: str, *values: Any) -> None:
        self._db.execute(statement, values)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Several questions of one moment."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Several statements as one: all or nothing, and nobody else in between."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _other_version(path: Path, version: int) -> str:
    what = f"The job database {path} is of version {version}; this Strokebox's is {SCHEMA_VERSION}."
    if version > SCHEMA_VERSION:
        return f"{what} Install the newer Strokebox that made it, or restore a backup: docs/it.md."
    return f"{what} It is brought to that when the service starts."


def _job(row: dict[str, Any]) -> Job:
    truths = {name: bool(row[name]) for name in ("cleared", "is_partial")}
    return Job(**{**row, **truths, "state": State(row["state"])})
