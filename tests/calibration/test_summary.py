from __future__ import annotations

import numpy as np
import pytest

from calibration.summary import Summary, deviation, paired_p


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_mean_spread_and_an_interval_around_the_mean() -> None:
    summary = Summary.of([0.2, 0.4, 0.6, 0.8], rng())
    assert (summary.count, summary.mean) == (4, 0.5)
    assert summary.sd == pytest.approx(np.sqrt(0.2 / 3))
    assert summary.low is not None
    assert summary.high is not None
    assert 0.2 < summary.low < 0.5 < summary.high < 0.8
    assert summary == Summary.of([0.2, 0.4, 0.6, 0.8], rng())


def test_equal_values_have_an_interval_without_width() -> None:
    assert Summary.of([0.5, 0.5, 0.5], rng()) == Summary(3, 0.5, 0.0, 0.5, 0.5)


def test_a_single_patient_has_no_spread() -> None:
    assert Summary.of([0.5], rng()) == Summary(1, 0.5, None, None, None)
    assert deviation([0.5]) is None


def test_of_nobody_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no values"):
        Summary.of([], rng())
    assert paired_p([], []) is None


def test_five_of_five_better_is_one_of_sixteen() -> None:
    """Of the 32 ways to sign five differences, two are as extreme as all of one sign."""
    assert paired_p([0.9, 0.8, 0.7, 0.6, 0.5], [0.8, 0.6, 0.4, 0.2, 0.0]) == pytest.approx(2 / 32)


def test_where_nothing_differs_p_is_one() -> None:
    assert paired_p([0.9, 0.8], [0.9, 0.8]) == 1.0
