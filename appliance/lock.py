"""Locks: one process of a kind on a state folder. The file tells which; that it is held, the operating system knows."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from appliance.logs import about
from appliance.stop import Stop

PAUSE_SECONDS = 0.2

log = logging.getLogger(__name__)


@contextmanager
def alone(lock: Path, stop: Stop) -> Iterator[None]:
    """Hold `lock` for the block, waiting for its holder to end. Stopped where the end is requested first."""
    with lock.open("ab+", buffering=0) as file:
        for tries in count():
            stop.check()
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if tries == 1:  # at the first, it may have been `is_held` that looked
                    log.warning(
                        "another %s (pid %s) holds %s: this one waits until that ends. End one of them, or give each "
                        "folders of its own",
                        lock.stem,
                        holder(lock) or "unknown",
                        lock.parent,
                        extra=about("waiting"),
                    )
                stop.wait(PAUSE_SECONDS)
        try:
            file.truncate(0)
            file.write(b"%d\n" % os.getpid())
        except OSError:
            pass  # a full disk: nobody knows which process, but that there is one
        yield


def is_held(lock: Path) -> bool:
    """Whether a running process holds it."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder(lock: Path) -> int | None:
    """The id of the process that holds it, or held it last; None where that is unknown."""
    try:
        return int(lock.read_bytes())
    except (OSError, ValueError):
        return None
