"""Why the worker runs others than the active engines: one sentence in the state folder, for status and metrics.

Only the worker knows: it chose when it started, and what is wrong with engines or keys may have changed since.
"""

from __future__ import annotations

import logging
from pathlib import Path

from appliance.logs import about
from runtime.whole_files import write_whole

FILE = "other-engines"

log = logging.getLogger(__name__)


def remember_fallback(state: Path, why: str) -> None:
    """`why` is empty where the active engines run. Where it can't be kept, the log says so: studies must go on."""
    try:
        if why:
            write_whole(state / FILE, f"{why}\n".encode())
        else:
            (state / FILE).unlink(missing_ok=True)
    except OSError as error:
        log.warning("which engines run can't be kept: %s", error.strerror, extra=about("not kept"))


def fallback(state: Path) -> str:
    """The sentence; empty where the active engines run, or no worker ever started."""
    try:
        return (state / FILE).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
