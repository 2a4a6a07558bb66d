"""Whether this box has analysed on a GPU before: without that, one that is gone would look like one that never was."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from runtime.engines.gpu import Gpu

_log = logging.getLogger(__name__)
FILE = "gpu"


@dataclass(frozen=True, slots=True)
class Sightings:
    """One line in a file of `folder`, the GPU's name; remove it where the GPU was taken out for good.

    Without a folder, nothing is remembered. other: such a folder of somebody else's, which counts where it can be read
    """

    folder: Path | None
    other: Path | None = None

    def last(self) -> str:
        """The GPU that worked last; empty where none ever did."""
        return _line(self.folder) or _line(self.other)

    def remember(self, gpu: Gpu) -> None:
        """Where that can't be, the log says so."""
        if self.folder is None or _line(self.folder) == gpu.name:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / FILE).write_text(gpu.name + "\n", encoding="utf-8")
        except OSError as error:
            _log.warning("that there is a GPU can't be remembered: %s", error.strerror)


def _line(folder: Path | None) -> str:
    try:
        return (folder / FILE).read_text(encoding="utf-8").strip() if folder else ""
    except (OSError, UnicodeDecodeError):
        return ""
