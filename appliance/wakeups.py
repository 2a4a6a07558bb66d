"""New files in the inbox cut the sleep between two looks short. Nothing else depends on it: the look is the truth."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from watchdog.events import FileClosedEvent, FileCreatedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from appliance.logs import about
from appliance.mounts import is_network

log = logging.getLogger(__name__)
_ARRIVALS = (FileCreatedEvent, FileMovedEvent, FileClosedEvent)
"""Not the opening and reading of files, which looking at the inbox does itself."""


class _Wake(FileSystemEventHandler):
    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if isinstance(event, _ARRIVALS):
            self._wake()


@contextmanager
def wakeups(inbox: Path, wake: Callable[[], None]) -> Iterator[None]:
    """Call `wake`, from another thread, when files arrive; on shares, and where events are not to be had, never."""
    if is_network(inbox):
        log.info("the inbox is on a network share: it is looked at in turn, without events", extra=about("polling"))
        yield
        return
    observer = Observer()
    observer.schedule(_Wake(wake), str(inbox), recursive=True)
    try:
        observer.start()
    except OSError as error:
        log.warning("no events from the inbox (%s): it is looked at in turn", error.strerror, extra=about("polling"))
        yield
        return
    try:
        yield
    finally:
        observer.stop()
        observer.join()
