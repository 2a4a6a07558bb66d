"""What the service says on standard error: JSON lines for a journal, plain ones for a terminal; no patient data.

Our own words name jobs by their ids. What libraries say is not shown, for it can quote what they read; only that one of
them spoke, and where. The same goes for errors that nobody caught.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import traceback
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import TextIO

_OURS = ("appliance", "runtime")
_log = logging.getLogger(__name__)


def about(event: str, job: str = "") -> dict[str, str]:
    """For `extra=`: the event's code, and the id of the job that it is about."""
    return {"event": event, "job": job}


class _Words(logging.Filter):
    """Leaves of others' records where they come from."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] not in _OURS:
            record.msg, record.args = f"{record.name} had something to say, at {record.module}:{record.lineno}", ()
            vars(record).update(event="library", job="")
        record.exc_info = record.exc_text = record.stack_info = None
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, role, event, job (where there is one), message."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        entry = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "role": self._role,
            "event": getattr(record, "event", record.name),
            "job": getattr(record, "job", ""),
            "message": record.getMessage(),
        }
        return json.dumps({name: value for name, value in entry.items() if value}, ensure_ascii=True)


def log_to(stream: TextIO, role: str) -> None:
    """Everything that is logged from now on, ours from INFO and others' from WARNING on, and what nobody caught."""
    handler = logging.StreamHandler(stream)
    plain = logging.Formatter(f"%(asctime)s {role} %(message)s")
    handler.setFormatter(plain if stream.isatty() else JsonLines(role))
    handler.addFilter(_Words())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.raiseExceptions = False  # a log that can't be written must end nothing
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda error: _uncaught(error.exc_type, error.exc_value, error.exc_traceback)


def _uncaught(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    if error is not None:
        _log.critical("ended by %s", told(error), extra=about("uncaught"))


def told(error: BaseException) -> str:
    """What kind of error it is and where it was raised: what its message says may name a patient."""
    number = f" {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}{number} at {where}"
