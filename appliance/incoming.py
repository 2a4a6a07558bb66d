"""The folder that IT drops engines into: each zip is installed or refused once, and moved aside with a note about it.

What is still being copied stays where it is, and so does all that is no file. Decides nothing about engines: that is
appliance/updates.py's.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.arrival import arrived
from appliance.inbox import is_temporary
from appliance.updates import Updates
from appliance.verification import signed
from runtime.errors import AlreadyActive, BundleError, ConfigurationError, EngineError
from runtime.whole_files import write_whole

ACCEPTED, REFUSED = "accepted", "refused"
QUIET_SECONDS = 3.0
"""A file counts as copied when it has not changed for so long."""
MOST_LOOKS = 100
"""So often a file may be found changing, five minutes in all, before it is left to the next run."""
NOTE = ".txt"
_BROUGHT = ".zip"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one file. exit_code: 0 where its engines are active now."""

    name: str
    sentence: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Incoming:
    """See the module. pause: waits for QUIET_SECONDS and may raise to end it; now: the time, for notes"""

    folder: Path
    updates: Updates
    pause: Callable[[], None]
    now: Callable[[], datetime]

    def process(self, check: Callable[[], None]) -> Iterator[Answer]:
        """Take what lies there, newest engines first, until nothing new comes and nothing changes any more.

        What came meanwhile wakes nobody: systemd doesn't watch the folder while this runs. ConfigurationError where
        the folder can't be used.
        """
        looks: Counter[str] = Counter()
        try:
            while before := self._awaited(looks):
                self.pause()
                after = self._seen()
                if before.keys() & after.keys():
                    self._try_moving()
                for name in sorted(before.keys() & after.keys(), key=self._order):
                    if before[name] == after[name]:
                        del looks[name]  # another one of its name may come
                        yield self._taken(name, check)
                looks.update(name for name in after if before.get(name) != after[name])
            for name in sorted(name for name in self._seen() if looks[name] >= MOST_LOOKS):
                yield Answer(name, "It is still being copied and was left alone.")
        except OSError as error:
            raise ConfigurationError(
                f"{self.folder} can't be used: {error.strerror}. Make it, for the user that updates engines."
            ) from error

    def _try_moving(self) -> None:
        """Whether what was tried can be moved aside: else it would be tried again at every run. OSError."""
        for name in (ACCEPTED, REFUSED):
            (self.folder / name).mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder / name):
                pass

    def _awaited(self, looks: Counter[str]) -> dict[str, tuple[int, ...]]:
        """What is there, without what was found changing too often."""
        return {name: state for name, state in self._seen().items() if looks[name] < MOST_LOOKS}

    def _seen(self) -> dict[str, tuple[int, ...]]:
        """Each file by what a change of it shows. Notes, hidden and temporary names don't count, nor do folders."""
        seen: dict[str, tuple[int, ...]] = {}
        for entry in os.scandir(self.folder):
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode) or is_temporary(entry.name) or entry.name.startswith("."):
                continue
            if not entry.name.endswith(NOTE):
                seen[entry.name] = (status.st_size, status.st_mtime_ns, status.st_ino)
        return seen

    def _order(self, name: str) -> tuple[int, str]:
        """Of two that are signed the newer one is first: the other one is refused then, without a trial."""
        try:
            with arrived(self.folder / name) as arrival:
                return -signed(arrival, self.updates.trust).manifest.serial, name
        except BundleError:
            return 1, name

    def _taken(self, name: str, check: Callable[[], None]) -> Answer:
        path = self.folder / name
        try:
            if not name.lower().endswith(_BROUGHT):
                raise BundleError(f"{name} is no .zip: drop the bundle as its publisher sent it.")
            answer = Answer(name, self.updates.install(path, check))
        except AlreadyActive as error:
            answer = Answer(name, str(error))  # what was wanted is so
        except (BundleError, EngineError) as error:
            answer = Answer(name, str(error), error.exit_code)
        self._move_aside(path, answer)
        return answer

    def _move_aside(self, path: Path, answer: Answer) -> None:
        """The file is moved before its note is written: what is done is done once."""
        folder = self.folder / (REFUSED if answer.exit_code else ACCEPTED)
        number, target = 1, folder / path.name
        while os.path.lexists(target):
            number += 1
            target = folder / f"{path.stem}_{number}{path.suffix}"
        path.rename(target)
        to_do = (
            "What to do: nothing was changed. Mend what the sentence above says, and drop the bundle again."
            if answer.exit_code
            else "What to do: nothing. This copy may be deleted; `strokebox engines rollback` goes back."
        )
        words = f"{answer.name}, {self.now():%Y-%m-%d %H:%M}: {folder.name}\n{answer.sentence}\n{to_do}\n"
        note = target.with_name(target.name + NOTE)
        write_whole(note, words.encode(errors="surrogateescape"))
        note.chmod(0o644)
