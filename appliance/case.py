"""One prepared drop through the engines to an outcome; a rejection or a failing engine is an outcome, too.

Does no maths and writes nothing. An error without a code is a defect and is not caught here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from appliance.jobkey import KEY_DIGITS
from appliance.outcome import Outcome, Reason, Status
from appliance.prepared import Prepared
from runtime.bundle import Spec
from runtime.codes import Effect, Flag
from runtime.compute import Compute
from runtime.engines.base import Ensemble
from runtime.errors import EngineError, StudyRejected
from runtime.pipeline import Analysis, analyse
from runtime.progress import Progress, silent
from runtime.provenance import Provenance
from runtime.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Setup:
    """All that studies are analysed with: the entered engines, their spec and identity, clocks."""

    ensemble: Ensemble
    compute: Compute
    spec: Spec
    provenance: Provenance
    engine_flags: tuple[Flag, ...]
    software_version: str
    now: Callable[[], datetime]
    """Time zone aware."""
    clock: Callable[[], float]
    spare: Callable[[], AbstractContextManager[Setup]] | None = None
    """Another one, for a study that this one does not bring to an end."""


def conclude(prepared: Prepared, setup: Setup, progress: Progress = silent) -> Outcome:
    """Analyse what was prepared; a drop that was rejected stays so."""
    flags = setup.engine_flags + prepared.flags
    stopwatch = Stopwatch(setup.clock, {"read": prepared.seconds})
    analysis: Analysis | None = None
    reason = prepared.reason
    if prepared.volume is not None:
        try:
            analysis = analyse(prepared.volume, setup.ensemble, setup.spec, setup.compute, stopwatch, flags, progress)
        except StudyRejected as error:
            reason = Reason(error.code, error.detail)
        except EngineError as error:
            reason = Reason(error.code, str(error))
    return outcome_of(
        prepared,
        reason,
        now=setup.now(),
        software_version=setup.software_version,
        engines=setup.provenance,
        flags=flags,
        analysis=analysis,
        seconds=stopwatch.seconds,
    )


def outcome_of(
    prepared: Prepared,
    reason: Reason | None,
    *,
    now: datetime,
    software_version: str,
    engines: Provenance | None = None,
    flags: tuple[Flag, ...] | None = None,
    analysis: Analysis | None = None,
    seconds: Mapping[str, float] | None = None,
) -> Outcome:
    """What was read, and how it ended: with `analysis`, or for `reason`."""
    status = Status.COMPLETED
    if reason is not None:
        status = Status.FAILED if Effect.FAIL in reason.code.effects else Status.REJECTED
    return Outcome(
        status=status,
        drop=prepared.drop,
        key=prepared.key[:KEY_DIGITS],
        finished=now,
        software_version=software_version,
        reason=reason,
        study=prepared.study,
        verdicts=prepared.verdicts,
        other_studies=prepared.other_studies,
        flags=analysis.flags if analysis else prepared.flags if flags is None else flags,
        analysis=analysis,
        engines=engines,
        seconds=dict(seconds or {"read": prepared.seconds}),
    )
