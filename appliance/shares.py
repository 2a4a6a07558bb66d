"""Whether the folders that lie on network shares are there and answer.

Whoever asks a share whose server hangs, hangs with it, and can't always be killed. So a process of its own asks first;
while it hangs the role goes on living, says so, and touches no share. A folder whose share is not mounted is taken for
what it is, and not for an empty one. Local folders are not asked.
"""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from appliance.logs import about
from appliance.mounts import is_network
from runtime.whole_files import write_whole

ANSWER_SECONDS = 10.0
"""A share that takes longer hangs."""
_LOOK_SECONDS = 0.1
_ASK = ("stat", "--file-system", "--format=%T", "--")
"""statfs(2): unlike the names and sizes of files, its answer comes from the server and no cache."""

_MARK = ".share"
"""In the state folder, a file for each folder that was on a share: the folder's path. Without it, it may be local."""

log = logging.getLogger(__name__)


class Shares:
    """Of the `folders`, by name, those that lie on a share; one process that asks for each of them at most.

    `state` is where it is kept which did, since the share may not be mounted when the box starts.
    """

    def __init__(
        self,
        folders: Mapping[str, Path],
        state: Path | None = None,
        *,
        is_share: Callable[[Path], bool] = is_network,
        ask: Sequence[str] = _ASK,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._shares = {
            name: folder for name, folder in folders.items() if is_share(folder) or _was_share(state, name, folder)
        }
        if state is not None:
            for name, folder in self._shares.items():
                write_whole(state / f"{name}{_MARK}", os.fsencode(folder))
        self._is_share, self._ask, self._seconds = is_share, ask, seconds
        self._asking: dict[str, subprocess.Popen[bytes]] = {}
        self.away: dict[str, str] = {}
        """By name, what is wrong with a folder's share, in words."""

    def answer(self, check: Callable[[], None]) -> bool:
        """Ask all of them; `check` is called while it waits, and may raise. False where one is away, which is logged
        when it begins and when it ends.
        """
        for name, folder in self._shares.items():
            before = self.away.get(name, "")
            wrong = self._wrong(name, folder, check)
            if wrong and not before:
                log.error("the share of %s %s: nothing is taken or published", name, wrong, extra=about("share away"))
            elif before and not wrong:
                log.info("the share of %s is back", name, extra=about("share back"))
            self.away[name] = wrong
        self.away = {name: wrong for name, wrong in self.away.items() if wrong}
        return not self.away

    def _wrong(self, name: str, folder: Path, check: Callable[[], None]) -> str:
        if not self._is_share(folder):
            return "is not mounted"
        if (hung := self._asking.get(name)) and hung.poll() is None:
            return "does not answer"
        asking = subprocess.Popen([*self._ask, folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._asking[name] = asking
        end = time.monotonic() + self._seconds
        while asking.poll() is None:
            if time.monotonic() > end:
                return "does not answer"
            check()
            time.sleep(_LOOK_SECONDS)
        return "answers with an error" if asking.returncode else ""


def _was_share(state: Path | None, name: str, folder: Path) -> bool:
    """OSError where the state can't be read."""
    if state is None:
        return False
    try:
        return (state / f"{name}{_MARK}").read_bytes() == os.fsencode(folder)
    except FileNotFoundError:
        return False
