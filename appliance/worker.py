"""The worker: takes prepared studies in turn through the engines and publishes what comes of them.

A study that ends its worker three times is published as not analysed, and the next ones go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial

from appliance.case import Setup, conclude, outcome_of
from appliance.drop import clean_name
from appliance.jobs import Job, Jobs
from appliance.outcome import Outcome, Reason, Status
from appliance.prepared import Prepared
from appliance.prepared_files import load_prepared
from appliance.publication import Publication
from appliance.reader_child import PREPARED
from appliance.spool import Spool
from appliance.stop import Stop, Stopped
from runtime.codes import Code
from runtime.errors import EngineError

ATTEMPTS = 3

log = logging.getLogger(__name__)


class Worker:
    """One process with engines, under a name that is its own on this box."""

    def __init__(self, name: str, setup: Setup, jobs: Jobs, spool: Spool, publication: Publication) -> None:
        self._name = name
        self._setup, self._jobs, self._spool, self._publication = setup, jobs, spool, publication

    def recover(self) -> None:
        """What this worker was at when it ended waits again, unless its result was visible already."""
        self._jobs.give_back(self._name, counts=True)

    def steps(self, stop: Stop) -> Iterator[Callable[[], None]]:
        """One study a step, until none waits."""
        while job := self._jobs.claim(self._name):
            yield partial(self._work, job, stop)

    def _work(self, job: Job, stop: Stop) -> None:
        if self._publication.was_published(job):
            self._spool.remove(job.id)
            return
        if job.attempts > ATTEMPTS:
            outcome = self._aborted(job)
        else:
            try:
                outcome = self._analyse(job, stop)
            except Stopped:
                self._jobs.give_back(self._name, counts=False)
                raise
            except BaseException:
                self._jobs.give_back(self._name, counts=True)
                raise
        self._publication.publish(job, outcome)
        log.info("published %s: %s", job.id, outcome.status.value)
        self._spool.remove(job.id)

    def _analyse(self, job: Job, stop: Stop) -> Outcome:
        prepared = load_prepared(self._spool.folder(job.id) / PREPARED)
        outcome = conclude(prepared, self._setup, lambda *_: stop.check())
        if outcome.status is Status.FAILED and outcome.engines and job.attempts < ATTEMPTS:
            raise EngineError("the engines failed; the study is tried again with new ones")
        return outcome

    def _aborted(self, job: Job) -> Outcome:
        """What can still be said of a study that no attempt has brought to an end."""
        reason = Reason(Code.ANALYSIS_ABORTED)
        try:
            prepared = load_prepared(self._spool.folder(job.id) / PREPARED)
        except (OSError, ValueError):
            prepared = Prepared.unread(clean_name(job.drop_name), job.key or "", reason)
        return outcome_of(
            prepared,
            reason,
            now=self._setup.now(),
            software_version=self._setup.software_version,
            engines=self._setup.provenance,
            flags=self._setup.engine_flags + prepared.flags,
        )
