from __future__ import annotations

from pathlib import Path

import pytest

from calibration.readers import Reader, ReaderStudy, open_study, parse_study
from runtime.errors import UsageError

STUDY = "reader,errors,cases\nmodel,0,4\nA,4,4\n"


def test_the_papers_p_values_come_out() -> None:
    study = open_study()
    assert [reader.errors for reader in study.readers] == [6, 15, 8, 19, 33, 23, 25, 18, 19, 19]
    assert (study.model.errors, study.model.cases) == (7, 180)
    for reader in study.readers:
        assert study.p(reader) == pytest.approx(reader.published_p, abs=0.0015)


def test_fishers_test_by_hand() -> None:
    """All against nothing in 4 and 4: 2 of the 70 ways to deal out four errors are as extreme."""
    study = parse_study(STUDY.splitlines())
    assert study.p(study.readers[0]) == pytest.approx(2 / 70)
    assert study.p(Reader("B", 0, 4)) == 1.0


def test_computed_and_published_stand_side_by_side() -> None:
    study = ReaderStudy(Reader("model", 0, 4), (Reader("A", 4, 4, 0.03), Reader("B", 1, 4)))
    assert "| A | 4 | 4 | 0.0% | 0.0286 | 0.030 |" in study.markdown()
    assert "| B | 1 | 4 | 75.0% | 1.0000 |  |" in study.markdown()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reader,errors,cases,hospital\n", r"Unknown columns \['hospital'\]. The first line names them: reader,errors"),
        ("reader,cases\nmodel,4\n", r"No columns \['errors'\]. The first line names them"),
        ("", "No columns"),
        ("reader,errors,cases\nmodel,0,4\nA,5,4\n", "Line 3: 5 errors in 4 cases: give errors from 0 up to the cases"),
        ("reader,errors,cases\nmodel,-1,4\n", "Line 2: -1 errors"),
        ("reader,errors,cases\nmodel,0,0\n", "Line 2: 0 errors in 0 cases"),
        ("reader,errors,cases\nmodel,few,4\n", "Line 2: .*few"),
        ("reader,errors,cases\nmodel,0\n", "Line 2: the line has another number of columns"),
        ("reader,errors,cases\nmodel,0,4,1\n", "Line 2: the line has another number of columns"),
        ("reader,errors,cases\n,0,4\n", "Line 2: the reader has no name"),
        ("reader,errors,cases,published_p\nmodel,0,4,7\n", "Line 2: published_p is 7.0"),
        ("reader,errors,cases\nA,0,4\n", "Found 0 lines of 'model' and 1 of readers: give one, and some"),
        ("reader,errors,cases\nmodel,0,4\n", "Found 1 lines of 'model' and 0 of readers"),
    ],
)
def test_a_wrong_csv_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_study(text.splitlines())


def test_a_file_that_is_wrong_or_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "readers.csv"
    with pytest.raises(UsageError, match=r"readers.csv can't be read"):
        open_study(path)
    path.write_text("reader\n")
    with pytest.raises(UsageError, match=r"readers.csv: No columns \['errors', 'cases'\]"):
        open_study(path)
    path.write_bytes(b"\xef\xbb\xbf" + STUDY.replace("\n", "\r\n").encode())  # as a spreadsheet saves it
    assert open_study(path).model == Reader("model", 0, 4)
