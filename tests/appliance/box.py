"""A whole box in one process and one folder, with a clock that tests move: the service's own intake and worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from appliance.audit import NAME as AUDIT
from appliance.audit import Audit
from appliance.case import Setup
from appliance.intake import Clocks, Intake
from appliance.jobs import Jobs
from appliance.prepared import Prepared, reader
from appliance.prepared_files import load_prepared
from appliance.publication import Publication
from appliance.reader_child import PREPARED, read_taken
from appliance.role import tick
from appliance.settings import Folders, Settings
from appliance.shares import Shares
from appliance.spool import Spool
from appliance.stop import Stop, stopping
from appliance.worker import Worker
from tests.memory_service import memory_engines

QUIET_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 100.0
ROUNDS = 5
"""Of the worker: three attempts, one that gives up, and one that says so with the drop's name alone."""
NOW = datetime(2026, 1, 1, 13, 0, tzinfo=timezone.utc)


def parse(folder: Path, _seconds: float, _check: Callable[[], None]) -> Prepared:
    """What a reading child does, without the child."""
    read_taken(folder, reader())
    return load_prepared(folder / PREPARED)


class Box:
    """See the module. `seconds` is the monotonic clock."""

    def __init__(self, root: Path, setup: Setup, stop: Stop, stack: ExitStack) -> None:
        for name in ("inbox", "results", "state"):
            (root / name).mkdir(exist_ok=True)
        folders = Folders(inbox=root / "inbox", results=root / "results", state=root / "state")
        intake = {"quiet_seconds": QUIET_SECONDS, "longest_wait_seconds": LONGEST_WAIT_SECONDS}
        self.settings = Settings.model_validate({"folders": folders, "intake": intake, "disk": {"free_percent": 0}})
        self.inbox, self.results, self.state = folders.inbox, folders.results, folders.state
        self.setup, self.stop, self.seconds = setup, stop, 0.0
        self.jobs = Jobs(folders.state / "jobs.sqlite")
        stack.callback(self.jobs.close)
        self.spool = Spool(folders.state / "spool")
        self.audit = Audit(folders.state / AUDIT, NOW.timestamp)
        self.publication = Publication(folders.results, self.jobs, self.audit, NOW.timestamp, save_nifti=False)
        self.intake = self.new_intake()
        self.worker = self.new_worker()

    def new_intake(self, parse: Callable[..., Prepared] = parse, shares: Shares | None = None) -> Intake:
        clocks = Clocks(lambda: self.seconds, lambda: NOW + timedelta(seconds=self.seconds))
        return Intake(self.settings, self.jobs, self.spool, self.publication, clocks, parse, shares=shares)

    def new_worker(self, setup: Setup | None = None, shares: Shares | None = None) -> Worker:
        return Worker("worker", setup or self.setup, self.jobs, self.spool, self.publication, shares=shares)

    def look(self, times: int = 1, apart: float = 5.0) -> None:
        """The intake's ticks."""
        for _ in range(times):
            tick(self.intake, self.stop)
            self.seconds += apart

    def settle(self) -> None:
        """Until everything in the inbox has become a result, or would never."""
        self.look(4)
        for _ in range(ROUNDS):
            tick(self.worker, self.stop)
        self.look()

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        """result.json by folder name; every visible folder must have one and a report."""
        folders = [path for path in self.results.iterdir() if path.is_dir()]
        assert all((folder / "report.pdf").read_bytes().startswith(b"%PDF") for folder in folders)
        return {folder.name: json.loads((folder / "result.json").read_text()) for folder in folders}

    @property
    def notes(self) -> list[str]:
        return [path.read_text() for path in sorted(self.results.glob("*.note.txt"))]


@contextmanager
def open_box(root: Path) -> Iterator[Box]:
    """A new box, or the one that is there after an interruption."""
    with ExitStack() as stack:
        stop = stack.enter_context(stopping())
        root.mkdir(exist_ok=True)
        setup = stack.enter_context(memory_engines())
        yield Box(root, setup, stop, stack)
