"""The audit: what became of every study, one JSON line each, with the hash of the one before. Another such file beside
the engines, written by their user, says what became of them.

Lines are only ever added, and flushed to disk before whoever wrote them goes on. There is no patient data in them: jobs
go by id and key. A change or a gap shows, an end that was cut off does not; so compare the last hash with one that was
noted elsewhere (`strokebox audit verify` prints it). What was recorded just before a power cut may be recorded twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path

from appliance.acceptance import flush_folder
from runtime.errors import PublishError

NAME = "audit.jsonl"
FIRST = hashlib.sha256(b"").hexdigest()
"""What the first line has in place of the hash of one before."""
_TAIL_BYTES = 64 << 10
"""Longer than any line with the torn piece behind it."""


class Event(str, Enum):
    """What is recorded."""

    RECEIVED = "received"
    REJECTED = "rejected"
    ANALYSED = "analysed"
    PUBLISHED = "published"
    DELETED = "deleted"
    UPDATED = "updated"
    REFUSED = "engines refused"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found.

    lines: whole ones before the first that is broken, or all; torn: pieces that power cuts left
    last: the hash to note elsewhere; broken: the first line that was changed, and the one that shows it by what it says
    of the lines before
    """

    lines: int
    torn: int
    last: str
    broken: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What a line says of a published result. moment: seconds since 1970."""

    status: str
    code: str | None
    moment: float


class Audit:
    """One file; several processes of its user may write to it. mode: who may read it."""

    def __init__(self, path: Path, wall_clock: Callable[[], float], mode: int = 0o600) -> None:
        self._path, self._wall_clock, self._mode = path, wall_clock, mode

    def write(self, event: Event, job: str = "", key: str = "", **facts: str | float | None) -> None:
        """Add one line, durably. `facts` must name no patient, which names of drops and folders can. PublishError."""
        moment = datetime.fromtimestamp(self._wall_clock(), timezone.utc).isoformat(timespec="milliseconds")
        entry = {"time": moment, "event": event.value, "job": job, "key": key, **facts}
        try:
            self._append({name: value for name, value in entry.items() if value not in ("", None)})
        except OSError as error:
            raise PublishError(f"The audit can't be written: {error.strerror}.") from error

    def published(self) -> dict[str, Ended]:
        """By job, the results that became visible, as far as lines are whole. OSError."""
        found = {}
        for line in _lines(self._path):
            if _before(line) is None:
                continue
            entry = json.loads(line)
            try:
                if entry["event"] == Event.PUBLISHED.value:
                    moment = datetime.fromisoformat(entry["time"]).timestamp()
                    found[str(entry["job"])] = Ended(str(entry["status"]), entry.get("code"), moment)
            except (KeyError, TypeError, ValueError):
                continue  # somebody changed it, which `verify` names
        return found

    def _append(self, entry: dict[str, str | float | None]) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, self._mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            start = b""
            tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
            if tail and not tail.endswith(b"\n"):  # torn by a power cut or a full disk: it stays, and is hashed, too
                tail += b"\n"
                start = b"\n"
            line = start + json.dumps({**entry, "before": _hash_of_end(tail)}, ensure_ascii=True).encode() + b"\n"
            try:
                _write(descriptor, line)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)  # what was not acknowledged goes again
                raise
            if not size:
                flush_folder(self._path.parent)
        finally:
            os.close(descriptor)


def verify(path: Path) -> Verdict:
    """Look at every line. A missing file is an empty audit. OSError."""
    whole = torn = number = 0
    pending = hashlib.sha256()
    suspect, line = 1, b""
    for number, line in enumerate(_lines(path), start=1):
        before = _before(line)
        if before is None:
            suspect = number if suspect == number - 1 else suspect
            torn += 1
            pending.update(line)
            continue
        if before != pending.hexdigest():
            return Verdict(whole, torn, pending.hexdigest(), (suspect, number))
        whole, suspect = whole + 1, number
        pending = hashlib.sha256(line)
    if line.endswith(b"\n") and _before(line) is None:  # a piece without a line after it has no end
        return Verdict(whole, torn, pending.hexdigest(), (suspect, number))
    return Verdict(whole, torn, pending.hexdigest())


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except FileNotFoundError:
        return


def _before(line: bytes) -> str | None:
    """Of a whole line, what it says of the one before; None for a piece of one."""
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    before = entry.get("before") if isinstance(entry, dict) else None
    return before if isinstance(before, str) else None


def _hash_of_end(tail: bytes) -> str:
    """Of all from the last whole line on: a torn piece counts as part of the line before it."""
    lines = re.findall(rb"[^\n]*\n", tail)
    start = max((number for number, line in enumerate(lines) if _before(line) is not None), default=0)
    return hashlib.sha256(b"".join(lines[start:])).hexdigest()


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
