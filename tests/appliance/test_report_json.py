from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

import appliance
from appliance.outcome import Outcome, Status
from appliance.report_json import SCHEMA_ID, result_document
from runtime.classification import Call, ClassMeasure, Finding, StrokeClass
from runtime.codes import Code, Flag
from tests.appliance.outcomes import LEFT_LESION, RIGHT_LESION, completed, considered, masked, study, unfinished

SCHEMA = json.loads((Path(appliance.__file__).parent / "result.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())

IH = completed(
    Call.IH,
    masked(StrokeClass.IH, RIGHT_LESION, LEFT_LESION),
    flags=[Flag(Code.OLD_STUDY, "It was made on 2026-03-12."), Flag(Code.UNSIGNED_ENGINES)],
    other_studies=[study(uid="1.9")],
)
REJECTED = unfinished(Status.REJECTED, Code.CONTRAST_ENHANCED, who=study(), verdicts=considered(3)[1:])
OUTCOMES = {
    "none": completed(Call.NONE),
    "IS": completed(Call.IS, masked(StrokeClass.IS, LEFT_LESION)),
    "IH": IH,
    "inconclusive": completed(
        Call.INCONCLUSIVE, masked(StrokeClass.IS, LEFT_LESION), flags=[Flag(Code.MASK_WITHOUT_CALL)]
    ),
    "call without mask": completed(Call.IS, flags=[Flag(Code.CALL_WITHOUT_MASK)]),
    "nameless": completed(who=study("", "", accession="", date=None, time=None)),
    "rejected": REJECTED,
    "rejected unread": unfinished(Status.REJECTED, Code.BAD_ARCHIVE),
    "failed": unfinished(Status.FAILED, Code.ENGINE_FAILED, "Out of memory.", who=study(), verdicts=considered()),
}


def published(outcome: Outcome) -> Any:
    """The document as a reader gets it."""
    return json.loads(json.dumps(result_document(outcome), allow_nan=False))


def test_the_schema_is_a_schema_and_the_documents_name_it() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == SCHEMA_ID == published(IH)["schema"]["id"]


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=OUTCOMES)
def test_every_kind_of_outcome_is_valid(outcome: Outcome) -> None:
    VALIDATOR.validate(published(outcome))


def test_publishing_may_add_the_hashes_of_the_other_files() -> None:
    VALIDATOR.validate(published(IH) | {"files": [{"name": "report.pdf", "sha256": "0" * 64, "size": 1}]})


def test_a_completed_document_says_what_was_found() -> None:
    document = published(IH)
    assert document["status"] == "completed"
    assert document["words"]["headline"] == "Suspected intracranial haemorrhage (IH)"
    assert document["finding"]["class"] == "IH"
    voxels, voxel_ml = 6 * 12 * 10 + 3 * 6 * 6, 4.0 * 3.0 * 2.5 / 1000
    assert document["finding"]["classes"]["IH"] == {
        "mean": pytest.approx(1.7784),
        "cutoff": 1.52,
        "positive": True,
        "volume_ml": pytest.approx(voxels * voxel_ml),
        "side": "bilateral",
    }
    assert document["finding"]["classes"]["IS"]["side"] is None
    right, left = document["lesions"]
    assert (right["side"], left["side"]) == ("right", "left")
    assert right["slices"] == {"first": 26, "last": 31}
    assert right["centroid_mm"][0] < 0 < left["centroid_mm"][0]
    assert document["patient"] == {"name": "Doe^Jane", "id": "4711-A", "birth_date": "1951-07-02", "sex": "F"}
    assert (document["study"]["date"], document["study"]["time"]) == ("2026-03-14", "02:58:11")
    assert [other["study_uid"] for other in document["other_studies"]] == ["1.9"]
    assert document["series"]["used"]["spacing_mm"] == [4.0, 3.0, 2.5]
    assert document["series"]["used"]["resampled"] is False
    assert [one["verdict"] for one in document["series"]["considered"]] == ["used", "not used", "not used"]
    assert document["flags"][0] == {
        "code": "OLD_STUDY",
        "message": "The scan is more than 24 hours old. It was made on 2026-03-12.",
        "action": Code.OLD_STUDY.action,
    }
    assert document["timing_seconds"]["total"] == pytest.approx(45.5)
    assert document["job"] == {
        "drop": "CT_0042",
        "key": "0123abcd",
        "revision": 1,
        "earlier": None,
        "finished": "2026-03-14T03:12:40+01:00",
    }
    assert "Research use only" in document["intended_use"]


@pytest.mark.parametrize("name", ["rejected", "rejected unread", "failed"])
def test_what_was_not_analysed_has_a_reason_and_nothing_like_a_finding(name: str) -> None:
    document = published(OUTCOMES[name])
    assert {"finding", "lesions"}.isdisjoint(document)
    assert document["words"]["headline"] == "Not analysed"
    assert document["reason"]["action"] in document["words"]["instruction"]
    assert "No stroke" not in json.dumps(document)


Edit = Callable[[Any], object]
BROKEN_COMPLETED: dict[str, Edit] = {
    "no finding": lambda d: d.pop("finding"),
    "no lesions": lambda d: d.pop("lesions"),
    "a reason": lambda d: d.update(reason={"code": "NOT_CT", "message": "m", "action": "a"}),
    "an unknown key": lambda d: d.update(extra=1),
    "an unknown class": lambda d: d["finding"].update({"class": "healthy"}),
    "a call without its evidence": lambda d: d["finding"]["classes"]["IH"].update(positive=False),
    "none beside lesions": lambda d: d["finding"].update({"class": "none"}),
    "inconclusive beside a positive class": lambda d: d["finding"].update({"class": "inconclusive"}),
    "no patient": lambda d: d.update(patient=None),
    "no engines": lambda d: d.update(engines=None),
    "no series": lambda d: d["series"].update(used=None),
    "no spacing": lambda d: d["series"]["used"].update(spacing_mm=None),
    "negative millilitres": lambda d: d["lesions"][0].update(volume_ml=-1),
    "a picture's side": lambda d: d["lesions"][0].update(side="upper"),
    "a German date": lambda d: d["study"].update(date="14.03.2026"),
    "a date that does not exist": lambda d: d["patient"].update(birth_date="2026-02-30"),
    "a time without zone": lambda d: d["job"].update(finished="2026-03-14T03:12:40"),
    "no total": lambda d: d["timing_seconds"].pop("total"),
    "another version": lambda d: d["schema"].update(version="2.0"),
    "no intended use": lambda d: d.update(intended_use=""),
}
BROKEN_REJECTED: dict[str, Edit] = {
    "no reason": lambda d: d.pop("reason"),
    "an empty list of lesions": lambda d: d.update(lesions=[]),
    "a finding": lambda d: d.update(finding=published(OUTCOMES["none"])["finding"]),
    "the words of a finding": lambda d: d["words"].update(headline="No stroke detected"),
    "a reason without action": lambda d: d["reason"].pop("action"),
    "completed": lambda d: d.update(status="completed"),
}


@pytest.mark.parametrize("edit", BROKEN_COMPLETED.values(), ids=BROKEN_COMPLETED)
def test_the_schema_refuses_a_completed_document_with(edit: Edit) -> None:
    document = published(IH)
    edit(document)
    with pytest.raises(ValidationError):
        VALIDATOR.validate(document)


@pytest.mark.parametrize("edit", BROKEN_REJECTED.values(), ids=BROKEN_REJECTED)
def test_the_schema_refuses_a_rejected_document_with(edit: Edit) -> None:
    document = published(REJECTED)
    edit(document)
    with pytest.raises(ValidationError):
        VALIDATOR.validate(document)


def test_a_number_that_is_not_finite_is_no_result() -> None:
    analysis = IH.analysis
    assert analysis is not None
    measures = dict(analysis.finding.measures) | {StrokeClass.IS: ClassMeasure(math.nan, 1.16, 0.0)}
    broken = replace(IH, analysis=replace(analysis, finding=Finding(Call.IH, measures)))
    with pytest.raises(ValueError, match="not finite"):
        result_document(broken)


def test_a_folder_name_in_no_known_encoding_can_be_written() -> None:
    drop = b"CT_\xff".decode("utf-8", "surrogateescape")
    text = json.dumps(result_document(completed(drop=drop)), ensure_ascii=False)
    assert json.loads(text.encode())["job"]["drop"] == "CT_\N{REPLACEMENT CHARACTER}"
