"""An outcome as the document of result.json. Published schema: result.schema.json, beside this module.

It writes no file and decides nothing. What is unknown is null or empty; numbers are finite; text is Unicode that any
encoder accepts. A study that was not analysed has no `finding` and no `lesions`: an empty list could read as 'healthy'.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from appliance.outcome import Outcome
from appliance.wording import INTENDED_USE, words_of
from runtime.classification import StrokeClass
from runtime.lesions import Lesion, side_of
from runtime.pipeline import Analysis
from runtime.provenance import Provenance
from runtime.selection import Verdict
from runtime.study import Series, Study

Document: TypeAlias = dict[str, Any]

SCHEMA_ID = "urn:strokebox:result:1"
SCHEMA_VERSION = "1.1"
"""Grows behind the dot when keys are added, before it (with the id) when any is changed or removed."""

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


def result_document(outcome: Outcome) -> Document:
    """The document of any outcome, ready for json.dumps(allow_nan=False); who publishes it adds `files`, the hashes.

    ValueError where a number of the result is not finite: then there is no result to publish.
    """
    words = words_of(outcome)
    document: Document = {
        "schema": {"id": SCHEMA_ID, "version": SCHEMA_VERSION},
        "status": outcome.status.value,
        "words": {"headline": words.headline, "instruction": words.instruction},
        "patient": _patient(outcome.study) if outcome.study else None,
        "study": _study(outcome.study) if outcome.study else None,
        "other_studies": [_study(other) for other in outcome.other_studies],
        "series": {"used": _used(outcome), "considered": [_considered(one) for one in outcome.verdicts]},
        "flags": [
            {"code": flag.code.name, "message": _text(flag.message), "action": flag.code.action}
            for flag in outcome.flags
        ],
        "engines": _engines(outcome.engines),
        "timing_seconds": _timing(outcome.seconds),
        "software": {"name": "strokebox", "version": outcome.software_version},
        "job": {
            "drop": _text(outcome.drop),
            "key": outcome.key,
            "revision": outcome.revision,
            "earlier": _text(outcome.earlier) if outcome.earlier else None,
            "finished": outcome.finished.isoformat(timespec="seconds"),
        },
        "intended_use": INTENDED_USE,
    }
    if outcome.analysis is not None:
        document["finding"] = _finding(outcome.analysis)
        document["lesions"] = [_lesion(lesion) for lesion in outcome.analysis.lesions]
    elif outcome.reason is not None:
        code = outcome.reason.code
        document["reason"] = {"code": code.name, "message": _text(outcome.reason.message), "action": code.action}
    return document


def _finding(analysis: Analysis) -> Document:
    measures = analysis.finding.measures
    sides = {stroke: side_of(analysis.lesions, stroke) for stroke in StrokeClass}
    return {
        "class": analysis.finding.call.value,
        "classes": {
            stroke.value: {
                "mean": _number(measures[stroke].mean),
                "cutoff": _number(measures[stroke].cutoff),
                "positive": measures[stroke].positive,
                "volume_ml": _number(measures[stroke].volume_ml),
                "side": side.value if (side := sides[stroke]) else None,
            }
            for stroke in StrokeClass
        },
    }


def _lesion(lesion: Lesion) -> Document:
    return {
        "class": lesion.stroke.value,
        "volume_ml": _number(lesion.volume_ml),
        "side": lesion.side.value,
        "centroid_mm": [_number(place) for place in lesion.centroid_mm],
        "slices": {"first": lesion.first_slice, "last": lesion.last_slice},
    }


def _patient(study: Study) -> Document:
    patient = study.patient
    return {
        "name": _text(patient.name),
        "id": _text(patient.id),
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "sex": _text(patient.sex),
    }


def _study(study: Study) -> Document:
    return {
        "study_uid": _text(study.uid),
        "accession": _text(study.accession),
        "date": study.date.isoformat() if study.date else None,
        "time": study.time.isoformat(timespec="seconds") if study.time else None,
        "description": _text(study.description),
    }


def _series(series: Series) -> Document:
    return {
        "series_uid": _text(series.uid),
        "number": series.number,
        "description": _text(series.description),
        "slices": len(series.images),
    }


def _used(outcome: Outcome) -> Document | None:
    if outcome.used is None:
        return None
    series, analysis = outcome.used, outcome.analysis
    return {
        **_series(series),
        "kernel": _text(series.kernel),
        "spacing_mm": [_number(step) for step in analysis.native.geometry.spacing_mm] if analysis else None,
        "resampled": analysis.is_resampled if analysis else None,
    }


def _considered(verdict: Verdict) -> Document:
    return {
        **_series(verdict.series),
        "modality": _text(verdict.series.modality),
        "verdict": "used" if verdict.accepted else "not used",
        "reason": _text(verdict.reason),
    }


def _engines(engines: Provenance | None) -> Document | None:
    if engines is None:
        return None
    return {
        "name": engines.name,
        "version": engines.version,
        "serial": engines.serial,
        "manifest_sha256": engines.manifest_sha256,
        "backend": engines.backend,
        "precision": engines.precision,
        "device": engines.device,
        "models": engines.models,
    }


def _timing(seconds: Mapping[str, float]) -> Document:
    stages = {stage: _number(duration, digits=3) for stage, duration in seconds.items()}
    return {**stages, "total": round(sum(stages.values()), 3)}


def _number(value: float, digits: int = 6) -> float:
    """A plain finite float; numpy's are not JSON's."""
    if not math.isfinite(value):
        raise ValueError(f"a result holds a number that is not finite: {value}")
    return round(float(value), digits)


def _text(text: str) -> str:
    """Text as read; only what can't be encoded (bytes of a folder name that are no UTF-8) becomes U+FFFD."""
    return _LONE_SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)
