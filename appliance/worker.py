"""The worker: takes prepared studies in turn through the engines and publishes what comes of them.

A study that was begun before and not brought to an end is not given to a GPU again, where the setup has a spare. One
that ends its worker three times, by what it is or by the time that it takes, is published as not analysed, and the next
ones go on. What an error keeps from being published waits for the next round; a missing results folder or a busy
database counts as no attempt, and while there is no results folder nothing is analysed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

from appliance.audit import Event
from appliance.case import Setup, conclude, outcome_of
from appliance.deadline import deadline
from appliance.drop import clean_name
from appliance.jobs import Job, Jobs
from appliance.logs import about
from appliance.notify import NOBODY, Notifier
from appliance.outcome import Outcome, Reason, Status
from appliance.prepared import Prepared
from appliance.prepared_files import load_prepared
from appliance.publication import Publication
from appliance.reader_child import PREPARED
from appliance.settings import AnalysisSettings
from appliance.shares import Shares
from appliance.spool import Spool
from appliance.stop import Stop, Stopped
from runtime.classification import Call
from runtime.codes import Code, Flag
from runtime.errors import EngineError, PublishError

ATTEMPTS = 3
SPARE_SECONDS = 600.0
"""Compiling the spare's networks may take this long."""
PUBLISH_SECONDS = 600.0
"""Writing a result to a slow share may take this long."""
_DEFAULTS = AnalysisSettings()
_STROKES = (Call.IH.value, Call.IS.value)

log = logging.getLogger(__name__)


class Worker:
    """One process with engines, under a name that is its own on this box."""

    def __init__(
        self,
        name: str,
        setup: Setup,
        jobs: Jobs,
        spool: Spool,
        publication: Publication,
        analysis: AnalysisSettings = _DEFAULTS,
        notifier: Notifier = NOBODY,
        is_current: Callable[[], bool] = lambda: True,
        shares: Shares | None = None,
    ) -> None:
        self._name, self._notifier, self._is_current = name, notifier, is_current
        self._seconds, self._left = analysis.study_seconds, analysis.studies_per_worker
        self._setup, self._jobs, self._spool, self._publication = setup, jobs, spool, publication
        self._shares = shares or Shares({})
        self._excused: list[str] = []

    def recover(self) -> None:
        """What this worker was at when it ended waits again, unless its result was visible already."""
        self._jobs.give_back(self._name)

    @property
    def is_worn(self) -> bool:
        """Whether it has done as many studies as one process may, or other engines are active."""
        return self._left <= 0

    def steps(self, stop: Stop) -> Iterator[Callable[[], None]]:
        """One study a step, until none waits or the share of the results is away. First what the last round could not
        end is given back.

        PublishError where a study waits and its result could not be written. Where other engines have become active
        it is worn: the process ends, and the next one has those.
        """
        if self._is_outdated():
            return
        while self._excused:
            self._jobs.excuse(self._excused[-1])
            self._excused.pop()
        self._jobs.give_back(self._name)
        self._notifier.status("Waiting for studies.")
        while self._jobs.any_ready() and not self.is_worn:
            if not self._shares.answer(stop.check):
                self._notifier.status("Waiting for the share of results.")
                return
            self._publication.check()
            job = self._jobs.claim(self._name)
            if job is None:  # another worker was faster
                return
            yield partial(self._work, job, stop)
            if self._is_outdated():
                return

    def _is_outdated(self) -> bool:
        if self._is_current():
            return False
        log.info(
            "other engines are active: the worker ends, and starts again with them", extra=about("engines changed")
        )
        self._left = 0
        return True

    def _work(self, job: Job, stop: Stop) -> None:
        self._left -= 1
        self._notifier.status(f"Analysing a study, attempt {job.attempts}.")
        if job.attempts > 1:
            log.warning(
                "%s was begun before and is begun again: attempt %d",
                job.id,
                job.attempts,
                extra=about("begun again", job.id),
            )
        try:
            with deadline(self._seconds):
                self._bring_to_an_end(job, stop)
        except Stopped:
            self._jobs.excuse(job.id)
            self._jobs.give_back(self._name)
            raise
        except (PublishError, sqlite3.Error):
            self._excused.append(job.id)
            raise

    def _bring_to_an_end(self, job: Job, stop: Stop) -> None:
        if self._publication.was_published(job):
            self._spool.let_go(self._jobs.job(job.id))
            return
        if job.attempts > ATTEMPTS:
            outcome = self._aborted(job)
        else:
            outcome = self._analyse(job, stop)
        self._publication.audit.write(
            Event.ANALYSED,
            job.id,
            job.key or "",
            status=outcome.status.value,
            engines=outcome.engines.manifest_sha256 if outcome.engines else None,
            attempt=job.attempts,
        )
        with self._notifier.patience(PUBLISH_SECONDS):
            self._publication.publish(job, outcome)
        log.info("published %s: %s", job.id, outcome.status.value, extra=about("published", job.id))
        self._spool.let_go(self._jobs.job(job.id))

    def _analyse(self, job: Job, stop: Stop) -> Outcome:
        prepared = load_prepared(self._spool.folder(job.id) / PREPARED)
        earlier = self._earlier(job)
        prepared = replace(prepared, flags=prepared.flags + earlier)
        with self._setup_for(job) as setup:
            outcome = conclude(prepared, setup, lambda *_: stop.check())
        if outcome.status is Status.FAILED and outcome.engines and job.attempts < ATTEMPTS:
            raise EngineError("the engines failed; the study is tried again with new ones")
        if outcome.status is not Status.COMPLETED:  # there is nothing to compare
            outcome = replace(outcome, flags=tuple(flag for flag in outcome.flags if flag not in earlier))
        return outcome

    @contextmanager
    def _setup_for(self, job: Job) -> Iterator[Setup]:
        if job.attempts == 1 or self._setup.spare is None:
            yield self._setup
            return
        with ExitStack() as stack:
            with self._notifier.patience(SPARE_SECONDS):
                setup = stack.enter_context(self._setup.spare())
            yield setup

    def _earlier(self, job: Job) -> tuple[Flag, ...]:
        """What earlier results of the same study mean for this one."""
        earlier = self._jobs.earlier(job)
        if not earlier:
            return ()
        flags = (Flag(Code.EARLIER_RESULT, f"The earlier one: {earlier[0].folder}."),)
        called = next((one for one in earlier if one.call in _STROKES), None)
        return flags if called is None else (*flags, Flag(Code.EARLIER_CALL, f"It: {called.folder}."))

    def _aborted(self, job: Job) -> Outcome:
        """What can still be said of a study that no attempt has brought to an end: if that fails, too, its name."""
        reason = Reason(Code.ANALYSIS_ABORTED)
        prepared = Prepared.unread(clean_name(job.drop_name), job.key or "", reason)
        if job.attempts == ATTEMPTS + 1:
            try:
                prepared = load_prepared(self._spool.folder(job.id) / PREPARED)
            except (OSError, ValueError):
                pass  # then with what the job's row says
        return outcome_of(
            prepared,
            reason,
            now=self._setup.now(),
            software_version=self._setup.software_version,
            engines=self._setup.provenance,
            flags=self._setup.engine_flags + prepared.flags,
        )
