from __future__ import annotations

import numpy as np
import pytest

from phantom.cohort import Purpose, Scan
from runtime.classification import StrokeClass
from training.phantoms import make_head, scans


@pytest.mark.parametrize(
    ("purpose", "first"),
    [
        (Purpose.TRAINING, 100_000),
        (Purpose.VALIDATION, 200_000),
        (Purpose.CALIBRATION, 300_000),
        (Purpose.TEST, 400_000),
    ],
)
def test_each_purpose_has_seeds_of_its_own(purpose: Purpose, first: int) -> None:
    seeds = [scan.seed for scan in scans(purpose, 24)]
    assert seeds == list(range(first, first + 24))


@pytest.mark.parametrize(("stroke", "count"), [(StrokeClass.IS, 24), (StrokeClass.IH, 24), (None, 48)])
def test_half_healthy_and_a_quarter_thick(stroke: StrokeClass | None, count: int) -> None:
    of_class = [scan for scan in scans(Purpose.TRAINING, 96) if scan.stroke is stroke]
    assert len(of_class) == count
    assert sum(scan.spacing_mm[0] == 5.0 for scan in of_class) == count // 4


def test_more_heads_begin_with_the_same_ones() -> None:
    assert scans(Purpose.TRAINING, 96)[:12] == scans(Purpose.TRAINING, 12)


@pytest.mark.slow
def test_a_thick_head_lands_on_the_fine_grid() -> None:
    head = make_head(Scan(7, StrokeClass.IH, (5.0, 0.9, 0.9)))
    assert head.spacing_mm == pytest.approx((1.0, 0.9, 0.9))
    assert set(np.unique(head.labels)) == {0, StrokeClass.IH.label}
    blood, brain = head.hu[head.labels > 0].mean(), 35
    assert blood > brain + 10
