"""What TensorRT says while it works: it reports failures as None beside lines of its log, so the lines are kept."""

from __future__ import annotations

import logging
from typing import Any

_log = logging.getLogger(__name__)
_SHOWN = 3


class Messages:
    """A log of TensorRT's; `logger` is what its objects take. Warnings and errors go to Python's log, too.

    TensorRT holds the logger by a bare pointer: keep this as long as anything that was made with it.
    """

    def __init__(self, trt: Any) -> None:
        errors: list[str] = []
        levels = {trt.ILogger.INTERNAL_ERROR: logging.ERROR, trt.ILogger.ERROR: logging.ERROR}
        levels[trt.ILogger.WARNING] = logging.WARNING

        class Logger(trt.ILogger):  # type: ignore[misc]  # known once a TensorRT is
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, message: str) -> None:
                level = levels.get(severity, logging.DEBUG)
                _log.log(level, "%s", message)
                if level == logging.ERROR:
                    errors.append(message)

        self.errors = errors
        self.logger = Logger()

    def last(self) -> str:
        """The last errors in one line; empty where there was none."""
        return " ".join(self.errors[-_SHOWN:])
