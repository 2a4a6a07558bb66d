"""The rows of the paper's Table 1 over a cohort: Dice for IH, IS and both, and what belongs beside it.

Averages over patients and over networks; makes no masks (calibration/evaluation.py) and writes nothing
(calibration/table.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.evaluation import CLOSED, SERVED, THREE, Case
from calibration.summary import Summary, deviation, paired_p
from runtime.classification import Call, StrokeClass

CALLS = (Call.NONE, Call.IS, Call.IH)


@dataclass(frozen=True, slots=True)
class Group:
    """Dice of one row over one group of patients.

    dice: over patients, each the mean over the row's networks; None where nobody is left
    networks_sd: the spread of the networks' own means; None for a single one
    left_out: patients beside them whose mask and truth are both empty, in any of the networks
    """

    dice: Summary | None
    networks_sd: float | None
    left_out: int

    @property
    def patients(self) -> int:
        """How many the mean is over."""
        return self.dice.count if self.dice else 0


@dataclass(frozen=True, slots=True)
class Row:
    """groups: by IH, IS and both; networks: how many are averaged over, one by one
    p: of the three projections against this row, on all patients with stroke; None for rows of three projections
    false_ml: marked as the other class, mean over patients with stroke; None without any
    healthy_empty, healthy: healthy heads with an empty mask (mean over networks), of how many
    """

    name: str
    groups: Mapping[str, Group]
    networks: int
    p: float | None
    false_ml: float | None
    healthy_empty: float
    healthy: int


def rows_of(cases: Sequence[Case], rng: np.random.Generator) -> tuple[Row, ...]:
    """All rows of these heads, in the order of their evaluation; `rng` draws the bootstrap's patients.

    ValueError without any head, or where heads were evaluated by different networks.
    """
    if len({tuple((row, len(scores)) for row, scores in case.scores.items()) for case in cases}) != 1:
        raise ValueError("a table needs heads that were evaluated by the same networks")
    return tuple(_row(name, cases, rng) for name in cases[0].scores)


def confusion(cases: Sequence[Case]) -> NDArray[np.int64]:
    """int64 (3, 3): how many heads, by truth (rows) and the paper's call (columns), each none, IS, IH."""
    counts = np.zeros((len(CALLS), len(CALLS)), dtype=np.int64)
    for case in cases:
        counts[CALLS.index(case.truth), CALLS.index(case.call)] += 1
    return counts


def _row(name: str, cases: Sequence[Case], rng: np.random.Generator) -> Row:
    patients = [case for case in cases if case.stroke is not None]
    healthy = [case for case in cases if case.stroke is None]
    groups = {
        "IH": [case for case in patients if case.stroke is StrokeClass.IH],
        "IS": [case for case in patients if case.stroke is StrokeClass.IS],
        "both": patients,
    }
    empty = [np.mean([score.false_ml == 0 for score in case.scores[name]]) for case in healthy]
    return Row(
        name,
        {group: _group(name, of_group, rng) for group, of_group in groups.items()},
        len(cases[0].scores[name]),
        None if name in (THREE, CLOSED, SERVED) else _p(name, patients),
        float(np.mean([[score.false_ml for score in case.scores[name]] for case in patients])) if patients else None,
        float(np.sum(empty)),
        len(healthy),
    )


def patient_dice(name: str, case: Case) -> list[float] | None:
    """The networks' Dice of one patient; None where one of them has none."""
    values = [score.dice for score in case.scores[name]]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def _group(name: str, patients: Sequence[Case], rng: np.random.Generator) -> Group:
    known = [dice for case in patients if (dice := patient_dice(name, case)) is not None]
    left_out = len(patients) - len(known)
    if not known:
        return Group(None, None, left_out)
    by_network = [float(mean) for mean in np.mean(known, axis=0)]
    return Group(Summary.of([float(np.mean(dice)) for dice in known], rng), deviation(by_network), left_out)


def _p(name: str, patients: Sequence[Case]) -> float | None:
    pairs = [(patient_dice(name, case), patient_dice(THREE, case)) for case in patients]
    both = [(float(np.mean(one)), float(np.mean(three))) for one, three in pairs if one and three]
    return paired_p([three for _, three in both], [one for one, _ in both])
