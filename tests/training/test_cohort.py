from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from runtime.classification import StrokeClass
from runtime.errors import UsageError
from training.cohort import Cohort, Member, Patient, Split, load_cohort, read_patients, save_cohort
from training.splits import Place, places

HEADER = "pseudonym,class,scans,labels,added_after_errors\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Folders and files that a table can name."""
    for name in ("p1/thin", "p1/thick", "p2"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "p1.nii.gz").touch()
    return tmp_path


def patient(number: int, stroke: str, *, added: bool = False) -> Patient:
    """Unchecked: nothing here looks at files."""
    return Patient.model_construct(
        pseudonym=f"p{number:03}",
        stroke="none" if stroke == "none" else StrokeClass(stroke),
        scans=(),
        labels=None,
        added_after_errors=added,
    )


def test_a_table(site: Path) -> None:
    table = site / "patients.csv"
    table.write_text(HEADER + "p2,none,p2,,\n" + "p1,IS,p1/thin; p1/thick,p1.nii.gz,yes\n", encoding="utf-8-sig")
    one, two = read_patients(table)
    assert (one.pseudonym, one.stroke_class, one.labels) == ("p1", StrokeClass.IS, site / "p1.nii.gz")
    assert one.scans == (site / "p1/thin", site / "p1/thick")
    assert one.added_after_errors
    assert (two.pseudonym, two.stroke_class, two.labels, two.added_after_errors) == ("p2", None, None, False)


def test_all_mistakes_of_a_table_at_once(site: Path) -> None:
    lines = [
        "Jane Doe,none,p2,,",
        "p3,XX,p2,,",
        "p4,none,nowhere,,",
        "p5,none,,,",
        "p6,IS,p2,,",
        "p7,IS,p2,lost.nii,",
        "p8,none,p2,,maybe",
        "p9,none,p2,,,more",
        "pa,none,p2,,",
        "PA,none,p2,,",
    ]
    (site / "patients.csv").write_text(HEADER + "\n".join(lines), encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_patients(site / "patients.csv")
    text = str(caught.value)
    for number, words in enumerate(
        (
            "pseudonym",
            "class",
            "there is no folder",
            "scans: is empty",
            "need labels",
            "there is no file",
            "added",
            "no such",
        ),
        start=2,
    ):
        assert any(line.startswith(f"  line {number}: ") and words in line for line in text.splitlines()), (words, text)
    assert "there twice: PA, pa" in text


@pytest.mark.parametrize("content", ["", "name,class\n", HEADER])
def test_a_table_without_patients(site: Path, content: str) -> None:
    (site / "patients.csv").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError):
        read_patients(site / "patients.csv")


def test_a_cohort_survives_the_disk(site: Path) -> None:
    about = {"pseudonym": "p1", "class": "IS", "scans": [site / "p2"], "labels": site / "p1.nii.gz"}
    member = Member.model_validate({**about, "split": "training", "fold": 2})
    cohort = Cohort(seed=1, folds=6, names={"bleed": StrokeClass.IH, "oedema": "none"}, members=(member,))
    save_cohort(cohort, site / "cohort.json")
    again = load_cohort(site / "cohort.json")
    assert again == cohort
    assert again.meanings.meaning("BLEED") is StrokeClass.IH
    assert again.meanings.meaning("oedema") is None


@pytest.mark.parametrize(
    ("content", "words"), [("{}", "members: is missing"), ("no JSON", "Invalid JSON"), (None, "make it with")]
)
def test_what_is_no_cohort(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "cohort.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        load_cohort(tmp_path / "cohort.json")


def test_a_tenth_of_each_class_is_for_validation_and_folds_are_even() -> None:
    patients = [patient(number, ("IS", "IS", "IH")[number % 3]) for number in range(300)]
    drawn = places(patients, seed=1, folds=6, before={})
    of_class = {one.pseudonym: one.stroke for one in patients}
    validation = Counter(of_class[name] for name, place in drawn.items() if place.split is Split.VALIDATION)
    assert validation == {StrokeClass.IS: 20, StrokeClass.IH: 10}
    folds = Counter((of_class[name], place.fold) for name, place in drawn.items())
    assert {stroke: {folds[stroke, fold] for fold in range(6)} for stroke in StrokeClass} == {
        StrokeClass.IS: {33, 34},
        StrokeClass.IH: {16, 17},
    }


def test_places_depend_on_the_seed_and_on_no_order() -> None:
    patients = [patient(number, "IS") for number in range(40)]
    drawn = places(patients, seed=1, folds=6, before={})
    assert places(patients[::-1], seed=1, folds=6, before={}) == drawn
    assert places(patients, seed=2, folds=6, before={}) != drawn
    assert sorted(name for name, place in drawn.items() if place.split is Split.VALIDATION) == [
        "p008", "p013", "p034", "p036",
    ]  # fmt: skip


def test_nobody_moves_when_others_join() -> None:
    patients = [patient(number, "IS") for number in range(40)]
    first = places(patients[::2], seed=1, folds=6, before={})
    more = places(patients, seed=1, folds=6, before=first)
    assert {name: more[name] for name in first} == first
    assert sum(place.split is Split.VALIDATION for place in more.values()) == 4


def test_cases_added_after_errors_are_for_training() -> None:
    patients = [patient(number, "IH", added=number >= 10) for number in range(110)]
    drawn = places(patients, seed=1, folds=6, before={})
    validation = [name for name, place in drawn.items() if place.split is Split.VALIDATION]
    assert len(validation) == 1
    assert validation[0] < "p010"
    assert {place.fold for name, place in drawn.items() if name >= "p010"} == set(range(6))


@pytest.mark.parametrize(("count", "expected"), [(1, 0), (2, 1), (9, 1), (26, 3)])
def test_few_patients(count: int, expected: int) -> None:
    drawn = places([patient(number, "none") for number in range(count)], seed=1, folds=2, before={})
    assert sum(place.split is Split.VALIDATION for place in drawn.values()) == expected
    assert all(isinstance(place, Place) for place in drawn.values())
