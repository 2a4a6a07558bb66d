"""The supervisor's ear: whether a child says that it gets on, in the words that it has for systemd.

Only what the child itself sends counts: the kernel says who sent a message. Kills nobody.
"""

from __future__ import annotations

import os
import socket
import struct

from appliance.notify import ADDRESS, LIMIT

START_SECONDS = 3600.0
"""Until it is ready: a GPU's engines may have to be built first."""
_LONGEST_MESSAGE = 4096
_SENDER = struct.Struct("3i")
"""unix(7): struct ucred, process, user and group id."""


class Pulse:
    """A socket for one child at a time, which may be silent for `limit_seconds` once it is ready."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = self._allowed = limit_seconds
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("")  # unix(7): an abstract address that nobody else has
        self._last = 0.0
        self._is_ready = False

    @property
    def environment(self) -> dict[str, str]:
        """What the child is started with."""
        address = os.fsdecode(self._socket.getsockname())
        return {ADDRESS: f"@{address[1:]}", LIMIT: str(round(self._limit_seconds * 1e6))}

    def begin(self, now: float) -> None:
        """A child has just been started."""
        self._last, self._is_ready, self._allowed = now, False, self._limit_seconds

    def silent_seconds(self, child: int, now: float) -> float | None:
        """For how long process `child` has been silent, where that is longer than it may be."""
        for message in self._messages(child):
            self._last = now
            for line in message.split("\n"):
                name, _, value = line.partition("=")
                self._is_ready |= name == "READY"
                if name == LIMIT and value.isdecimal():
                    self._allowed = int(value) / 1e6
        silent = now - self._last
        return silent if silent > (self._allowed if self._is_ready else START_SECONDS) else None

    def close(self) -> None:
        self._socket.close()

    def _messages(self, child: int) -> list[str]:
        found: list[str] = []
        while True:
            try:
                content, extra, _, _ = self._socket.recvmsg(_LONGEST_MESSAGE, socket.CMSG_SPACE(_SENDER.size))
            except BlockingIOError:
                return found
            senders = [_SENDER.unpack(data)[0] for _, kind, data in extra if kind == socket.SCM_CREDENTIALS]
            if senders == [child]:
                found.append(content.decode(errors="replace"))
