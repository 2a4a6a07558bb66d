"""A whole box that takes one drop from inbox to result in a process that may be traced, failed and killed.

`python -m tests.resilience.rig` is the process that all of them are forked from, so that none pays for imports: a line
`ROOT ROUNDS` on standard input forks one, which stops itself before it touches anything; its process id is printed, and
in the end how it ended. ROUNDS is how often the worker looks for work.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.prepared import Prepared
from appliance.role import tick
from phantom.enhanced import write_enhanced
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings
from runtime.errors import ConfigurationError
from tests.appliance import outcomes
from tests.appliance.box import open_box, parse

ROOT = Path(__file__).parents[2]
LOOKS = 4
"""Of the intake: a drop is taken at the third, and what fails is not tried again before the fifth."""


class Rig:
    """The process that the others come from, and their parent."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def stopped(self, root: Path, rounds: int) -> int:
        """The process id of a new one, which goes on when it gets SIGCONT."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(root, rounds, file=self._process.stdin, flush=True)
        number = int(self._process.stdout.readline())
        while _state(number) != "T":
            pass
        return number

    def status(self) -> int:
        """How the last one ended: its exit code, or minus the signal."""
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())

    def kill(self, number: int) -> None:
        """End the last one, if it has not ended."""
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.status()

    def run(self, root: Path, rounds: int) -> int:
        """One that nothing is done to, from begin to end."""
        os.kill(self.stopped(root, rounds), signal.SIGCONT)
        return self.status()


@contextmanager
def rigged() -> Iterator[Rig]:
    """Start it, and end it with the block."""
    command = [sys.executable, "-m", "tests.resilience.rig"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Rig(process)
        process.communicate()


def _state(number: int) -> str:
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]


def settle(root: Path, rounds: int) -> None:
    """Intake and worker in turn, as after a start, with a clock that moves by itself."""
    with open_box(root) as box:
        box.intake = box.new_intake(_parse)
        box.intake.recover()
        box.worker.recover()
        box.look(LOOKS)
        for _ in range(rounds):
            tick(box.worker, box.stop)
        if rounds > 1:
            box.look()


def _parse(folder: Path, seconds: float, check: Callable[[], None]) -> Prepared:
    """As `read_in_child` has it: a full disk is no fault of the drop."""
    try:
        return parse(folder, seconds, check)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise ConfigurationError("The reading process found no room to work.") from error


def write_drop(root: Path, number: int = 1) -> None:
    """A new box with a study of one file in its inbox."""
    for name in ("inbox", "results", "state"):
        (root / name).mkdir(parents=True, exist_ok=True)
    settings = SeriesSettings(StudyIdentity.of(number), matrix=None)
    write_enhanced(outcomes.head(), root / f"inbox/study{number}/IM1", settings)


def _serve() -> None:
    with tempfile.TemporaryDirectory() as folder:  # what is loaded at the first use is loaded now
        write_drop(Path(folder))
        settle(Path(folder), 1)
    for line in sys.stdin:
        root, rounds = line.split()
        number = os.fork()
        if not number:
            os.kill(os.getpid(), signal.SIGSTOP)
            try:
                settle(Path(root), int(rounds))
            except BaseException as error:  # noqa: BLE001  # what is forked must not go on as its parent
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        print(number, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
