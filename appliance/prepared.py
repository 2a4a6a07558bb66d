"""A drop as read: a volume with everything that was noticed on the way, or the reason why there is none.

Knows no engines: this is all that the intake does with a study, and all that the worker needs of it. An error without a
code is a defect and is not caught here.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.circumstances import circumstances
from appliance.drop import Limits, drop_name, open_drop
from appliance.jobkey import job_key
from appliance.outcome import Reason
from runtime.codes import Code, Flag
from runtime.dicom import Reading, read_studies
from runtime.errors import StudyRejected
from runtime.pixels import Budget, decoded_bytes, read_pixels
from runtime.progress import Progress, silent
from runtime.selection import NoSeries, Selection, Verdict, choose_series
from runtime.stacking import build_volume
from runtime.study import Study
from runtime.volume import Volume

MEMORY_SHARE = 4
"""A decoded study may take one part in this many of the machine's memory."""
STEP_BYTES = 192 << 20
"""What headers, archives and libraries may take, however small the drop."""
FILE_BYTES = 32 << 10
"""And the header of each file: some thirty elements, which Python keeps as objects."""
COPIES = 4
"""Of a decoded series, while it is made into a volume."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What drops are read with: limits and clocks."""

    limits: Limits
    budget: Budget
    now: Callable[[], datetime]
    """Time zone aware."""
    clock: Callable[[], float]
    allow: Callable[[int], None] = lambda _: None
    """Told before each step how many bytes of memory it may take; MemoryError is what may come of it."""


def reader() -> Reader:
    """The limits that this machine sets, and its clocks."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    budget = Budget(decoded_bytes=min(8 << 30, memory // MEMORY_SHARE))
    return Reader(Limits(), budget, local_time, time.monotonic)


def local_time() -> datetime:
    """Now, time zone aware."""
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """One drop, ready for the engines or rejected. ValueError where it is both or neither.

    drop: the name that its results carry
    key: the job key, 64 hex digits
    studies: all that were found, newest first; `study` is the one that counts, as far as the reading came
    seconds: what reading took
    """

    drop: str
    key: str
    studies: tuple[Study, ...]
    study: Study | None
    verdicts: tuple[Verdict, ...]
    flags: tuple[Flag, ...]
    reason: Reason | None
    volume: Volume | None
    seconds: float

    def __post_init__(self) -> None:
        if (self.reason is None) == (self.volume is None):
            raise ValueError("a prepared drop has either a volume or the reason why there is none")

    @classmethod
    def unread(cls, drop: str, key: str, reason: Reason, seconds: float = 0.0) -> Prepared:
        """A drop of which nothing but the name is known."""
        return cls(drop, key, (), None, (), (), reason, None, seconds)

    @property
    def other_studies(self) -> tuple[Study, ...]:
        return tuple(other for other in self.studies if other is not self.study)


def prepare(
    drop: Path,
    reader: Reader,
    progress: Progress = silent,
    digests: Mapping[Path, str] | None = None,
    scratch: Path | None = None,
) -> Prepared:
    """Read one folder, zip or file; every coded error becomes the reason. UsageError where it does not exist.

    `digests` are SHA-256 by path of files whose content is known already; the others are hashed here.
    Zips are unpacked below `scratch`, or where the system has its temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="strokebox-", dir=scratch) as unpacked:
        return _Preparation(drop, reader, progress).run(Path(unpacked), digests or {})


class _Preparation:
    """The steps of `prepare`, and what each has found when one of them rejects the study."""

    def __init__(self, drop: Path, reader: Reader, progress: Progress) -> None:
        self._drop = drop
        self._reader = reader
        self._progress = progress
        self._files: Sequence[Path] = ()
        self._reading: Reading | None = None
        self._selection: Selection | None = None
        self._flags: tuple[Flag, ...] = ()

    def run(self, scratch: Path, digests: Mapping[Path, str]) -> Prepared:
        start = self._reader.clock()
        reason: Reason | None = None
        volume: Volume | None = None
        verdicts: tuple[Verdict, ...] = ()
        try:
            volume = self._read(scratch)
        except StudyRejected as error:
            reason = Reason(error.code, error.detail)
            verdicts = error.verdicts if isinstance(error, NoSeries) else ()
        except MemoryError:
            reason = Reason(Code.TOO_LARGE, "Reading it takes more memory than its images account for.")
        studies = self._reading.studies if self._reading else ()
        selection = self._selection
        return Prepared(
            drop=drop_name(self._drop),
            key=job_key(studies, self._files or digests or [self._drop], digests),
            studies=studies,
            study=selection.study if selection else studies[0] if studies else None,
            verdicts=selection.verdicts if selection else verdicts,
            flags=self._flags,
            reason=reason,
            volume=volume,
            seconds=self._reader.clock() - start,
        )

    def _read(self, scratch: Path) -> Volume:
        reader = self._reader
        reader.allow(STEP_BYTES)
        self._files = open_drop(self._drop, scratch, reader.limits)
        reader.allow(STEP_BYTES + FILE_BYTES * len(self._files))
        self._reading = read_studies(self._files, self._progress)
        if self._reading.damaged:
            self._flags += (Flag(Code.UNREADABLE, f"Their number: {self._reading.damaged}."),)
        self._selection = choose_series(self._reading.studies)
        self._flags += self._selection.flags + circumstances(self._selection.study, reader.now())
        used = self._selection.used
        reader.budget.check(len(used.images), used.images[0].rows, used.images[0].columns)
        reader.allow(STEP_BYTES + COPIES * decoded_bytes(used))
        stack = build_volume(used, read_pixels(used, reader.budget, self._progress))
        self._flags += stack.flags
        return stack.volume
