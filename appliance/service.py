"""`strokebox serve`: puts the parts of intake and worker together from the settings, and runs the one or the other."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from importlib.metadata import version
from pathlib import Path

from appliance.analyse import running_bundle
from appliance.audit import NAME as AUDIT
from appliance.audit import Audit
from appliance.cache import cache_folder
from appliance.case import Setup
from appliance.chosen_engines import chosen_bundle, in_words, switch_mark
from appliance.disk import RESERVE_BYTES, Reserve, Room
from appliance.fallback import remember_fallback
from appliance.intake import Clocks, Intake
from appliance.jobs import Jobs
from appliance.lock import alone, is_held
from appliance.logs import about, log_to
from appliance.notify import Notifier
from appliance.parsing import read_in_child
from appliance.program import program_of
from appliance.publication import Publication
from appliance.pulse import Pulse
from appliance.role import run
from appliance.settings import Settings, load_settings
from appliance.shares import Shares
from appliance.slots import BUILT
from appliance.spool import Spool
from appliance.stop import Stop, Stopped, stopping
from appliance.supervisor import Child, supervise
from appliance.wakeups import wakeups
from appliance.worker import Worker
from runtime.engines.loading import Wish, find_nvidia
from runtime.engines.on_gpu import Nvidia

WORKER_PAUSE_SECONDS = 0.5
"""How often the worker looks for the next study."""
DATABASE = "jobs.sqlite"

log = logging.getLogger(__name__)

MakeSetup = Callable[[Settings], AbstractContextManager[Setup]]


class RoleName(str, Enum):
    """The parts of the service, each a process."""

    INTAKE = "intake"
    WORKER = "worker"


SILENT_SECONDS = {RoleName.INTAKE: 180.0, RoleName.WORKER: 45.0}
"""So long a role may be without a sign of life; WatchdogSec of its unit is the same. A worker comes back within 60 s,
and an inbox on a slow share may take a while to look through.
"""
FOLDERS = {RoleName.INTAKE: ("inbox", "results", "state"), RoleName.WORKER: ("results", "state")}
"""What each role writes to."""


def name_of(role: RoleName | None) -> str:
    """Of a role, or of the supervisor of both."""
    return role.value if role else "serve"


def lock_of(role: RoleName | None, state: Path) -> Path:
    """The file that the running process holds."""
    return state / f"{name_of(role)}.lock"


def missing_roles(state: Path) -> list[RoleName]:
    """Those that no process runs, nor a supervisor, which would start them again. OSError."""
    if is_held(lock_of(None, state)):
        return []
    return [role for role in RoleName if not is_held(lock_of(role, state))]


def active_engines(settings: Settings, find: Callable[[], Nvidia] = find_nvidia) -> AbstractContextManager[Setup]:
    """The engines that are active on this box, on the device of the settings; `find` as in running_engines."""
    analysis = settings.analysis
    wish = Wish(
        analysis.device,
        analysis.on_gpu_loss,
        cache_folder(),
        settings.folders.state,
        shelf=settings.engines.folder / BUILT,
        build=settings.engines.build,
    )
    bundle = chosen_bundle(settings.engines, partial(remember_fallback, settings.folders.state))
    return running_bundle(bundle, wish, find=find)


def serve(
    config: Path,
    role: RoleName | None,
    supervisor: int | None,
    *,
    make_setup: MakeSetup = active_engines,
    program: Sequence[str] = program_of("appliance"),
) -> None:
    """Run one role, or both as children of `program`, until SIGTERM or SIGINT. ConfigurationError, EngineError."""
    settings = load_settings(config) if role is None else load_settings(config, FOLDERS[role])
    _close(settings.folders.state)
    log_to(sys.stderr, name_of(role))
    started = time.monotonic()
    notifier = Notifier(os.environ)
    with stopping(supervisor, notifier.alive, is_last=True) as stop:
        try:
            with alone(lock_of(role, settings.folders.state), stop):
                if supervisor is None:
                    _tell_start(settings)
                if role is None:
                    notifier.ready()
                    notifier.status("Keeping intake and worker up.")
                    supervise(_children(config, program), stop)
                else:
                    _run(role, settings, stop, make_setup, notifier)
        except Stopped:
            pass
        finally:
            notifier.stopping()
        if supervisor is None and stop.signalled:
            number, when = stop.signalled
            ran = timedelta(seconds=round(when - started))
            took = time.monotonic() - when
            log.info("stopped by %s in %.1f s, after %s", number.name, took, ran, extra=about("stopped"))


def _close(state: Path) -> None:
    """To everybody but its user and group: it holds patients' data, and may have been made by a plain `mkdir`."""
    with suppress(OSError):  # somebody else's, or on a disk that has no rights: `strokebox doctor` says it
        state.chmod(stat.S_IMODE(state.stat().st_mode) & ~0o007)


def _tell_start(settings: Settings) -> None:
    log.info(
        "strokebox %s starts: inbox %s, results %s, engines %s, device %s",
        version("strokebox"),
        settings.folders.inbox,
        settings.folders.results,
        in_words(settings.engines),
        settings.analysis.device.value,
        extra=about("starting"),
    )


def _run(role: RoleName, settings: Settings, stop: Stop, make_setup: MakeSetup, notifier: Notifier) -> None:
    notifier.status("Starting.")
    state = settings.folders.state
    with ExitStack() as stack:
        if Room.of(state).free < RESERVE_BYTES:
            Reserve(state).give_up()  # the database can't be opened without room
        jobs = Jobs(state / DATABASE)
        stack.callback(jobs.close)
        spool = Spool(state / "spool")
        audit = Audit(state / AUDIT, time.time)
        save_nifti = settings.analysis.save_nifti
        publication = Publication(settings.folders.results, jobs, audit, time.time, save_nifti=save_nifti)
        if role is RoleName.INTAKE:
            clocks = Clocks(time.monotonic, lambda: datetime.now().astimezone())
            intake = Intake(settings, jobs, spool, publication, clocks, read_in_child, notifier)
            stack.enter_context(wakeups(settings.folders.inbox, stop.wake))
            run(intake, stop, settings.intake.scan_seconds, notifier)
        else:
            mark = switch_mark(settings.engines)
            setup = stack.enter_context(make_setup(settings))
            engines = setup.provenance
            what = engines.name, engines.version, engines.backend, engines.device
            log.info("ready: %s %s, %s, on %s", *what, extra=about("ready"))
            worker = Worker(
                role.value,
                setup,
                jobs,
                spool,
                publication,
                settings.analysis,
                notifier,
                lambda: switch_mark(settings.engines) == mark,
                Shares({"results": settings.folders.results}, state),
            )
            run(worker, stop, WORKER_PAUSE_SECONDS, notifier)


def _children(config: Path, program: Sequence[str]) -> list[Child]:
    """Each in a session of its own: a Ctrl-C at a terminal reaches the supervisor alone, which then ends them."""
    arguments = [*program, "serve", "--config", str(config), "--supervisor", str(os.getpid()), "--role"]
    children = []
    for role in RoleName:
        pulse = Pulse(SILENT_SECONDS[role])
        start = partial(
            subprocess.Popen,
            [*arguments, role.value],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **pulse.environment},
        )
        children.append(Child(role.value, start, pulse))
    return children
