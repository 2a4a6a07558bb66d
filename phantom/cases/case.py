"""Case: a drop as careless hands, scanners and archives make it, and what must become of it. Reads no drop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pydicom

from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings
from phantom.synthesis import synthesise
from runtime.codes import Code
from runtime.volume import Volume

SEED = 11
SPACING_MM = (2.5, 1.8, 1.8)
WITH_ALL = frozenset({Code.THICK_SLICES})
"""The head is scanned coarsely, for the sake of fewer files, and every result says so."""
MATRIX = 128
IDENTITY = StudyIdentity.of(SEED)
WHEN_READ: datetime = IDENTITY.when + timedelta(hours=1)
"""A moment (without time zone) at which no case's study is old but the one that is about it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One drop and its outcome.

    name: a few words, no two cases with the same
    what: what lies in the drop, in one sentence
    write: makes the drop, a folder that is not there yet, from the table's one head (`case_head`)
    reason: the code that rejects it; None where it is analysed
    flags: the codes that go with the result, all of them but those of `WITH_ALL`
    patient: the patient's name as the result must have it, where that is what the case is about
    """

    name: str
    what: str
    write: Callable[[Volume, Path], None]
    reason: Code | None = None
    flags: frozenset[Code] = field(default=frozenset())
    patient: str | None = None

    @property
    def codes(self) -> tuple[Code, ...]:
        """All codes of the outcome, in the order of their table."""
        return tuple(code for code in Code if code is self.reason or code in self.flags)


def case_head() -> Volume:
    """The one healthy head that all cases are made from."""
    return synthesise(SEED, None, spacing_mm=SPACING_MM).volume


def settings(**changes: Any) -> SeriesSettings:
    """A soft series of the table's patient; `changes` replace the series' own."""
    return replace(SeriesSettings(IDENTITY, matrix=MATRIX), **changes)


def coarse(head: Volume, mm: float = 5.0) -> Volume:
    """Every so many mm one plane of the head: where few files do, such as for a rejection."""
    step = round(mm / head.geometry.spacing_mm[0])
    return Volume(head.hu[::step], replace(head.geometry, origins=head.geometry.origins[::step]))


def edit(path: Path, **elements: object) -> None:
    """Set elements of a written file by keyword, or remove them with None."""
    data = pydicom.dcmread(path)
    for keyword, value in elements.items():
        if value is not None:
            setattr(data, keyword, value)
        elif keyword in data:
            delattr(data, keyword)
    data.save_as(path)
