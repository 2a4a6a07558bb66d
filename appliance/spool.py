"""The spool: one folder a job, named by its id, from acceptance to result; of failed ones it stays, as evidence."""

from __future__ import annotations

import shutil
from collections.abc import Container
from contextlib import suppress
from pathlib import Path

from appliance.jobs import Job


class Spool:
    """Where jobs' folders are; the names of those that are being made begin with a dot."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(mode=0o700, exist_ok=True)

    def names(self) -> list[str]:
        """The jobs that have a folder in its place, sorted."""
        return sorted(folder.name for folder in self.root.iterdir() if not folder.name.startswith("."))

    def folder(self, job: str) -> Path:
        return self.root / job

    def unfinished(self, job: str) -> Path:
        """Where the job's folder is made before it is renamed to its place."""
        return self.root / f".{job}"

    def remove(self, job: str) -> None:
        """Whatever is left of it. Safe to repeat. It vanishes at once: half of it must not look like a study."""
        shutil.rmtree(self.unfinished(job), ignore_errors=True)
        with suppress(OSError):
            self.folder(job).rename(self.unfinished(job))
        for folder in (self.folder(job), self.unfinished(job)):
            shutil.rmtree(folder, ignore_errors=True)

    def let_go(self, job: Job) -> None:
        """The folder of a job that is done, unless it keeps its files."""
        if not job.keeps_files:
            self.remove(job.id)

    def keep_only(self, jobs: Container[str]) -> None:
        """Remove the folders of all others."""
        for folder in self.root.glob(".*"):
            shutil.rmtree(folder, ignore_errors=True)
        for name in self.names():
            if name not in jobs:
                self.remove(name)
