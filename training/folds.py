"""Out of fold: which heads a network trains on, and which are held out to validate it (paper, section Training).

Heads of one seed are of one patient and stay together. Patients are dealt to the folds in the order of their seeds,
each class by itself, so that every fold has its share of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.heads import LabelledHead


def split(
    heads: Sequence[LabelledHead], folds: int, fold: int
) -> tuple[tuple[LabelledHead, ...], tuple[LabelledHead, ...]]:
    """(the heads of all folds but `fold`, those of `fold`), folds counted from 1. ValueError where one is empty."""
    strokes = {head.seed: head.stroke for head in sorted(heads, key=lambda head: head.seed)}
    held_out: set[int] = set()
    for stroke in set(strokes.values()):
        held_out.update([seed for seed, its in strokes.items() if its is stroke][fold - 1 :: folds])
    training = tuple(head for head in heads if head.seed not in held_out)
    validation = tuple(head for head in heads if head.seed in held_out)
    if not training or not validation:
        raise ValueError(f"{len(strokes)} patients are too few for {folds} folds")
    return training, validation
