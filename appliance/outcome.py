"""Outcome: everything that one job has to say, completed or not, before it is rendered as JSON and PDF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum

from runtime.codes import Code, Flag
from runtime.pipeline import Analysis
from runtime.provenance import Provenance
from runtime.selection import Verdict
from runtime.study import Series, Study


class Status(str, Enum):
    """Whether the job ended with a finding."""

    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why there is no finding: the code and what was seen."""

    code: Code
    detail: str = ""

    @property
    def message(self) -> str:
        return self.code.sentence(self.detail)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One job's result. A completed one has an analysis and no reason; any other has a reason and no analysis.

    `study`, `verdicts` and the rest are there as far as the job came; ValueError where status and content disagree.
    """

    status: Status
    drop: str
    """The name of the folder or zip as it was dropped."""
    key: str
    """8 hex digits of the job key."""
    finished: datetime
    """Time zone aware."""
    software_version: str
    reason: Reason | None = None
    study: Study | None = None
    verdicts: tuple[Verdict, ...] = ()
    other_studies: tuple[Study, ...] = ()
    flags: tuple[Flag, ...] = ()
    analysis: Analysis | None = None
    engines: Provenance | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    revision: int = 1
    """Above 1 where completed results of the same study, received before, are of other images."""
    earlier: str | None = None
    """The folder of the last of them."""

    def __post_init__(self) -> None:
        completed = self.status is Status.COMPLETED
        if completed != (self.analysis is not None) or completed == (self.reason is not None):
            raise ValueError(
                f"a {self.status.value} outcome needs {'an analysis' if completed else 'a reason'} and nothing else"
            )

    def revising(self, revision: int, earlier: str) -> Outcome:
        """It, as the `revision`th result of its study; the one before is in the folder `earlier`."""
        return replace(self, revision=revision, earlier=earlier)

    @property
    def used(self) -> Series | None:
        """The series that was chosen, if the job came that far."""
        return next((verdict.series for verdict in self.verdicts if verdict.accepted), None)
