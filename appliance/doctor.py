"""`strokebox doctor`: is this box set up right? One line for each thing looked at, and what to do where it isn't.

Looks, and changes nothing, also beside the service. Run it as the service's user, whose rights and plans count.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.audit import NAME as AUDIT
from appliance.audit import verify
from appliance.cache import cache_folder
from appliance.chosen_engines import active_bundle
from appliance.jobs import Jobs
from appliance.metrics import rooms
from appliance.mounts import MOUNTINFO, NETWORK, file_system
from appliance.service import DATABASE, RoleName, missing_roles, name_of
from appliance.settings import Engines, Settings, misplaced
from appliance.slots import BUILT
from appliance.trust import load_trust
from runtime.bundle import Bundle
from runtime.engines.bundle_plans import Target
from runtime.engines.gpu import Gpu, find_gpu
from runtime.engines.loading import Device
from runtime.engines.memory_plan import bundle_memory
from runtime.engines.plans import Plans
from runtime.engines.vendor import TensorRt, find_tensorrt
from runtime.errors import StrokeboxError

MADE = datetime(2026, 1, 1).astimezone()
"""No box's clock can be before this software was made."""
AS_SERVICE = "sudo -u strokebox XDG_CACHE_HOME=/var/cache"
"""Before a command: it runs as the installed service does, whose plans lie in that cache."""
_TIME_ERROR = 5
"""adjtimex(2): the clock is not kept right by anything."""
_TIMEX_BYTES = 512
"""More than struct timex takes."""


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was seen, and what to do about it: '' where it is right."""

    name: str
    seen: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{'ok' if not self.advice else 'WRONG':<6}{self.name:<10}{self.seen}" + (
            f" -> {self.advice}" if self.advice else ""
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of the machine; tests have others. config: where its settings were read."""

    now: Callable[[], datetime]
    is_clock_kept: Callable[[], bool]
    gpu: Callable[[], Gpu] = find_gpu
    tensorrt: Callable[[], TensorRt] = find_tensorrt
    plans: Plans | None = None
    config: Path = Path("/etc/strokebox/strokebox.toml")
    user: Callable[[], int] = os.geteuid


def is_clock_kept() -> bool:
    """Whether something such as NTP keeps the clock right, as the kernel was told."""
    return bool(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) != _TIME_ERROR)


def checks(settings: Settings, machine: Machine) -> Iterator[Check]:
    """All of them, in the order in which they are best mended."""
    yield from _user(settings.folders.state, machine.user())
    yield from _settings(settings)
    for name, folder in settings.folders:
        yield _folder(name, folder)
    yield _private(settings.folders.state)
    yield _service(settings.folders.state)
    if settings.watch.metrics is not None:
        yield _folder("metrics", settings.watch.metrics)
    database = _database(settings.folders.state / DATABASE)
    yield database
    yield _disk(settings, is_readable=not database.advice)
    yield _audit("audit", settings.folders.state / AUDIT)
    yield _audit("updates", settings.engines.folder / AUDIT)
    yield from _brought(settings.engines)
    yield _clock(machine)
    yield from _engines(settings, machine)


def _user(state: Path, user: int) -> Iterator[Check]:
    """Others than the service's user see other rights than it has, root above all; none where there is no folder."""
    try:
        owner = state.stat().st_uid
    except OSError:
        return  # `_folder` says it
    if user == owner:
        yield Check("user", f"{_name(user)}, who owns {state}")
    else:
        seen = f"{_name(user)}, but {state} is {_name(owner)}'s: what follows is not what the service sees"
        yield Check("user", seen, f"sudo -u {_name(owner)} strokebox doctor ...")


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"'#{user}'"  # as sudo takes it


def _settings(settings: Settings) -> Iterator[Check]:
    """What the service itself would refuse when it starts. That it can write, `_folder` tries."""
    try:
        wrong = misplaced(settings)
    except OSError as error:
        yield Check("settings", f"{error.filename}: {error.strerror}", "Let the service's user see it.")
        return
    for line in wrong:
        yield Check("settings", line, "Mend the settings; `strokebox serve` doesn't start with them.")
    if not wrong:
        yield Check("settings", "every folder has a place of its own")


def _folder(name: str, folder: Path) -> Check:
    kind = file_system(folder.resolve(), MOUNTINFO.read_text())
    where = f"{folder} ({kind or 'unknown file system'}{', a share' if kind in NETWORK else ''})"
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileNotFoundError:
        return Check(name, f"{where} is not there", "Make it, or mount the share.")
    except OSError as error:
        return Check(name, f"{where}: {error.strerror}", "Let the service's user write to it.")
    return Check(name, where)


def _private(state: Path) -> Check:
    try:
        mode = stat.S_IMODE(state.stat().st_mode)
    except OSError as error:
        return Check("rights", f"{state}: {error.strerror}", "Make it.")
    if mode & 0o007:
        return Check("rights", f"{state} is open to everybody ({mode:03o})", f"chmod 700 {state}")
    return Check("rights", f"{state} is closed to others ({mode:03o})")


def _service(state: Path) -> Check:
    try:
        missing = missing_roles(state)
    except OSError as error:
        return Check("service", f"{state}: {error.strerror}", "Let the service's user read it.")
    if missing:
        seen = "nothing runs" if len(missing) == len(RoleName) else f"no {name_of(missing[0])} runs"
        return Check("service", seen, "Start it: systemctl start strokebox.target, or `strokebox serve`.")
    return Check("service", "runs")


def _database(path: Path) -> Check:
    try:
        path.stat()
        jobs = Jobs.reading(path)
        jobs.close()
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            answer = database.execute("PRAGMA quick_check").fetchone()[0]
    except FileNotFoundError:
        return Check("database", "none yet")
    except OSError as error:
        return Check("database", f"{path}: {error.strerror}", "Let the service's user read it.")
    except (StrokeboxError, sqlite3.Error) as error:
        return Check("database", f"{error}", "See 'Backup' in docs/it.md.")
    if answer != "ok":
        return Check("database", "damaged", "Stop the service and restore a backup: docs/it.md.")
    return Check("database", "whole")


def _disk(settings: Settings, *, is_readable: bool) -> Check:
    largest, path = 0, settings.folders.state / DATABASE
    if is_readable and path.exists():
        jobs = Jobs.reading(path)
        largest = jobs.largest()
        jobs.close()
    shortage = settings.disk_guard.shortage(largest)
    if shortage:
        return Check("disk", shortage, "Make room, or let `strokebox retention` delete old results.")
    found = rooms(dict(settings.folders))
    return Check("disk", ", ".join(f"{name} {room.free / 1e9:.1f} GB free" for name, room in found.items()))


def _audit(name: str, path: Path) -> Check:
    try:
        verdict = verify(path)
    except OSError as error:
        return Check(name, f"{error.strerror}", "Let the service's user read it.")
    if verdict.broken:
        return Check(name, f"line {verdict.broken[0]} was changed", "Keep the file and ask who changed it.")
    return Check(name, f"{verdict.lines} lines, whole")


def _brought(engines: Engines) -> Iterator[Check]:
    """Where engines come from, and whose are trusted. The service's user need not write there."""
    folder = engines.incoming
    if "incoming" in engines.model_fields_set:
        try:
            is_there = folder.is_dir()
        except OSError as error:
            yield Check("incoming", f"{folder}: {error.strerror}", "Let the service's user see it.")
        else:
            advice = "" if is_there else "Make it, or mount the share: new engines are taken from it."
            yield Check("incoming", f"{folder}{'' if is_there else ' is not there'}", advice)
    yield _keys(engines)


def _clock(machine: Machine) -> Check:
    now = machine.now()
    seen = now.isoformat(timespec="seconds", sep=" ")
    if now < MADE:
        return Check("clock", seen, "Set the clock; scans look older or newer than they are.")
    if not machine.is_clock_kept():
        return Check("clock", f"{seen}, kept right by nothing", "Switch on NTP (timedatectl set-ntp true).")
    return Check("clock", f"{seen}, kept right")


def _engines(settings: Settings, machine: Machine) -> Iterator[Check]:
    bundle: Bundle | None = None
    try:
        bundle = active_bundle(settings.engines)
    except StrokeboxError as error:
        yield Check("engines", str(error), "Others are run, or none: see 'New engines' in docs/it.md.")
    else:
        manifest = bundle.manifest
        seen = f"{manifest.name} {manifest.version}, {len(manifest.models)} models, {bundle.manifest_sha256[:12]}"
        yield Check("engines", seen)
    if settings.analysis.device is Device.CPU:
        yield Check("driver", "no GPU is asked for")
        return
    must = settings.analysis.device is Device.GPU
    try:
        gpu = machine.gpu()
        yield Check("driver", f"{gpu}, driver {gpu.driver}, CUDA {gpu.cuda}, {gpu.memory / 1e9:.1f} GB")
    except StrokeboxError as error:
        yield _missing("driver", error, must)
        return
    try:
        tensorrt = machine.tensorrt()
        yield Check("TensorRT", str(tensorrt))
    except StrokeboxError as error:
        yield _missing("TensorRT", error, must)
        return
    if bundle is not None:
        plans = machine.plans or Plans.within(cache_folder(), settings.engines.folder / BUILT, settings.engines.build)
        yield from _plans(bundle, gpu, tensorrt, plans, machine.config)


def _keys(engines: Engines) -> Check:
    folder = engines.trusted_keys
    try:
        if "trusted_keys" in engines.model_fields_set and not folder.exists():
            return Check("keys", f"{folder} is not there", "Make it, for root to put the publishers' keys into.")
        trust = load_trust(folder)
    except (StrokeboxError, OSError) as error:
        return Check("keys", str(error), "Let the service's user read it.")
    return Check("keys", ", ".join(sorted(trust.keys)) or "none trusted", " ".join(trust.ignored.values()))


def _missing(name: str, error: StrokeboxError, must: bool) -> Check:
    return Check(name, str(error), "See docs/it.md.") if must else Check(name, f"{error} The CPU is used.")


def _plans(bundle: Bundle, gpu: Gpu, tensorrt: TensorRt, plans: Plans, config: Path) -> Iterator[Check]:
    options = plans.options(gpu)
    target = Target.this_machine(tensorrt, options, gpu)
    profiles, files = bundle.manifest.profiles, bundle.manifest.files
    keys = [target.key(files[file][0], profiles[plane]) for file, plane in bundle.manifest.models]
    built, total = sum(plans.get(key) is not None for key in keys), len(keys)
    line = f"{AS_SERVICE} {Path(sys.executable).with_name('strokebox')} engines build --config {config}"
    advice = "" if built == total else f"Run `{line}`; else the first study waits for it."
    yield Check("plans", f"{built} of {total} built in {plans.folder}", advice)
    try:
        memory = bundle_memory(bundle, options.workspace_mib)
    except StrokeboxError as error:
        yield Check("memory", str(error), "Install the engines again.")
        return
    is_small = memory.total > gpu.memory
    yield Check("memory", str(memory), "It may not fit; smaller batches are tried." if is_small else "")
