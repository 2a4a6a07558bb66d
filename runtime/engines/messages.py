"""What TensorRT says while it works: it reports failures as None beside lines of its log, so the lines are kept.

TensorRT has one logger for a process: while anything that was made with one lives, another is ignored. So there is one
for each TensorRT, and it is never freed; TensorRT holds it by a bare pointer.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

_log = logging.getLogger(__name__)
_SHOWN = 3


class Messages:
    """A log of TensorRT's; `logger` is what its objects take. Warnings and errors go to Python's log, too.

    errors: since they were last cleared, which whoever begins something does
    """

    def __init__(self, trt: Any) -> None:
        errors: list[str] = []
        levels = {trt.ILogger.INTERNAL_ERROR: logging.ERROR, trt.ILogger.ERROR: logging.ERROR}
        levels[trt.ILogger.WARNING] = logging.WARNING

        class Logger(trt.ILogger):  # type: ignore[misc]  # a class once a TensorRT is known
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, msg: str) -> None:
                level = levels.get(severity, logging.DEBUG)
                _log.log(level, "%s", msg)
                if level == logging.ERROR:
                    errors.append(msg)

        self.errors = errors
        self.logger = Logger()

    def last(self) -> str:
        """The last errors in one line; empty where there was none."""
        return " ".join(" ".join(self.errors[-_SHOWN:]).split())


@cache
def messages_of(trt: Any) -> Messages:
    """The process's only one of this TensorRT, which is a module."""
    return Messages(trt)
