from __future__ import annotations

from dataclasses import replace

import pytest

from runtime.errors import UsageError
from tests.training.heads import toy_head, toy_heads
from training.cohort import Cohort, Member
from training.folds import split, split_by_cohort
from training.heads import LabelledHead

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
    with pytest.raises(UsageError, match="Too few"):
        split(HEADS[:1], 2, 2)


def member(pseudonym: str, fold: int, **changes: object) -> Member:
    values = {"class": "none", "scans": ["scans"], "split": "training", "fold": fold, **changes}
    return Member.model_validate({"pseudonym": pseudonym, **values})


def patient(pseudonym: str) -> LabelledHead:
    return replace(toy_head(1, None), seed=None, patient=pseudonym)


COHORT = Cohort(
    seed=1,
    folds=2,
    members=(
        member("a", 1),
        member("b", 0),
        member("c", 1, split="validation"),
        member("d", 1, added_after_errors=True),
    ),
)
PATIENTS = tuple(patient(name) for name in "abcda")  # a twice: also in thick slices


def test_a_cohorts_own_folds() -> None:
    """Fold 2 is the cohort's fold 1. d was picked because a model was wrong on it, and the last one is a phantom."""
    heads = (*PATIENTS, toy_head(9, None))
    training, validation = split_by_cohort(heads, 2, 2, COHORT)
    assert [head.name for head in training] == ["b", "d", "9"]
    assert [head.name for head in validation] == ["a", "c", "a"]
    training, validation = split_by_cohort(heads, 2, 1, COHORT)
    assert [head.name for head in training] == ["a", "c", "d", "a", "9"]
    assert [head.name for head in validation] == ["b"]


def test_a_cohort_that_does_not_fit() -> None:
    with pytest.raises(UsageError, match="The cohort has 2 folds and the configuration 6"):
        split_by_cohort(PATIENTS, 6, 1, COHORT)
    with pytest.raises(UsageError, match=r"Not in the cohort: e, f\. Run `python -m training cohort` again"):
        split_by_cohort([*PATIENTS, patient("f"), patient("e")], 2, 1, COHORT)
    with pytest.raises(UsageError, match="Too few"):
        split_by_cohort([patient("a"), patient("c")], 2, 1, COHORT)
