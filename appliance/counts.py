"""Counts over all jobs that ever were: what monitoring shows and health is judged by. Names no job."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Times in seconds since 1970, 0.0 where there is none.

    waiting: jobs without a result, by state; oldest: when the one was received that waits longest
    attempts: at the waiting job that was tried most; repeated: results that took more than one
    results: by (status, code, call), '' where there is none; by_engines: by the SHA-256 of their manifest
    stages: seconds and number of analyses by stage
    last_result, last_success: when the last ended, of any kind and with a finding; engines: of the last that had any
    """

    waiting: dict[str, int]
    oldest: float
    attempts: int
    repeated: int
    results: dict[tuple[str, str, str], int]
    by_engines: dict[str, int]
    stages: dict[str, tuple[float, int]]
    last_result: float
    last_success: float
    engines: str

    @classmethod
    def of(cls, database: sqlite3.Connection) -> Counts:
        """Of the job database. sqlite3.Error."""
        ask = database.execute
        waits = "state IN ('received', 'ready', 'working')"
        oldest, attempts = ask(f"SELECT min(received), max(attempts) FROM jobs WHERE {waits}").fetchone()  # noqa: S608  # our own words
        repeated, last, success = ask(
            "SELECT count(*) FILTER (WHERE attempts > 1), max(finished), "
            "max(finished) FILTER (WHERE outcome = 'completed') FROM jobs WHERE state = 'done'"
        ).fetchone()
        results = ask(
            "SELECT coalesce(outcome, ''), coalesce(code, ''), coalesce(call, ''), count(*) FROM jobs "
            "WHERE state = 'done' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        stages = ask(
            "SELECT each.key, sum(each.value), count(*) FROM jobs, json_each(jobs.stages) AS each GROUP BY 1 ORDER BY 1"
        )
        latest = ask("SELECT engines FROM jobs WHERE engines IS NOT NULL ORDER BY finished DESC LIMIT 1").fetchone()
        return cls(
            waiting=dict(ask(f"SELECT state, count(*) FROM jobs WHERE {waits} GROUP BY state")),  # noqa: S608  # our own
            oldest=oldest or 0.0,
            attempts=attempts or 0,
            repeated=repeated,
            results={(status, code, call): count for status, code, call, count in results},
            by_engines=dict(
                ask("SELECT engines, count(*) FROM jobs WHERE engines IS NOT NULL GROUP BY engines ORDER BY engines")
            ),
            stages={stage: (seconds, count) for stage, seconds, count in stages},
            last_result=last or 0.0,
            last_success=success or 0.0,
            engines=latest[0] if latest else "",
        )

    def stalled_seconds(self, now: float) -> float:
        """For how long studies have waited without anything coming out; 0 where none waits."""
        return max(0.0, now - max(self.oldest, self.last_result)) if self.waiting else 0.0
