"""Every row of the table of cases, read and analysed as `analyse` does, with engines that live in memory."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timezone
from pathlib import Path

import numpy as np
import pytest

from appliance.case import Setup, conclude
from appliance.drop import Limits
from appliance.outcome import Outcome, Status
from appliance.prepared import Reader, prepare
from phantom.cases.case import WHEN_READ, WITH_ALL, Case, case_head, settings
from phantom.cases.forms import READ
from phantom.cases.table import CASES
from phantom.companions import write_dicomdir
from phantom.compression import LOSSY
from phantom.series import write_series
from runtime.classification import Call
from runtime.codes import Code, Effect, Flag
from runtime.pixels import Budget
from runtime.volume import Volume
from tests.memory_service import PLANTED_HU, memory_engines

NOT_OF_A_DROP = {Code.ENGINE_FAILED, Code.ANALYSIS_ABORTED, Code.READER_FAILED, Code.PARTIAL}
"""What happens to a job, whatever was dropped."""

READER = Reader(Limits(), Budget(), lambda: WHEN_READ.replace(tzinfo=timezone.utc), time.monotonic)


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    with memory_engines() as setup:
        yield setup


@pytest.fixture(scope="module")
def head() -> Volume:
    return case_head()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_has_its_outcome(case: Case, head: Volume, tmp_path: Path, setup: Setup) -> None:
    case.write(head, tmp_path / "drop")
    outcome = conclude(prepare(tmp_path / "drop", READER), setup)
    assert (outcome.reason.code if outcome.reason else None) is case.reason
    assert outcome.status is (Status.REJECTED if case.reason else Status.COMPLETED)
    if case.reason:
        assert outcome.reason is not None
        assert outcome.reason.code.action
        return
    assert {flag.code for flag in outcome.flags} == case.flags | WITH_ALL
    if case.patient is not None:
        assert outcome.study is not None
        assert outcome.study.patient.name == case.patient
    if any(flag.forbids_none for flag in outcome.flags):
        assert outcome.analysis is not None
        assert outcome.analysis.finding.call is not Call.NONE


def test_the_table_names_each_case_once_and_leaves_no_rejection_out() -> None:
    assert [name for name, count in Counter(case.name for case in CASES).items() if count > 1] == []
    rejections = {code for code in Code if Effect.REJECT in code.effects} - NOT_OF_A_DROP
    assert rejections - {case.reason for case in CASES} == set()


@pytest.fixture(scope="module")
def planted(head: Volume) -> Volume:
    """The head with a bright box in its right half, which these engines mark."""
    hu = head.hu.copy()
    hu[30:36, 50:62, 25:35] = PLANTED_HU
    return Volume(hu, head.geometry)


@pytest.fixture(scope="module")
def plain(planted: Volume, setup: Setup, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What comes of the series as it is written by default."""
    drop = tmp_path_factory.mktemp("plain")
    write_series(planted, drop, settings())
    return conclude(prepare(drop, READER), setup)


def careless(planted: Volume, drop: Path, syntax: str) -> None:
    """The series shuffled, renamed, and two folders deep beside a viewer and a DICOMDIR."""
    for number, path in enumerate(write_series(planted, drop / "a/b", settings(syntax=syntax, shuffle_seed=8))):
        path.rename(path.with_name(f"{(number * 37) % 101:03d}.jpg"))
    (drop / "viewer.exe").write_bytes(b"MZ" + bytes(1000))
    write_dicomdir(drop)


@pytest.mark.parametrize("syntax", [syntax for syntax in READ if syntax not in LOSSY])
def test_every_lossless_syntax_gives_the_same_mask_bit_for_bit(
    syntax: str, planted: Volume, plain: Outcome, tmp_path: Path, setup: Setup
) -> None:
    careless(planted, tmp_path / "drop", syntax)
    outcome = conclude(prepare(tmp_path / "drop", READER), setup)
    assert outcome.analysis is not None
    assert plain.analysis is not None
    assert np.count_nonzero(plain.analysis.native_mask) >= 5 * 12 * 10
    np.testing.assert_array_equal(outcome.analysis.native_mask, plain.analysis.native_mask)
    np.testing.assert_array_equal(outcome.analysis.grid_mask, plain.analysis.grid_mask)
    np.testing.assert_array_equal(outcome.analysis.native.hu, plain.analysis.native.hu)
    assert outcome.analysis.finding == plain.analysis.finding
    assert outcome.flags == plain.flags


@pytest.mark.parametrize("syntax", list(LOSSY))
def test_a_lossy_syntax_finds_the_same_place_and_says_so(
    syntax: str, planted: Volume, plain: Outcome, tmp_path: Path, setup: Setup
) -> None:
    careless(planted, tmp_path / "drop", syntax)
    outcome = conclude(prepare(tmp_path / "drop", READER), setup)
    assert outcome.analysis is not None
    assert plain.analysis is not None
    both = outcome.analysis.native_mask & plain.analysis.native_mask
    assert np.count_nonzero(both) > 0.9 * np.count_nonzero(plain.analysis.native_mask)
    assert Flag(Code.LOSSY_COMPRESSION) in outcome.flags
