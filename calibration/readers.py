"""The reader study: radiologists against the model on the same kind of task (paper, Table 2), from counts of errors.

Fisher's exact test, two-sided, as published; the counts come from a CSV, and the paper's own ship beside this module.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from runtime.errors import UsageError

PAPER = Path(__file__).with_name("paper_readers.csv")
COLUMNS = ("reader", "errors", "cases", "published_p")
MODEL = "model"


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader's result. ValueError where the counts can't be right. published_p: None where none was."""

    name: str
    errors: int
    cases: int
    published_p: float | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("the reader has no name")
        if not 0 <= self.errors <= self.cases or not self.cases:
            raise ValueError(f"{self.errors} errors in {self.cases} cases: give errors from 0 up to the cases")
        if self.published_p is not None and not 0 <= self.published_p <= 1:
            raise ValueError(f"published_p is {self.published_p}: give a probability, or leave it empty")

    @property
    def accuracy(self) -> float:
        return 1 - self.errors / self.cases


@dataclass(frozen=True, slots=True)
class ReaderStudy:
    """The model and at least one reader."""

    model: Reader
    readers: tuple[Reader, ...]

    def p(self, reader: Reader) -> float:
        """Two-sided p of Fisher's exact test on errors and right answers of `reader` and the model."""
        table = np.array([[one.errors, one.cases - one.errors] for one in (reader, self.model)])
        return float(stats.fisher_exact(table, alternative="two-sided").pvalue)

    def markdown(self) -> str:
        """Computed and published p side by side."""
        rows = (_row(reader, f"{self.p(reader):.4f}") for reader in self.readers)
        head = ("| reader | errors | cases | accuracy | p | published p |", "|---|---|---|---|---|---|")
        return "\n".join([*head, _row(self.model, ""), *rows])


def parse_study(lines: Iterable[str]) -> ReaderStudy:
    """From CSV with a line of column names: reader, errors, cases and, if wanted, published_p; one reader is 'model'.

    UsageError says which line is wrong and what to write there.
    """
    rows = csv.DictReader(lines, strict=True)
    names = rows.fieldnames or ()
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in COLUMNS[:3] if name not in names]
    if unknown or missing:
        problem = f"Unknown columns {unknown}." if unknown else f"No columns {missing}."
        raise UsageError(f"{problem} The first line names them: {','.join(COLUMNS)} (the last may be left out).")
    every = tuple(_readers(rows))
    models = [one for one in every if one.name == MODEL]
    readers = tuple(one for one in every if one.name != MODEL)
    if len(models) != 1 or not readers:
        raise UsageError(f"Found {len(models)} lines of '{MODEL}' and {len(readers)} of readers: give one, and some.")
    return ReaderStudy(models[0], readers)


def open_study(path: Path = PAPER) -> ReaderStudy:
    """The study in a CSV file. UsageError where it can't be read or parsed."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return parse_study(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can't be read ({error}): give a CSV file in UTF-8.") from error
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def _readers(rows: csv.DictReader[str]) -> Iterator[Reader]:
    try:
        for row in rows:
            if None in row or None in row.values():
                raise ValueError("the line has another number of columns than the first")
            p = row.get("published_p", "")
            yield Reader(row["reader"].strip(), int(row["errors"]), int(row["cases"]), float(p) if p else None)
    except (csv.Error, ValueError) as error:
        raise UsageError(f"Line {rows.line_num}: {error}.") from error


def _row(reader: Reader, p: str) -> str:
    published = "" if reader.published_p is None else f"{reader.published_p:.3f}"
    return f"| {reader.name} | {reader.errors} | {reader.cases} | {reader.accuracy:.1%} | {p} | {published} |"
