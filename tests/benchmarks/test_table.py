from __future__ import annotations

import json
from datetime import datetime, timezone

from benchmarks.agreement import Agreement
from benchmarks.compare import Comparison
from benchmarks.machine import Machine, this_machine
from benchmarks.reading import Opening
from benchmarks.study import SIZES
from benchmarks.table import Report, document, markdown
from benchmarks.task import Answer, Evidence

FINDING = Evidence("IH", {"IS": 0.0, "IH": 2.0})
REFERENCE = Answer(
    {"read": 2.0, "infer": 90.0, "close": 6.0, "classify": 2.0}, 3.0, 4000.0, FINDING, (2, 3, 4), "PyTorch"
)
OURS = Answer(
    {"read": 1.0, "prepare": 0.5, "infer": 7.0, "close": 0.5, "classify": 1.0},
    1.0,
    1000.0,
    FINDING,
    (2, 3, 4),
    "OpenVINO",
)
AGREES = Agreement({"IS": None, "IH": 0.9995}, {"IS": 0.0, "IH": 0.001}, ("IH", "IH"))
DIFFERS = Agreement({"IS": None, "IH": 0.98}, {"IS": 0.0, "IH": 0.07}, ("IH", "IH"))


def report(comparison: Comparison, opening: Opening | None = None) -> Report:
    machine = Machine("A processor", "AVX2", 2, 24.0, 0.1, "Python 3")
    when = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
    return Report(
        SIZES["small"], {"axial": 6, "coronal": 2, "sagittal": 2}, "first 1", machine, when, comparison, opening
    )


def test_ratios_are_the_references_seconds_over_ours() -> None:
    text = markdown(report(Comparison(REFERENCE, OURS, 1, "wall", AGREES, DIFFERS), Opening(300, 1.0, 1.5)))
    assert "| infer, s | 90.00 | 7.00 | 12.9 |" in text
    assert "| prepare, s |  | 0.50 |  |" in text
    assert "| **all stages, s** | 100.00 | 10.00 | 10.0 |" in text
    assert "| peak memory, MiB | 4000 | 1000 | 4.0 |" in text
    assert "Dice IS -, IH 0.9995; mean V IS 0.0000, IH 0.0010 | agrees |" in text
    assert "mean V IS 0.0000, IH 0.0700 | does not agree |" in text
    assert "takes 1.5 times dcm2niix" in text
    assert "6+2+2 networks" in text
    assert "extrapolated" not in text


def test_what_was_extrapolated_is_marked_and_nothing_is_said_of_agreement() -> None:
    text = markdown(report(Comparison(REFERENCE, OURS, 16, "processor")))
    assert "| infer, s | 90.00 * | 7.00 * | 12.9 * |" in text
    assert "| read, s | 2.00 | 1.00 | 2.0 |" in text
    assert "| **all stages, s** | 100.00 * | 10.00 * | 10.0 * |" in text
    assert "extrapolated: of every 16 batches" in text
    assert "processor time" in text
    assert "agreement," not in text


def test_the_document_is_json() -> None:
    comparison = Comparison(REFERENCE, OURS, 1, "wall", AGREES, DIFFERS)
    stored = json.loads(json.dumps(document(report(comparison))))
    assert stored["comparison"]["ratio"] == 10.0
    assert stored["size"]["width"] == "small"


def test_this_machine_has_a_name() -> None:
    machine = this_machine(2)
    assert machine.processor
    assert machine.memory_gib > 0
