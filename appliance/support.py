"""The support bundle: a zip with what helps to find a fault, and no patient data.

Everything in it is made anew from named fields; no file is copied that could hold a name. Of the jobs there is what
became of each, without the names of drops and results, dates of scans and identifiers of studies; of the journal only
our own lines, which are JSON.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import distributions
from io import BytesIO
from pathlib import Path

from appliance.audit import NAME as AUDIT
from appliance.audit import Event
from appliance.jobs import Job, Jobs, State
from appliance.service import DATABASE
from appliance.settings import Settings
from runtime.errors import StrokeboxError
from runtime.whole_files import write_whole

JOB_FIELDS = (
    *("id", "key", "state", "received", "bytes", "cleared", "is_partial", "attempts", "worker", "outcome", "code"),
    *("call", "finished", "seconds", "stages", "engines"),
)
AUDIT_FIELDS = (
    *("time", "event", "job", "key", "status", "code", "call", "engines", "attempt", "files", "bytes", "what", "days"),
    *("instead", "before"),
)
LOG_FIELDS = ("time", "level", "role", "event", "job", "message")
LAST_LINES = 5000
_JOURNAL = ("journalctl", "--unit=strokebox*", "--output=cat", "--no-pager", f"--lines={LAST_LINES}")
_JOURNAL_SECONDS = 20


def journal() -> list[str]:
    """The service's last lines; none where there is no journal, or it doesn't answer."""
    try:
        done = subprocess.run(_JOURNAL, capture_output=True, text=True, errors="replace", timeout=_JOURNAL_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.splitlines()


def write_support_bundle(
    path: Path, settings: Settings, doctor: Sequence[str], read_journal: Callable[[], Iterable[str]] = journal
) -> None:
    """Write the zip. OSError."""
    state = settings.folders.state
    parts = {
        "doctor.txt": "".join(f"{line}\n" for line in doctor),
        "settings.json": settings.model_dump_json(indent=1),
        "versions.json": json.dumps(_versions(), indent=1),
        "jobs.jsonl": _jobs(state / DATABASE),
        "audit.jsonl": _audit(state),
        "engines.jsonl": _audit(settings.engines.folder),
        "log.jsonl": _named(read_journal(), LOG_FIELDS),
    }
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in parts.items():
            zipped.writestr(name, text)
    write_whole(path, content.getvalue())


def _audit(folder: Path) -> str:
    try:
        lines = (folder / AUDIT).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return _named(lines[-LAST_LINES:], AUDIT_FIELDS, {event.value for event in Event})


def _versions() -> dict[str, str]:
    packages = {one.metadata["Name"]: one.version for one in distributions()}
    return {"python": sys.version, "kernel": platform.release(), "machine": platform.machine(), **packages}


def _jobs(path: Path) -> str:
    if not path.exists():
        return ""
    try:
        jobs = Jobs.reading(path)
    except StrokeboxError as error:
        return f"{error}\n"
    try:
        rows = jobs.of(*State)
    finally:
        jobs.close()
    return "".join(f"{json.dumps(_row(job))}\n" for job in rows[-LAST_LINES:])


def _row(job: Job) -> dict[str, object]:
    return {name: getattr(job, name) for name in JOB_FIELDS}


def _named(lines: Iterable[str], fields: Sequence[str], events: set[str] | None = None) -> str:
    """Of lines that are JSON objects with an event, one of `events` if given, these fields."""
    kept = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "event" in entry and (events is None or entry["event"] in events):
            kept.append(json.dumps({name: entry[name] for name in fields if name in entry}))
    return "".join(f"{line}\n" for line in kept)
