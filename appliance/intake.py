"""The intake: takes drops over from the inbox, has them read, publishes rejections, keeps the notes.

Has no engines. Each drop and each job is a step of its own, so that one that fails does not hold up the others.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

from appliance.acceptance import Taken, Unfinished, Unreadable, clear, flush_folder, load_taken, take
from appliance.audit import Event
from appliance.case import outcome_of
from appliance.disk import Reserve
from appliance.drop import Limits, clean_name
from appliance.fallback import fallback
from appliance.inbox import Drop, Drops, scan
from appliance.jobs import INTAKE, Job, Jobs, State
from appliance.logs import about
from appliance.metrics import Sight, metrics, rooms, write_metrics
from appliance.notes import notes, write_notes
from appliance.notify import NOBODY, Notifier
from appliance.orphans import take_up
from appliance.outcome import Reason
from appliance.prepared import Prepared
from appliance.publication import Publication
from appliance.readiness import Readiness, Ready
from appliance.settings import Settings
from appliance.shares import Shares
from appliance.spool import Spool
from appliance.stop import Stop, Stopped
from runtime.codes import Code
from runtime.count import counted
from runtime.errors import ConfigurationError, PublishError

ID_BYTES = 8
NOTED = timedelta(hours=24)
"""How long the note of a study that was received before stays."""
ATTEMPTS = 3
"""Of reading a drop and publishing its rejection; then the rejection comes with the drop's name alone, and where that
does not end it either, without reading the drop once more.
"""
INTERRUPTIONS = 7
"""So many attempts that other processes began, which ended since, are forgiven: a power cut is no fault of the drop.
Beyond them each counts, for the drop may be what ends the process.
"""
METRICS_SECONDS = 15.0
"""As often as metrics are written, unless reading a study takes longer."""
LATEST = 9
"""Results that the expected duration is taken from."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """monotonic: seconds that decide; now: local time, for people and for the age of a study."""

    monotonic: Callable[[], float]
    now: Callable[[], datetime]


Parse = Callable[[Path, float, Callable[[], None]], Prepared]


class Intake:
    """One process's intake. `parse` reads a folder of the spool (appliance/parsing.py).

    Its ConfigurationError says that the box could not, whatever was dropped; any other error counts against the drop.
    """

    is_worn = False
    """Its memory is that of its reading children."""

    def __init__(
        self,
        settings: Settings,
        jobs: Jobs,
        spool: Spool,
        publication: Publication,
        clocks: Clocks,
        parse: Parse,
        notifier: Notifier = NOBODY,
        shares: Shares | None = None,
    ) -> None:
        self._inbox, self._results = settings.folders.inbox, settings.folders.results
        self._reader_seconds = settings.intake.reader_seconds
        self._limits = Limits()
        self._readiness = Readiness(settings.intake.quiet_seconds, settings.intake.longest_wait_seconds)
        self._jobs, self._spool, self._publication, self._clocks = jobs, spool, publication, clocks
        self._parse, self._notifier = parse, notifier
        self._left: dict[str, tuple[str, Taken]] = {}
        """By name, the job and what it took, where not all of that could be removed from the inbox."""
        self._seen: Drops = {}
        """At the last look."""
        self._disk = settings.disk_guard
        self._folders, self._state = dict(settings.folders), settings.folders.state
        self._shares = shares or Shares(self._folders, self._state)
        self._watch, self._next_metrics = settings.watch, float("-inf")
        self._is_paused = False
        """No drop is taken for want of room."""
        self._held: dict[str, int] = {}
        """By name, bytes of the drops that wait for room: all, or one that is too large for what there is."""
        self._shortage = ""
        """What room is missing, in words, for either reason."""
        self._is_recovered = False
        self._begun: Counter[str] = Counter()
        """By job, the attempts at reading it that this process has begun."""

    def recover(self) -> None:
        """After any interruption, also with a new database: take up what no job knows, forget what was not begun,
        finish removing what was taken over.
        """
        self._is_recovered = False
        taken_up = take_up(self._jobs, self._spool, self._publication.audit, self._clocks.now().timestamp())
        unfinished = self._jobs.of(State.RECEIVED, State.READY, State.WORKING)
        self._spool.keep_only({job.id for job in [*unfinished, *self._jobs.failed()]} | taken_up.unreadable)
        for job in self._jobs.uncleared():
            if self._spool.folder(job.id).exists():
                try:
                    self._clear(job.id, load_taken(self._spool.folder(job.id)))
                except (OSError, ValueError) as error:
                    log.warning(
                        "the drop of %s can't be removed now: %s",
                        job.id,
                        type(error).__name__,
                        extra=about("not cleared", job.id),
                    )
        self._is_recovered = True

    def steps(self, stop: Stop) -> Iterator[Callable[[], None]]:
        """What there is to do now, one drop or job a step. Before each reading the inbox is looked at and the notes are
        written: reading can take minutes, and what arrives meanwhile may be more urgent. What was begun often comes
        last: should it be what ends the process, the others are read before. Nothing is done while a share is away.
        """
        if self._are_shares_away(stop):
            return
        if not self._is_recovered:  # an error kept it from that; what nobody knows of must not wait for a restart
            yield self.recover
            if not self._is_recovered:
                return
        yield self._give_back
        tried: set[str] = set()
        while True:
            found: list[Ready] = []
            yield partial(self._look, found)
            yield self._clear_rest
            for ready in found:
                yield partial(self._take, ready, stop)
            yield self._write_notes
            yield self._write_metrics
            untried = [job for job in self._jobs.of(State.RECEIVED) if job.id not in tried]
            job = min(untried, key=lambda job: job.attempts >= ATTEMPTS, default=None)
            if job is None:
                return
            tried.add(job.id)
            yield partial(self._read, job, stop)
            if self._are_shares_away(stop):
                return

    def _are_shares_away(self, stop: Stop) -> bool:
        if self._shares.answer(stop.check):
            return False
        self._notifier.status(f"Waiting for the share of {', '.join(self._shares.away)}.")
        self._write_metrics()
        return True

    def _look(self, found: list[Ready]) -> None:
        self._notifier.status("Watching the inbox.")
        drops = self._seen = scan(self._inbox, self._limits)
        found.extend(self._readiness.look(drops, self._clocks.monotonic()))
        self._held = {name: size for name, size in self._held.items() if name in drops}
        before, self._is_paused = self._shortage, bool(self._disk.shortage(self._jobs.largest()))
        self._shortage = self._disk.shortage(max([self._jobs.largest(), *self._held.values()]))
        if self._shortage and not before:
            log.warning("studies are left in the inbox: %s", self._shortage, extra=about("disk full"))
        elif before and not self._shortage:
            log.info("there is room again: studies are taken", extra=about("disk has room"))
        if not self._shortage:
            Reserve(self._state).keep()

    def _give_back(self) -> None:
        """What an error or the end of the process kept from being published is refused, or read, again."""
        for job in self._jobs.of(State.WORKING):
            if job.worker != INTAKE:
                continue
            if self._publication.was_published(job):
                self._spool.let_go(self._jobs.job(job.id))
            elif self._spool.folder(job.id).exists():
                self._jobs.unread(job.id)
            else:
                self._publication.discard(job)
                self._jobs.forget(job.id)  # the drop is still in the inbox
        for ended in self._begun.keys() - {job.id for job in self._jobs.of(State.RECEIVED)}:
            del self._begun[ended]

    def _take(self, ready: Ready, stop: Stop) -> None:
        drop = ready.drop
        self._readiness.wait_again(drop.name, self._clocks.monotonic())
        if drop.refusal:
            self._refuse(drop, drop.refusal)
            self._readiness.forget(drop.name)
            return
        left = self._left.get(drop.name)
        if left and {source.entry for source in left[1].sources}.issuperset(drop.entries):
            self._readiness.forget(drop.name)
            self._clear(*left)
            return
        size = sum(entry.size for entry in drop.entries)
        if self._is_paused or self._disk.shortage(size):
            self._held[drop.name] = size
            return
        self._held.pop(drop.name, None)
        self._notifier.status("Taking a drop over.")
        job = secrets.token_hex(ID_BYTES)
        unfinished = self._spool.unfinished(job)
        try:
            taken = take(self._inbox, drop, unfinished, is_partial=ready.is_partial, check=stop.check)
            unfinished.rename(self._spool.folder(job))
            flush_folder(unfinished.parent)
            size = sum(source.entry.size for source in taken.sources)
            self._publication.audit.write(Event.RECEIVED, job, files=len(taken.sources), bytes=size)
            self._jobs.receive(job, drop.shown_name, self._clocks.now().timestamp(), size)
        except Unfinished:
            self._spool.remove(job)
            log.info("drop still changing, looked at again later", extra=about("changing"))
            self._readiness.wait_again(drop.name, self._clocks.monotonic(), is_unfinished=True)
            if ready.is_partial:  # nothing of it holds still, and somebody must know
                self._refuse(drop.changing, Code.UNREADABLE)
                self._readiness.forget(drop.name)
            return
        except Unreadable:
            self._spool.remove(job)
            self._refuse(drop, Code.UNREADABLE)
            self._readiness.forget(drop.name)
            return
        except BaseException:
            self._spool.remove(job)
            raise
        files = counted(len(taken.sources), "file")
        log.info("received %s: %s, %d bytes", job, files, size, extra=about("received", job))
        self._readiness.forget(drop.name)
        self._clear(job, taken)

    def _clear(self, job: str, taken: Taken) -> None:
        """What can't be removed is remembered, and not taken again while it is as it was."""
        before = self._left.get(taken.name)
        self._left[taken.name] = job, taken
        if count := clear(self._inbox, taken):
            if before is None or before[0] != job:
                files = counted(count, "file")
                log.warning("%s: not removed from the inbox: %s", job, files, extra=about("not cleared", job))
            return
        del self._left[taken.name]
        self._jobs.cleared(job)

    def _clear_rest(self) -> None:
        """Of what was taken, the empty folders that could not be removed; and what somebody else has removed since."""
        for name, left in list(self._left.items()):
            if name not in self._seen or not (self._seen[name].entries or self._seen[name].refusal):
                self._clear(*left)

    def _read(self, job: Job, stop: Stop) -> None:
        if self._publication.was_published(job):
            self._spool.let_go(self._jobs.job(job.id))
            return
        self._notifier.status("Reading a study.")
        begun_ever = self._jobs.begin(job.id)
        self._begun[job.id] += 1
        try:
            self._bring_to_an_end(job, max(self._begun[job.id], begun_ever - INTERRUPTIONS), stop)
        except (Stopped, PublishError, ConfigurationError, sqlite3.Error):
            self._begun[job.id] -= 1
            self._jobs.excuse(job.id)
            raise

    def _bring_to_an_end(self, job: Job, attempts: int, stop: Stop) -> None:
        if attempts > ATTEMPTS + 1:
            key = job.key or hashlib.sha256(job.id.encode()).hexdigest()
            prepared = Prepared.unread(clean_name(job.drop_name), key, Reason(Code.READER_FAILED))
        else:
            prepared = self._parse(self._spool.folder(job.id), self._reader_seconds, stop.check)
        is_failed = prepared.reason is not None and prepared.reason.code is Code.READER_FAILED
        if is_failed and attempts < ATTEMPTS and prepared.seconds < self._reader_seconds:
            log.warning("reading %s failed; it is read again", job.id, extra=about("reading failed", job.id))
            return
        is_partial = any(flag.code is Code.PARTIAL for flag in prepared.flags)
        known = self._jobs.with_key(prepared.key, job.id, is_partial=is_partial)
        if first := next(filter(self._publication.is_visible, known), None):
            self._jobs.repeat(job.id, prepared.key, first.id)
            self._spool.remove(job.id)
            log.info("read %s: the same study as %s", job.id, first.id, extra=about("known", job.id))
            return
        study = prepared.study
        scanned = f"{study.date or ''} {study.time or ''}".strip() if study else ""
        study_uid = study.uid if study else ""
        if prepared.reason is None:
            self._jobs.read(job.id, prepared.key, scanned, study_uid, is_partial=is_partial)
            log.info("read %s: ready", job.id, extra=about("read", job.id))
            return
        self._jobs.read(job.id, prepared.key, scanned, study_uid, INTAKE, is_partial=is_partial)
        self._publication.audit.write(Event.REJECTED, job.id, prepared.key, code=prepared.reason.code.name)
        log.info("read %s: %s", job.id, prepared.reason.code.name, extra=about("rejected", job.id))
        if attempts > ATTEMPTS:
            prepared = Prepared.unread(clean_name(job.drop_name), prepared.key, prepared.reason)
        self._publish(self._jobs.job(job.id), prepared)
        self._spool.let_go(self._jobs.job(job.id))

    def _refuse(self, drop: Drop, code: Code) -> None:
        """Say once why a drop stays where it is."""
        seen = hashlib.sha256(repr((drop.name, drop.refusal, drop.entries, drop.top)).encode(errors="surrogateescape"))
        if self._jobs.with_key(seen.hexdigest()):
            return
        job = secrets.token_hex(ID_BYTES)
        self._jobs.refuse(job, drop.shown_name, self._clocks.now().timestamp(), seen.hexdigest())
        self._publication.audit.write(Event.REJECTED, job, seen.hexdigest(), code=code.name)
        log.info("refused %s: %s", job, code.name, extra=about("refused", job))
        reason = Reason(code, "The drop was left in the inbox.")
        self._publish(self._jobs.job(job), Prepared.unread(clean_name(drop.name), seen.hexdigest(), reason))

    def _publish(self, job: Job, prepared: Prepared) -> None:
        outcome = outcome_of(prepared, prepared.reason, now=self._clocks.now(), software_version=version("strokebox"))
        self._publication.publish(job, outcome)

    def _write_notes(self) -> None:
        oldest = (self._clocks.now() - NOTED).timestamp()
        repeated = [(job, self._jobs.job(job.first)) for job in self._jobs.repeated(oldest) if job.first]
        waiting = sorted(
            self._jobs.of(State.WORKING, State.READY, State.RECEIVED), key=lambda job: job.state is not State.WORKING
        )
        seconds = [job.seconds for job in self._jobs.latest(LATEST) if job.seconds and job.outcome == "completed"]
        reserve = Reserve.beside(self._results, self._state)
        if not self._shortage:
            reserve.keep()
        write_notes(self._results, notes(waiting, repeated, seconds, self._shortage), reserve)

    def _write_metrics(self) -> None:
        folder, now = self._watch.metrics, self._clocks.monotonic()
        if folder is None or now < self._next_metrics:
            return
        self._next_metrics = now + METRICS_SECONDS
        sight = Sight(
            now=self._clocks.now().timestamp(),
            software=version("strokebox"),
            counts=self._jobs.counts(),
            shortage=self._shortage,
            rooms=rooms({name: path for name, path in self._folders.items() if name not in self._shares.away}),
            away=self._shares.away,
            stalled_after_seconds=60 * self._watch.no_progress_minutes,
            is_fallback=bool(fallback(self._state)),
        )
        write_metrics(folder, metrics(sight))
