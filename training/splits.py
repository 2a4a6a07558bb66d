"""Who is for validation, and who is in which fold: drawn by patient and class, and never drawn again.

A patient's place depends on the seed and the patients that are there when it is drawn. Whoever joins later is placed
around those who have a place: nobody moves from validation to training or between folds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from training.cohort import Patient, Split

VALIDATION_SHARE = 0.1
"""Of the patients of each class (paper, section Data)."""


@dataclass(frozen=True, slots=True)
class Place:
    """split: for training or validation; fold: from 0."""

    split: Split
    fold: int


def places(patients: Sequence[Patient], seed: int, folds: int, before: Mapping[str, Place]) -> dict[str, Place]:
    """A place for each pseudonym; those in `before` keep theirs.

    Of each class, a tenth is for validation, rounded, and at least one where there are two; folds are filled evenly.
    Cases added after a model's errors are for training: validation on cases picked for being hard could not be compared
    with what was measured before.
    """
    found: dict[str, Place] = {}
    for _, group in groupby(sorted(patients, key=lambda patient: str(patient.stroke)), key=lambda one: one.stroke):
        of_class = sorted(group, key=lambda patient: _draw(seed, patient.pseudonym))
        known = {one.pseudonym: before[one.pseudonym] for one in of_class if one.pseudonym in before}
        drawn = [one for one in of_class if not one.added_after_errors]
        wanted = max(round(VALIDATION_SHARE * len(drawn)), min(len(drawn) - 1, 1))
        wanted -= sum(place.split is Split.VALIDATION for place in known.values())
        sizes = [sum(place.fold == fold for place in known.values()) for fold in range(folds)]
        for patient in of_class:
            if patient.pseudonym in known:
                continue
            for_validation = wanted > 0 and not patient.added_after_errors
            wanted -= for_validation
            fold = sizes.index(min(sizes))
            sizes[fold] += 1
            known[patient.pseudonym] = Place(Split.VALIDATION if for_validation else Split.TRAINING, fold)
        found |= known
    return found


def _draw(seed: int, pseudonym: str) -> bytes:
    """As good as random, and the same on every machine and in every version of Python."""
    return hashlib.sha256(f"{seed} {pseudonym}".encode()).digest()
