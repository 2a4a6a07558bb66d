"""`strokebox retention`: deletes old results and old evidence as the settings say, and tells each; a timer calls it.

What waits or is worked on is never touched, nor is anything in a folder that no job of ours names. Whether a result on
a share was read can't be known: access times are switched off on most file systems, and programs that forward or scan
files read them, too. So a result counts as unread until it has been there for `unread_days`, and is not deleted before,
however full the disk; then the intake waits, which somebody notices. Ages are by the box's clock, so a clock that
jumped since the last run deletes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from appliance.audit import NAME as AUDIT
from appliance.audit import Audit, Event
from appliance.disk import RESERVE_BYTES, Reserve, Room
from appliance.jobs import Job, Jobs
from appliance.lock import alone
from appliance.owner import require_owner
from appliance.publish import RESULT
from appliance.service import DATABASE
from appliance.settings import RetentionSettings, Settings, read_settings
from appliance.spool import Spool
from appliance.stop import Stopped, stopping
from runtime.errors import PublishError
from runtime.whole_files import write_whole

STAMP = "retention.json"
LONGEST_BETWEEN = timedelta(days=7).total_seconds()
"""Longer after the last run, or before it, the clock may have jumped: that run deletes nothing."""
DAY = timedelta(days=1).total_seconds()


@dataclass(frozen=True, slots=True)
class Kept:
    """A result that is there: its job, seconds since it appeared, bytes."""

    job: Job
    age: float
    size: int


def doomed(kept: Sequence[Kept], rules: RetentionSettings) -> list[Kept]:
    """Which of the results, the oldest first, go."""
    total, most = sum(one.size for one in kept), rules.results_gigabytes * 1e9
    gone = []
    for one in sorted(kept, key=lambda one: -one.age):
        is_old = rules.results_days and one.age > rules.results_days * DAY
        is_too_much = most and total > most
        if one.age > rules.unread_days * DAY and (is_old or is_too_much):
            gone.append(one)
            total -= one.size
    return gone


class Retention:
    """One run over one box's folders."""

    def __init__(self, settings: Settings, jobs: Jobs, audit: Audit, now: float) -> None:
        self._rules, self._results = settings.retention, settings.folders.results
        self._spool = Spool(settings.folders.state / "spool")
        self._stamp = settings.folders.state / STAMP
        self._jobs, self._audit, self._now = jobs, audit, now

    def run(self, check: Callable[[], None]) -> Iterator[str]:
        """Delete; each deletion in words that name no patient. PublishError, OSError where a folder is away."""
        if not self._clock_is_steady():
            yield "The clock jumped, or this is the first run in a week: nothing is deleted before the next."
            return
        self._finish_removals()
        for one in doomed(list(self._kept()), self._rules):
            check()
            yield self._delete_result(one)
        for job in self._jobs.failed():
            check()
            age = self._now - (job.finished or self._now)
            is_old = self._rules.evidence_days and age > self._rules.evidence_days * DAY
            if is_old and self._spool.folder(job.id).exists():
                self._record(job, age, "evidence")
                self._spool.remove(job.id)
                yield f"deleted the images of the failed job {job.id}, {age / DAY:.0f} days old"

    def _clock_is_steady(self) -> bool:
        try:
            last = float(json.loads(self._stamp.read_text())["last"])
        except (OSError, ValueError, KeyError, TypeError):
            last = float("-inf")
        write_whole(self._stamp, json.dumps({"last": self._now}).encode())
        return 0 <= self._now - last <= LONGEST_BETWEEN

    def _kept(self) -> Iterator[Kept]:
        self._results.stat()  # a share that is away must not look empty
        for job in self._jobs.published():
            if job.folder is None or job.finished is None:
                continue
            folder = self._results / job.folder
            if (folder / RESULT).is_file() and not folder.is_symlink():
                yield Kept(job, self._now - max(job.finished, folder.stat().st_mtime), _size(folder))

    def _delete_result(self, kept: Kept) -> str:
        job = kept.job
        self._record(job, kept.age, "result")
        hidden = self._hidden(job)
        (self._results / str(job.folder)).rename(hidden)  # it vanishes whole
        shutil.rmtree(hidden)
        days, megabytes = kept.age / DAY, kept.size / 1e6
        return f"deleted the result of job {job.id}, {days:.0f} days old, {megabytes:.1f} MB"

    def _finish_removals(self) -> None:
        for hidden in self._results.glob(".*.gone"):
            shutil.rmtree(hidden)

    def _hidden(self, job: Job) -> Path:
        return self._results / f".{job.id}.gone"

    def _record(self, job: Job, age: float, what: str) -> None:
        self._audit.write(Event.DELETED, job.id, job.key or "", what=what, days=round(age / DAY, 1))


def _size(folder: Path) -> int:
    return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))


def add_retention_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `retention`."""
    retention = commands.add_parser("retention", help="delete old results and old evidence as the settings say, once")
    retention.add_argument("--config", type=Path, required=True, metavar="FILE", help="the settings, TOML")
    retention.set_defaults(run=_retention)


def _retention(options: argparse.Namespace) -> int:
    settings = read_settings(options.config)
    state = settings.folders.state
    require_owner(state)
    if not (state / DATABASE).exists():
        print("no study was ever received")
        return 0
    if Room.of(state).free < RESERVE_BYTES:
        Reserve(state).give_up()  # nothing can be deleted before that is recorded
    with ExitStack() as stack:
        jobs = Jobs.reading(state / DATABASE)
        stack.callback(jobs.close)
        stop = stack.enter_context(stopping())
        try:
            stack.enter_context(alone(state / "retention.lock", stop))
            retention = Retention(settings, jobs, Audit(state / AUDIT, time.time), time.time())
            for line in retention.run(stop.check):
                print(line)
        except Stopped:
            print("stopped; the next run goes on")
        except OSError as error:
            raise PublishError(f"Retention can't go on: {error.strerror}.") from error
    return 0
