"""Out of fold: which heads a network trains on, and which are held out to validate it (paper, section Training).

Heads of one name are of one patient and stay together. Patients are dealt to the folds in the order of their names,
each class by itself, so that every fold has its share of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.heads import LabelledHead


def split(
    heads: Sequence[LabelledHead], folds: int, fold: int
) -> tuple[tuple[LabelledHead, ...], tuple[LabelledHead, ...]]:
    """(the heads of all folds but `fold`, those of `fold`), folds counted from 1. ValueError where one is empty."""
    strokes = {head.name: head.stroke for head in sorted(heads, key=lambda head: head.name)}
    held_out: set[str] = set()
    for stroke in set(strokes.values()):
        held_out.update([name for name, its in strokes.items() if its is stroke][fold - 1 :: folds])
    training = tuple(head for head in heads if head.name not in held_out)
    validation = tuple(head for head in heads if head.name in held_out)
    if not training or not validation:
        raise ValueError(f"{len(strokes)} patients are too few for {folds} folds")
    return training, validation
