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

from appliance.analyse import running_bundle
from appliance.cache import cache_folder
from appliance.case import Setup
from appliance.chosen_engines import chosen_bundle, in_words, switch_mark
from appliance.intake import Clocks, Intake
from appliance.jobs import Jobs
from appliance.lock import alone
from appliance.parsing import read_in_child
from appliance.publication import Publication
from appliance.role import run
from appliance.settings import Settings, load_settings
from appliance.slots import BUILT
from appliance.spool import Spool
from appliance.stop import Stop, Stopped, stopping
from appliance.supervisor import Child, supervise
from appliance.wakeups import wakeups
from appliance.worker import Worker
from runtime.engines.loading import Wish

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


def active_engines(settings: Settings) -> AbstractContextManager[Setup]:
    """The engines that are active on this box, on the device of the settings."""
    analysis, shelf = settings.analysis, settings.engines.folder / BUILT
    wish = Wish(analysis.device, analysis.on_gpu_loss, cache_folder(), settings.folders.state, shelf)
    return running_bundle(chosen_bundle(settings.engines), wish)


def serve(
    config: Path,
    role: RoleName | None,
    supervisor: int | None,
    *,
    make_setup: MakeSetup = active_engines,
    program: Sequence[str] = (sys.executable, "-m", "appliance"),
) -> None:
    """Run one role, or both as children of `program`, until SIGTERM or SIGINT. ConfigurationError, EngineError."""
    logging.basicConfig(level=logging.WARNING, format=f"%(asctime)s {name_of(role)} %(message)s")
    logging.getLogger("appliance").setLevel(logging.INFO)  # libraries' own would tell the letters of a patient's name
    settings = load_settings(config)
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
            log.info("stopped by %s in %.1f s, after %s", number.name, time.monotonic() - when, ran)


def _tell_start(settings: Settings) -> None:
    log.info(
        "strokebox %s starts: inbox %s, results %s, engines %s, device %s",
        version("strokebox"),
        settings.folders.inbox,
        settings.folders.results,
        in_words(settings.engines),
        settings.analysis.device.value,
    )


def _run(role: RoleName, settings: Settings, stop: Stop, make_setup: MakeSetup) -> None:
    state = settings.folders.state
    with ExitStack() as stack:
        jobs = Jobs(state / DATABASE)
        stack.callback(jobs.close)
        spool = Spool(state / "spool")
        publication = Publication(settings.folders.results, jobs, time.time, save_nifti=settings.analysis.save_nifti)
        if role is RoleName.INTAKE:
            clocks = Clocks(time.monotonic, lambda: datetime.now().astimezone())
            intake = Intake(settings, jobs, spool, publication, clocks, read_in_child)
            stack.enter_context(wakeups(settings.folders.inbox, stop.wake))
            run(intake, stop, settings.intake.scan_seconds)
        else:
            mark = switch_mark(settings.engines)
            setup = stack.enter_context(make_setup(settings))
            engines = setup.provenance
            log.info("ready: %s %s, %s, on %s", engines.name, engines.version, engines.backend, engines.device)
            worker = Worker(role.value, setup, jobs, spool, publication, lambda: switch_mark(settings.engines) == mark)
            run(worker, stop, WORKER_PAUSE_SECONDS)


def _children(config: Path, program: Sequence[str]) -> list[Child]:
    """Each in a session of its own: a Ctrl-C at a terminal reaches the supervisor alone, which then ends them."""
    arguments = [*program, "serve", "--config", str(config), "--supervisor", str(os.getpid()), "--role"]
    nothing = subprocess.DEVNULL
    return [
        Child(role.value, partial(subprocess.Popen, [*arguments, role.value], stdin=nothing, start_new_session=True))
        for role in RoleName
    ]
