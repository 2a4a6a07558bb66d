from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from phantom.cohort import Purpose, Scan, cohort
from runtime.classification import StrokeClass
from runtime.errors import UsageError
from training.generators import GENERATOR
from training.phantoms import make_head, prepare, scans


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


def test_a_spacing_for_all() -> None:
    varied, alike = scans(Purpose.TRAINING, 20), scans(Purpose.TRAINING, 20, (4.0, 3.0, 3.0))
    assert {scan.spacing_mm for scan in alike} == {(4.0, 3.0, 3.0)}
    assert [(scan.seed, scan.stroke) for scan in alike] == [(scan.seed, scan.stroke) for scan in varied]


def test_a_thick_cohort_head_lands_on_its_reduced_grid() -> None:
    scan = next(scan for scan in cohort(Purpose.TRAINING, 40) if scan.spacing_mm[0] > 2 and scan.stroke)
    head = make_head(replace(scan, spacing_mm=(scan.spacing_mm[0], 1.8, 1.8)))
    assert head.spacing_mm == pytest.approx((1.5, 1.8, 1.8))
    assert head.stroke is scan.stroke is not None
    assert set(np.unique(head.labels)) == {0, scan.stroke.label}


def test_heads_of_another_generator_are_refused(tmp_path: Path) -> None:
    (tmp_path / GENERATOR).write_text('{"generator": "0", "difficulty": "cohort", "donor": null}')
    with pytest.raises(UsageError, match="another generator, difficulty or donor"):
        prepare(cohort(Purpose.TRAINING, 1), tmp_path, processes=1)
    assert [path.name for path in tmp_path.iterdir()] == [GENERATOR]


def test_a_donor_that_is_none_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        prepare(cohort(Purpose.TRAINING, 1), tmp_path / "out", processes=1, donor=tmp_path / "missing.nii")
    assert not (tmp_path / "out").exists()
