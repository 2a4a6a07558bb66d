from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.jobs import Jobs, State
from runtime.errors import ConfigurationError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite"


@pytest.fixture
def jobs(path: Path) -> Iterator[Jobs]:
    jobs = Jobs(path)
    yield jobs
    jobs.close()


def waiting(jobs: Jobs, *scanned: str) -> None:
    for number, when in enumerate(scanned):
        jobs.receive(f"job{number}", f"drop{number}", 100.0 + number, 10)
        jobs.read(f"job{number}", f"key{number}", when, "")


def test_it_is_kept_safely(path: Path, jobs: Jobs) -> None:
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_job_from_drop_to_result(path: Path, jobs: Jobs) -> None:
    jobs.receive("a", "CT 1", 100.0, 5)
    assert [job.id for job in jobs.uncleared()] == ["a"]
    jobs.cleared("a")
    assert jobs.uncleared() == []
    assert jobs.claim("worker") is None  # not read yet
    jobs.read("a", "key", "2026-01-01 10:00:00", "1.2.3")
    job = jobs.claim("worker")
    assert job is not None
    assert (job.state, job.worker, job.attempts, job.scanned) == (State.WORKING, "worker", 1, "2026-01-01 10:00:00")
    assert jobs.claim("worker") is None
    assert jobs.name("a", "CT 1__key")
    jobs.finish("a", "completed", None, 200.0, 12.5)
    again = Jobs(path)
    done = again.job("a")
    again.close()
    assert (done.state, done.worker, done.folder, done.outcome) == (State.DONE, None, "CT 1__key", "completed")
    assert jobs.latest(5) == [done]


def test_the_newest_study_comes_first(jobs: Jobs) -> None:
    waiting(jobs, "2026-01-01 10:00:00", "2026-01-03 09:00:00", "", "2026-01-03 10:00:00")
    claimed = [jobs.claim("worker") for _ in range(4)]
    assert [job and job.id for job in claimed] == ["job3", "job1", "job0", "job2"]


def test_two_workers_never_get_the_same_job(path: Path, jobs: Jobs) -> None:
    waiting(jobs, "1", "2")
    other = Jobs(path)
    claimed = [jobs.claim("one"), other.claim("two"), jobs.claim("one"), other.claim("two")]
    other.close()
    assert [job and job.id for job in claimed] == ["job1", "job0", None, None]


def test_a_worker_gets_back_what_it_was_at_and_nobody_elses(jobs: Jobs) -> None:
    waiting(jobs, "1", "2")
    jobs.claim("one")
    jobs.claim("two")
    jobs.give_back("one")
    assert [(job.id, job.attempts) for job in jobs.of(State.READY)] == [("job1", 1)]
    jobs.claim("one")
    jobs.excuse("job1")
    jobs.give_back("one")
    assert [(job.id, job.attempts) for job in jobs.of(State.READY)] == [("job1", 1)]


def test_who_answers_for_a_key(jobs: Jobs) -> None:
    waiting(jobs, "1", "2")
    jobs.receive("again", "drop0 copy", 300.0, 10)
    (first,) = jobs.with_key("key0")
    assert first.id == "job0"
    jobs.repeat("again", "key0", first.id)
    assert jobs.job("again").state is State.DUPLICATE
    assert jobs.with_key("key0") == [first]
    jobs.claim("worker")
    jobs.claim("worker")
    jobs.finish("job0", "failed", "ENGINE_FAILED", 400.0, 1.0)
    assert jobs.with_key("key0") == []  # it may be tried again


def test_who_asks_does_not_answer_and_a_part_does_not_answer_for_the_whole(jobs: Jobs) -> None:
    for number, is_partial in enumerate((True, False, False)):
        jobs.receive(f"job{number}", "drop", 100.0, 10)
        jobs.read(f"job{number}", "key", "", "", is_partial=is_partial)
    assert [job.id for job in jobs.with_key("key", "job2", is_partial=False)] == ["job1"]
    assert [job.id for job in jobs.with_key("key", "job2", is_partial=True)] == ["job0", "job1"]


def test_earlier_are_completed_results_of_other_images_whenever_they_were_received(jobs: Jobs) -> None:
    for number in range(4):
        jobs.receive(f"job{number}", "drop", 100.0, 10)
        jobs.read(f"job{number}", f"key{number}", "", "1.2.3")
    jobs.finish("job3", "completed", None, 10.0, 1.0, "IH")
    jobs.finish("job1", "rejected", "NOT_HEAD", 20.0, 1.0)
    jobs.finish("job0", "completed", None, 900.0, 1.0, "none")
    assert [(job.id, job.call) for job in jobs.earlier(jobs.job("job2"))] == [("job0", "none"), ("job3", "IH")]


def test_within_one_study_the_first_drop_comes_first(jobs: Jobs) -> None:
    for number, (study, when) in enumerate([("a", "1"), ("b", "2"), ("b", "2"), ("a", "1")]):
        jobs.receive(f"job{number}", "drop", 100.0 + number, 10)
        jobs.read(f"job{number}", f"key{number}", when, study)
    claimed = [jobs.claim("worker") for _ in range(4)]
    assert [job and job.id for job in claimed] == ["job1", "job2", "job0", "job3"]


def test_what_a_look_asks_for_does_not_grow_with_all_that_ever_was(path: Path, jobs: Jobs) -> None:
    database = sqlite3.connect(path)
    plans = [
        database.execute(f"EXPLAIN QUERY PLAN SELECT * FROM jobs {where}").fetchall()[0][3]
        for where in (
            "WHERE state = 'done' ORDER BY finished DESC LIMIT 9",
            "WHERE state = 'duplicate' AND received > 5",
        )
    ]
    database.close()
    assert "jobs_by_end (state=?)" in plans[0]
    assert "jobs_by_arrival (state=? AND received>?)" in plans[1]


def test_a_database_from_before_an_index_gets_it(path: Path, jobs: Jobs) -> None:
    database = sqlite3.connect(path)
    database.execute("DROP INDEX jobs_by_end")
    Jobs(path).close()
    assert database.execute("SELECT 1 FROM sqlite_master WHERE name = 'jobs_by_end'").fetchone()
    database.close()


def test_duplicates_of_late(jobs: Jobs) -> None:
    for number in range(3):
        jobs.receive(f"job{number}", "drop", 100.0 + number, 10)
        jobs.repeat(f"job{number}", "key", "first")
    assert [job.id for job in jobs.repeated(100.5)] == ["job2", "job1"]


def test_of_drops_not_yet_read_the_newest_comes_first(jobs: Jobs) -> None:
    for number in range(3):
        jobs.receive(f"job{number}", "drop", 100.0 + number, 10)
    assert [job.id for job in jobs.of(State.RECEIVED)] == ["job2", "job1", "job0"]


def test_names_of_results_are_never_given_twice(jobs: Jobs) -> None:
    waiting(jobs, "1", "2")
    assert jobs.name("job0", "ct__1")
    assert not jobs.name("job1", "ct__1")
    assert jobs.name("job0", "ct__1")


def test_a_refusal_that_was_not_published_can_be_forgotten(jobs: Jobs) -> None:
    jobs.refuse("a", "ct", 100.0, "key")
    assert jobs.job("a").cleared
    jobs.forget("a")
    with pytest.raises(KeyError):
        jobs.job("a")


def test_another_version_is_not_touched(path: Path) -> None:
    Jobs(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        Jobs(path)


def test_reading_changes_nothing_and_waits_for_nobody(path: Path, jobs: Jobs) -> None:
    waiting(jobs, "1")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    other = Jobs.reading(path)
    assert [job.id for job in other.of(State.READY)] == ["job0"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        other.forget("job0")
    other.close()
    writer.close()


def test_reading_of_what_is_not_there_or_of_another_version(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        Jobs.reading(path)
    assert not path.exists()
    sqlite3.connect(path).execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="version 99"):
        Jobs.reading(path)


def test_a_file_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE first (at)")
    done = threading.Timer(0.3, other.execute, ["ROLLBACK"])
    done.start()
    jobs = Jobs(path)
    done.join()
    assert jobs.latest(1) == []
    jobs.close()
    other.close()


def test_what_is_no_database(path: Path) -> None:
    path.write_bytes(b"something else" * 100)
    with pytest.raises(ConfigurationError, match="can't be opened"):
        Jobs(path)
