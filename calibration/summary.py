"""What is said of one figure over many patients: mean, spread, how well the mean is known, and paired comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 9_999


@dataclass(frozen=True, slots=True)
class Summary:
    """mean; sd: sample standard deviation; low, high: 95 % bootstrap interval of the mean over patients (percentiles).

    The last three are None for a single patient.
    """

    count: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Sequence[float], rng: np.random.Generator) -> Summary:
        """ValueError where there is none."""
        if not values:
            raise ValueError("no values to summarise")
        if len(values) == 1:
            return cls(1, values[0], None, None, None)
        interval = stats.bootstrap(
            (values,), np.mean, n_resamples=RESAMPLES, confidence_level=CONFIDENCE, method="percentile", rng=rng
        ).confidence_interval
        return cls(len(values), float(np.mean(values)), deviation(values), float(interval.low), float(interval.high))


def deviation(values: Sequence[float]) -> float | None:
    """The sample standard deviation (n - 1); None for fewer than two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def paired_p(ones: Sequence[float], others: Sequence[float]) -> float | None:
    """Two-sided Wilcoxon signed-rank p of the same patients measured in two ways; 1 where no two differ, None for
    nobody."""
    if not ones:
        return None
    if not np.any(np.subtract(ones, others)):
        return 1.0
    return float(stats.wilcoxon(ones, others).pvalue)
