"""Out of fold: which heads a network trains on, and which are held out to validate it (paper, section Training).

Heads of one name are of one patient and stay together. A cohort has drawn its patients' folds once and for all; without
one, patients are dealt to the folds in the order of their names, each class by itself, so that every fold has its share
of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from runtime.errors import UsageError
from training.cohort import Cohort
from training.heads import LabelledHead

Parts = tuple[tuple[LabelledHead, ...], tuple[LabelledHead, ...]]
"""(heads to train on, heads held out)."""


def split(heads: Sequence[LabelledHead], folds: int, fold: int) -> Parts:
    """The heads of all folds but `fold`, and those of `fold`, counted from 1. UsageError where one is empty."""
    strokes = {head.name: head.stroke for head in sorted(heads, key=lambda head: head.name)}
    held_out: set[str] = set()
    for stroke in set(strokes.values()):
        held_out.update([name for name, its in strokes.items() if its is stroke][fold - 1 :: folds])
    return _parts(heads, folds, held_out)


def split_by_cohort(heads: Sequence[LabelledHead], folds: int, fold: int, cohort: Cohort) -> Parts:
    """The same by the folds that the cohort has drawn, which it counts from 0.

    Cases that were added after a model's errors are never held out, and neither are phantoms. UsageError for patients
    who are not in the cohort, and for another number of folds, and where a part is empty.
    """
    if cohort.folds != folds:
        raise UsageError(f"The cohort has {cohort.folds} folds and the configuration {folds}: write folds = the same.")
    members = {member.pseudonym: member for member in cohort.members}
    if strangers := sorted({head.patient for head in heads if head.patient is not None} - set(members)):
        raise UsageError(
            f"Not in the cohort: {', '.join(strangers)}. Run `python -m training cohort` again with the same --out, or "
            "leave them out of --heads."
        )
    held_out = {name for name, one in members.items() if one.fold == fold - 1 and not one.added_after_errors}
    return _parts(heads, folds, held_out & {head.patient for head in heads if head.patient is not None})


def _parts(heads: Sequence[LabelledHead], folds: int, held_out: Collection[str]) -> Parts:
    training = tuple(head for head in heads if head.name not in held_out)
    validation = tuple(head for head in heads if head.name in held_out)
    if not training or not validation:
        raise UsageError(
            f"Too few patients for {folds} folds ({len({head.name for head in heads})}): add patients, or write a "
            "smaller folds = in the configuration."
        )
    return training, validation
