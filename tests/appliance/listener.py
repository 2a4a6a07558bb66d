"""What systemd is to a service: the socket at the other end of sd_notify."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.notify import ADDRESS


class Listener:
    """Keeps every line, in order."""

    def __init__(self, path: Path, line: socket.socket) -> None:
        self._path, self._line = path, line
        self.heard: list[str] = []

    @property
    def environment(self) -> dict[str, str]:
        return {ADDRESS: str(self._path)}

    def listen(self, seconds: float) -> list[str]:
        """What comes within `seconds`."""
        before, end = len(self.heard), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._line.settimeout(left)
            try:
                self.heard += self._line.recv(4096).decode().split("\n")
            except TimeoutError:
                break
        return self.heard[before:]

    def until(self, line: str, seconds: float = 60.0, *, after: str = "", since: int = 0) -> None:
        """Listen until `line` has come; where another is named, `after` that one; or `since` so many lines."""
        start, end = self.heard.index(after) if after else since, time.monotonic() + seconds
        while line not in self.heard[start:]:
            assert time.monotonic() < end, self.heard
            self.listen(0.1)


@contextmanager
def listening(folder: Path) -> Iterator[Listener]:
    """In `folder`, whose path must be short (unix(7))."""
    path = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(path))
        yield Listener(path, line)
