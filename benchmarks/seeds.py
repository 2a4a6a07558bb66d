"""How often engines find what was planted: phantoms, as DICOM, through the whole of `analyse`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.analyse import Request, running
from appliance.case import conclude
from appliance.demo import agrees, found, planted
from appliance.prepared import prepare, reader
from appliance.report_json import result_document
from phantom.identity import StudyIdentity
from phantom.study import write_study
from phantom.synthesis import synthesise

FIRST_SEED = 1000
"""Seeds below 100,000 are never trained or calibrated on. These were looked at when bundles were compared."""


@dataclass(frozen=True, slots=True)
class Row:
    """One phantom: what was planted, what was found, and whether class and side are the same."""

    seed: int
    planted: str
    found: str
    right: bool
    seconds: float


def try_seeds(seeds: Sequence[int], engines: Path | None = None) -> Iterator[Row]:
    """Analyse each seed's phantom: a third each without lesion, with IS and with IH, by chance.

    engines: an unsigned bundle's folder; None: the one that ships
    """
    with running(Request(drop=Path(), out=Path(), engines=engines, allow_unsigned=engines is not None)) as setup:
        for seed in seeds:
            head = synthesise(seed)
            with tempfile.TemporaryDirectory() as folder:
                write_study(head, Path(folder), StudyIdentity.of(seed))
                outcome = conclude(prepare(Path(folder), reader()), setup)
            document = result_document(outcome)
            seconds = document["timing_seconds"]["total"]
            yield Row(seed, planted(head), found(document), agrees(document, head), seconds)
