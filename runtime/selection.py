"""Selection (types first)."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.study import Series, Study


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one series: `accepted` is True only for the one that is analysed; `reason` is a sentence."""

    series: Series
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The study and series to analyse, and why not the others."""

    study: Study
    used: Series
    verdicts: tuple[Verdict, ...]
    other_studies: tuple[Study, ...]
