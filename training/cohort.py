"""Cohort: the patients that are trained on, their class, scans and labels, who is for validation, and in which fold.

Owns two files: the table that a site writes by hand (CSV, one line a patient), and cohort.json, made of it by
`python -m training cohort`, which adds what must never change again. Reads no images.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from runtime.classification import StrokeClass
from runtime.errors import UsageError
from training.labels.names import Names

Meaning: TypeAlias = StrokeClass | Literal["none"]
COLUMNS = ("pseudonym", "class", "scans", "labels", "added_after_errors")
_PREFIX = "Value error, "
"""What pydantic puts before a validator's own words."""
_YES_OR_NO = {"": False, "no": False, "yes": True}


class Split(str, Enum):
    """What a patient's head is for."""

    TRAINING = "training"
    VALIDATION = "validation"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Patient(_Strict):
    """One patient, as the site describes them."""

    pseudonym: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    """Letters, digits, - and _. It names folders and files: never a name, birth date or hospital number."""
    stroke: Meaning = Field(alias="class")
    scans: tuple[Path, ...] = Field(min_length=1)
    """Folders with the patient's series of one scan, thin and thick, in any order, with whatever else was exported."""
    labels: Path | None = None
    """A DICOM SEG, an RTSTRUCT or a NIfTI; for patients with stroke."""
    added_after_errors: bool = False
    """Whether radiologists picked the case because a model was wrong on it (paper, out-of-fold variant)."""

    @model_validator(mode="after")
    def _labels_where_there_is_stroke(self) -> Patient:
        if (self.stroke == "none") != (self.labels is None):
            raise ValueError("patients of class IS or IH need labels, and healthy ones (none) have none")
        return self

    @property
    def stroke_class(self) -> StrokeClass | None:
        return None if self.stroke == "none" else self.stroke


class Member(Patient):
    """A patient and their place: for training or validation, and in which fold (from 0)."""

    split: Split
    fold: int = Field(ge=0)


class Cohort(_Strict):
    """All patients, in the order of their pseudonyms.

    seed, folds: what places were drawn with; names: what a site's own names for areas stand for
    """

    seed: int = Field(ge=0)
    folds: int = Field(ge=2)
    names: dict[str, Meaning] = {}
    members: tuple[Member, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Cohort:
        if twice := repeated([member.pseudonym for member in self.members]):
            raise ValueError(f"there twice: {', '.join(twice)}")
        if any(member.fold >= self.folds for member in self.members):
            raise ValueError(f"folds are numbered 0 to {self.folds - 1}")
        return self

    @property
    def meanings(self) -> Names:
        return Names({name: None if one == "none" else one for name, one in self.names.items()})


def repeated(pseudonyms: Sequence[str]) -> list[str]:
    """Those that are there more than once; in any case, since some file systems tell no cases apart."""
    folded = [pseudonym.casefold() for pseudonym in pseudonyms]
    return sorted({one for one in pseudonyms if folded.count(one.casefold()) > 1})


def read_patients(table: Path) -> tuple[Patient, ...]:
    """The table's patients, by pseudonym. Paths are relative to the table's folder; several scans with ; between.

    UsageError with one line for each mistake.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if tuple(rows.fieldnames or ()) != COLUMNS:
                raise UsageError(f"{table} must begin with the line: {','.join(COLUMNS)}")
            lines = [(rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{table} can't be read as a table in UTF-8: {error}") from error
    patients: list[Patient] = []
    mistakes: list[str] = []
    for number, row in lines:
        try:
            patients.append(Patient.model_validate(_cells(row, table.resolve().parent)))
            mistakes += [f"  line {number}: {one}" for one in _missing(patients[-1])]
        except ValidationError as error:
            mistakes += [f"  line {number}: {one}" for one in _sentences(error)]
    if twice := repeated([patient.pseudonym for patient in patients]):
        mistakes.append(f"  there twice: {', '.join(twice)}")
    if not lines:
        mistakes.append("  there is no patient in it")
    if mistakes:
        raise UsageError("\n".join([f"{table} has mistakes:", *mistakes]))
    return tuple(sorted(patients, key=lambda patient: patient.pseudonym))


def _cells(row: Mapping[str | None, object], folder: Path) -> dict[str, object]:
    """One line's cells as Patient takes them; what stands beyond the last column is an extra one, and fails there."""
    cells = {str(key): str(value or "").strip() for key, value in row.items()}
    labels, answer = cells["labels"], cells["added_after_errors"]
    return {
        **cells,
        "scans": [folder / part.strip() for part in cells["scans"].split(";") if part.strip()],
        "labels": folder / labels if labels else None,
        "added_after_errors": _YES_OR_NO.get(answer.lower(), answer),
    }


def _missing(patient: Patient) -> list[str]:
    found = [f"scans: there is no folder {folder}" for folder in patient.scans if not folder.is_dir()]
    if patient.labels is not None and not patient.labels.is_file():
        found.append(f"labels: there is no file {patient.labels}")
    return found


def load_cohort(path: Path) -> Cohort:
    """cohort.json; whether its folders still exist is not asked. UsageError with one line for each mistake."""
    try:
        return Cohort.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}); make it with `python -m training cohort`"
        ) from error
    except ValidationError as error:
        mistakes = [f"  {one}" for one in _sentences(error)]
        raise UsageError("\n".join([f"{path} has mistakes; make it anew from the table:", *mistakes])) from error


def save_cohort(cohort: Cohort, path: Path) -> None:
    """Write `path` whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(cohort.model_dump_json(indent=1, by_alias=True) + "\n", encoding="utf-8")
    part.replace(path)


def _sentences(error: ValidationError) -> list[str]:
    words = {"extra_forbidden": "there is no such column", "missing": "is missing", "too_short": "is empty"}
    return [
        f"{'.'.join(map(str, one['loc'])) or 'patient'}: {words.get(one['type']) or one['msg'].removeprefix(_PREFIX)}"
        for one in error.errors()
    ]
