"""One study from drop to outcome: runs the steps, keeps what each found, and turns coded errors into outcomes.

Does no maths and writes nothing. An error without a code is a defect and is not caught here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.circumstances import circumstances
from appliance.drop import Limits, drop_name, open_drop
from appliance.jobkey import KEY_DIGITS, job_key
from appliance.outcome import Outcome, Reason, Status
from runtime.bundle import Spec
from runtime.codes import Code, Flag
from runtime.compute import Compute
from runtime.dicom import Budget, Reading, read_pixels, read_studies
from runtime.engines.base import Ensemble
from runtime.errors import EngineError, StudyRejected
from runtime.pipeline import Analysis, analyse
from runtime.progress import Progress, silent
from runtime.provenance import Provenance
from runtime.selection import NoSeries, Selection, Verdict, choose_series
from runtime.stacking import build_volume
from runtime.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Setup:
    """All that studies are analysed with: the entered engines, their spec and identity, limits, clocks."""

    ensemble: Ensemble
    compute: Compute
    spec: Spec
    provenance: Provenance
    engine_flags: tuple[Flag, ...]
    limits: Limits
    budget: Budget
    software_version: str
    now: Callable[[], datetime]
    """Time zone aware."""
    clock: Callable[[], float]


class Case:
    """One drop on its way to an outcome."""

    def __init__(self, drop: Path, setup: Setup, progress: Progress = silent) -> None:
        self._drop = drop
        self._setup = setup
        self._progress = progress
        self._stopwatch = Stopwatch(setup.clock)
        self._files: list[Path] = []
        self._reading: Reading | None = None
        self._selection: Selection | None = None
        self._flags: tuple[Flag, ...] = setup.engine_flags

    def run(self) -> Outcome:
        """Analyse the drop. UsageError where it does not exist; every coded error becomes an outcome."""
        with tempfile.TemporaryDirectory(prefix="strokebox-") as scratch:
            try:
                analysis = self._analyse(Path(scratch))
            except StudyRejected as error:
                verdicts = error.verdicts if isinstance(error, NoSeries) else None
                return self._outcome(Status.REJECTED, Reason(error.code, error.detail), verdicts=verdicts)
            except EngineError as error:
                return self._outcome(Status.FAILED, Reason(error.code, str(error)))
            return self._outcome(Status.COMPLETED, analysis=analysis)

    def _analyse(self, scratch: Path) -> Analysis:
        setup, stopwatch = self._setup, self._stopwatch
        with stopwatch.stage("read"):
            self._files = open_drop(self._drop, scratch, setup.limits)
            self._reading = read_studies(self._files, self._progress)
            if self._reading.damaged:
                self._flags += (Flag(Code.UNREADABLE, f"Their number: {self._reading.damaged}."),)
            self._selection = choose_series(self._reading.studies)
            self._flags += self._selection.flags + circumstances(self._selection.study, setup.now())
            stack = build_volume(self._selection.used, read_pixels(self._selection.used, setup.budget, self._progress))
            self._flags += stack.flags
        return analyse(stack.volume, setup.ensemble, setup.spec, setup.compute, stopwatch, self._flags, self._progress)

    def _outcome(
        self,
        status: Status,
        reason: Reason | None = None,
        *,
        analysis: Analysis | None = None,
        verdicts: tuple[Verdict, ...] | None = None,
    ) -> Outcome:
        """Everything known so far, whatever the end was."""
        studies = self._reading.studies if self._reading else ()
        selection = self._selection
        study = selection.study if selection else studies[0] if studies else None
        return Outcome(
            status=status,
            drop=drop_name(self._drop),
            key=job_key(studies, self._files)[:KEY_DIGITS],
            finished=self._setup.now(),
            software_version=self._setup.software_version,
            reason=reason,
            study=study,
            verdicts=selection.verdicts if selection else verdicts or (),
            other_studies=tuple(other for other in studies if other is not study),
            flags=analysis.flags if analysis else self._flags,
            analysis=analysis,
            engines=self._setup.provenance,
            seconds=dict(self._stopwatch.seconds),
        )
