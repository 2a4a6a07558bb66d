from __future__ import annotations

import pytest

from tests.training.heads import toy_head, toy_heads
from training.folds import split

HEADS = toy_heads(9)  # named 0 to 8; in turn IS, IH, healthy


def names(fold: int) -> tuple[str, str]:
    training, validation = split(HEADS, 3, fold)
    return "".join(head.name for head in training), "".join(head.name for head in validation)


def test_what_a_fold_trains_on() -> None:
    """Each fold holds out one of each class."""
    assert names(1) == ("345678", "012")
    assert names(2) == ("012678", "345")
    assert names(3) == ("012345", "678")


def test_heads_of_one_patient_stay_together() -> None:
    again = toy_head(4, HEADS[4].stroke)  # the same patient in thick slices
    training, validation = split((*HEADS, again), 3, 2)
    assert [head.name for head in validation] == ["3", "4", "5", "4"]
    assert len(training) == 6


def test_too_few_patients() -> None:
    with pytest.raises(ValueError, match="too few"):
        split(HEADS[:1], 2, 2)
