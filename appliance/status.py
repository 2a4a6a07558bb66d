"""`strokebox status`: what runs, what arrives and waits, what came out last, how much room there is. Reads only."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from appliance.chosen_engines import in_words
from appliance.drop import Limits, clean_name
from appliance.fallback import fallback
from appliance.inbox import scan
from appliance.jobs import Job, Jobs, State
from appliance.lock import holder, is_held
from appliance.service import DATABASE, RoleName, lock_of, missing_roles, name_of
from appliance.settings import Settings
from runtime.count import counted

LAST_RESULTS = 10


def status_lines(settings: Settings) -> Iterator[str]:
    """Lines for a terminal. They name drops, as the results folder does."""
    state = settings.folders.state
    for role in (None, *RoleName):
        yield f"{name_of(role):<9}{_running(lock_of(role, state))}"
    yield f"engines  {(words := in_words(settings.engines))}"
    if (why := fallback(state)) not in words:
        yield f"ENGINES  the worker still runs others; restart it: {why}"
    for name, folder in settings.folders:
        yield f"{name:<9}{_room(folder)}  {folder}"
    yield from _arriving(settings.folders.inbox)
    missing, most = missing_roles(state), settings.watch.no_progress_minutes
    if not (state / DATABASE).exists():
        yield f"health   {_health(missing, 0, 0.0, most)}"
        yield "no study was ever received"
        return
    jobs = Jobs.reading(state / DATABASE)
    try:
        if shortage := settings.disk_guard.shortage(jobs.largest()):
            yield f"PAUSED   the disk is almost full, new studies are left in the inbox: {shortage}"
        waiting = jobs.of(State.WORKING, State.READY, State.RECEIVED)
        yield f"health   {_health(missing, len(waiting), jobs.counts().stalled_seconds(time.time()) / 60, most)}"
        yield f"waiting  {len(waiting)}"
        yield from (f"  {job.state.value:<9} {_when(job.received)}  {clean_name(job.drop_name)}" for job in waiting)
        yield "last results"
        yield from (f"  {_end(job)}" for job in jobs.latest(LAST_RESULTS))
    finally:
        jobs.close()


def _health(missing: Sequence[RoleName], waiting: int, minutes: float, most: float) -> str:
    """What is wrong before what is right. minutes: for how long nothing has come out; most: so long is all right."""
    if len(missing) == len(RoleName):
        return "NOTHING RUNS: start the service"
    if missing:
        return f"NO {name_of(missing[0]).upper()} RUNS: start the service"
    if minutes > most:
        return f"NO PROGRESS for {minutes:.0f} minutes while studies wait"
    return "studies come out" if waiting else "nothing waits"


def _arriving(inbox: Path) -> Iterator[str]:
    """What still lies in the inbox: studies that are being copied, and those that the intake has not come to."""
    try:
        drops = scan(inbox, Limits())
    except OSError:
        return  # the inbox's own line says so
    yield f"arriving {len(drops)}"
    yield from (f"  {clean_name(drop.name)}, {counted(len(drop.entries), 'file')}" for drop in drops.values())


def _running(lock: Path) -> str:
    return f"running, pid {holder(lock) or 'unknown'}" if is_held(lock) else "not running"


def _room(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free / 1e9:.1f} GB free"
    except OSError as error:
        return f"out of reach: {error.strerror}"


def _end(job: Job) -> str:
    what = job.code or job.outcome or ""
    return f"{_when(job.finished or 0)}  {what:<18} {job.seconds or 0:6.1f} s  {job.folder or ''}"


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")
