"""`strokebox serve`: puts the parts of intake and worker together from the settings, and runs the one or the other."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from importlib.metadata import version
from pathlib import Path

from appliance import shipped
from appliance.analyse import Request, running
from appliance.audit import NAME as AUDIT
from appliance.audit import Audit
from appliance.case import Setup
from appliance.disk import RESERVE_BYTES, Reserve, Room
from appliance.intake import Clocks, Intake
from appliance.jobs import Jobs
from appliance.lock import alone
from appliance.logs import about, log_to
from appliance.parsing import read_in_child
from appliance.publication import Publication
from appliance.role import run
from appliance.settings import Settings, load_settings
from appliance.spool import Spool
from appliance.stop import Stop, Stopped, stopping
from appliance.supervisor import Child, supervise
from appliance.wakeups import wakeups
from appliance.worker import Worker

WORKER_PAUSE_SECONDS = 0.5
"""How often the worker looks for the next study."""
DATABASE = "jobs.sqlite"

log = logging.getLogger(__name__)

MakeSetup = Callable[[Settings], AbstractContextManager[Setup]]


class RoleName(str, Enum):
    """The parts of the service, each a process."""

    INTAKE = "intake"
    WORKER = "worker"


def name_of(role: RoleName | None) -> str:
    """Of a role, or of the supervisor of both."""
    return role.value if role else "serve"


def lock_of(role: RoleName | None, state: Path) -> Path:
    """The file that the running process holds."""
    return state / f"{name_of(role)}.lock"


def shipped_engines(settings: Settings) -> AbstractContextManager[Setup]:
    """The engines that the package brings, on the device of the settings."""
    analysis = settings.analysis
    return running(
        Request(
            drop=Path(),
            out=Path(),
            device=analysis.device,
            on_gpu_loss=analysis.on_gpu_loss,
            state=settings.folders.state,
        )
    )


def serve(
    config: Path,
    role: RoleName | None,
    supervisor: int | None,
    *,
    make_setup: MakeSetup = shipped_engines,
    program: Sequence[str] = (sys.executable, "-m", "appliance"),
) -> None:
    """Run one role, or both as children of `program`, until SIGTERM or SIGINT. ConfigurationError, EngineError."""
    settings = load_settings(config)
    log_to(sys.stderr, name_of(role))
    started = time.monotonic()
    with stopping(supervisor, is_last=True) as stop:
        try:
            with alone(lock_of(role, settings.folders.state), stop):
                if supervisor is None:
                    _tell_start(settings)
                if role is None:
                    supervise(_children(config, program), stop)
                else:
                    _run(role, settings, stop, make_setup)
        except Stopped:
            pass
        if supervisor is None and stop.signalled:
            number, when = stop.signalled
            ran = timedelta(seconds=round(when - started))
            took = time.monotonic() - when
            log.info("stopped by %s in %.1f s, after %s", number.name, took, ran, extra=about("stopped"))


def _tell_start(settings: Settings) -> None:
    log.info(
        "strokebox %s starts: inbox %s, results %s, engines %s, device %s",
        version("strokebox"),
        settings.folders.inbox,
        settings.folders.results,
        shipped.in_words(),
        settings.analysis.device.value,
        extra=about("starting"),
    )


def _run(role: RoleName, settings: Settings, stop: Stop, make_setup: MakeSetup) -> None:
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
            intake = Intake(settings, jobs, spool, publication, clocks, read_in_child)
            stack.enter_context(wakeups(settings.folders.inbox, stop.wake))
            run(intake, stop, settings.intake.scan_seconds)
        else:
            setup = stack.enter_context(make_setup(settings))
            engines = setup.provenance
            what = engines.name, engines.version, engines.backend, engines.device
            log.info("ready: %s %s, %s, on %s", *what, extra=about("ready"))
            run(Worker(role.value, setup, jobs, spool, publication), stop, WORKER_PAUSE_SECONDS)


def _children(config: Path, program: Sequence[str]) -> list[Child]:
    """Each in a session of its own: a Ctrl-C at a terminal reaches the supervisor alone, which then ends them."""
    arguments = [*program, "serve", "--config", str(config), "--supervisor", str(os.getpid()), "--role"]
    nothing = subprocess.DEVNULL
    return [
        Child(role.value, partial(subprocess.Popen, [*arguments, role.value], stdin=nothing, start_new_session=True))
        for role in RoleName
    ]
