"""What a role tells systemd, or our own supervisor: that it is ready, that it gets on, what it is at, that it ends.

The protocol of sd_notify(3): one datagram a message to the socket that NOTIFY_SOCKET names. Where nobody listens,
nothing is sent. No message names a patient or a folder.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

ADDRESS = "NOTIFY_SOCKET"
LIMIT = "WATCHDOG_USEC"
"""In the environment, and in a message that changes it: microseconds without `alive` after which the role is killed."""
_SEND_SECONDS = 1.0
"""A full queue holds nobody up for longer."""
_BETWEEN_SECONDS = 1.0
"""`alive` is told at most this often: some steps come to a safe point every few milliseconds."""


class Notifier:
    """One process's line to its supervisor, from what the environment says of it."""

    def __init__(self, environment: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._address = environment.get(ADDRESS, "")
        self._limit = environment.get(LIMIT, "")
        self._clock = clock
        self._told = -_BETWEEN_SECONDS
        self._status = ""

    def ready(self) -> None:
        """Studies are taken from now on; from now on the supervisor wants to hear `alive`."""
        self._send("READY=1")

    def alive(self) -> None:
        """For every step forward, and for nothing else: a role that hangs must fall silent."""
        now = self._clock()
        if now - self._told >= _BETWEEN_SECONDS:
            self._told = now
            self._send("WATCHDOG=1")

    def status(self, words: str) -> None:
        """What it is at, for `systemctl status`."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={words}")

    def stopping(self) -> None:
        self._send("STOPPING=1", "STATUS=Ending.")

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """For a step of the block that may take so long without a sign of life."""
        if not self._limit:
            yield
            return
        self._send(f"{LIMIT}={round(seconds * 1e6)}")
        try:
            yield
        finally:
            self._send(f"{LIMIT}={self._limit}", "WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.settimeout(_SEND_SECONDS)
            try:
                line.sendto("\n".join(lines).encode(), address)
            except OSError:
                pass  # whoever listened is gone; that this process should end, it learns otherwise


NOBODY = Notifier({})
"""Listens."""
