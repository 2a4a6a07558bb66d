"""What intake and worker have in common: they recover, then do what there is to do, again and again, until the end.

`_attempt` is the one place that catches every error: it is logged, without what the message says, for that may name a
patient; the next step goes on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from appliance.logs import about, told
from appliance.notify import NOBODY, Notifier
from appliance.stop import Stop, Stopped
from runtime.errors import EngineError

AFTER_FAILURE_SECONDS = 2.0
SHORTEST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 20.0
"""Whatever the settings say: whoever waits for a sign of life wants one."""

log = logging.getLogger(__name__)


class Role(Protocol):
    """One process's part of the service."""

    def recover(self) -> None:
        """Once, before anything else: set right what an interruption left."""
        ...

    def steps(self, stop: Stop) -> Iterator[Callable[[], None]]:
        """What there is to do now; each step can fail by itself."""
        ...

    @property
    def is_worn(self) -> bool:
        """Whether a new process should go on in its place."""
        ...


def run(role: Role, stop: Stop, pause_seconds: float, notifier: Notifier = NOBODY) -> None:
    """Until `stop`, or until it is worn. EngineError ends the process: nobody knows what hardware does then."""
    try:
        _attempt(role.recover, stop)
        notifier.ready()
        while not (stop.requested or role.is_worn):
            tick(role, stop)
            time.sleep(SHORTEST_PAUSE_SECONDS)  # however many files wake it
            stop.wait(min(pause_seconds, LONGEST_PAUSE_SECONDS))
    except Stopped:
        log.info("stopped in the middle of a step, which will be done anew", extra=about("interrupted"))


def tick(role: Role, stop: Stop) -> None:
    """One round of steps. Where it can't be seen what there is to do, perhaps it can next time."""

    def each() -> None:
        for step in role.steps(stop):
            stop.check()
            _attempt(step, stop)

    _attempt(each, stop)


def _attempt(step: Callable[[], None], stop: Stop) -> None:
    try:
        step()
    except (Stopped, EngineError):
        raise
    except Exception as error:  # noqa: BLE001  # the one place
        log.error("step failed: %s", told(error), extra=about("step failed"))
        stop.wait(AFTER_FAILURE_SECONDS)
