from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from appliance.outcome import Reason
from appliance.prepared import Prepared
from appliance.prepared_files import HU, READ, load_prepared, save_prepared
from runtime.codes import Code, Flag
from runtime.volume import Geometry, Volume
from tests.appliance import outcomes

SHEARED = Geometry(
    np.array([[0.1, 0.2, 0.3], [0.1, 0.5, 1.7], [0.1, 1.1, 4.9]]), np.array([0.5, 0, 0]), np.array([0, 0.5, 0])
)


def prepared(**changes: object) -> Prepared:
    study = outcomes.study("Ōe^Kenzaburō")
    values: dict[str, object] = {
        "drop": "CT 1",
        "key": "ab" * 32,
        "studies": (study, outcomes.study("Ōe^Kenzaburō", uid="1.9")),
        "study": study,
        "verdicts": outcomes.considered(),
        "flags": (Flag(Code.GANTRY_TILT), Flag(Code.OLD_STUDY, "It was made on 2026-01-01.")),
        "reason": None,
        "volume": Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), SHEARED),
        "seconds": 1.25,
    }
    return Prepared(**{**values, **changes})  # type: ignore[arg-type]  # the fields' types are those above


def test_a_study_comes_back_as_it_was(tmp_path: Path) -> None:
    before = prepared()
    save_prepared(before, tmp_path / "prepared")
    after = load_prepared(tmp_path / "prepared")
    assert before.volume is not None
    assert after.volume is not None
    np.testing.assert_array_equal(after.volume.hu, before.volume.hu)
    assert after.volume.hu.dtype == np.int16
    for name in ("origins", "x_step", "y_step"):
        np.testing.assert_array_equal(getattr(after.volume.geometry, name), getattr(SHEARED, name))
    for field in ("drop", "key", "studies", "study", "verdicts", "flags", "reason", "seconds"):
        assert getattr(after, field) == getattr(before, field)
    assert after.study is after.studies[0]
    assert after.other_studies == before.other_studies


def test_a_rejection_comes_back_as_it_was(tmp_path: Path) -> None:
    before = prepared(volume=None, reason=Reason(Code.NO_BRAIN, "Seen."), study=None, studies=(), verdicts=())
    save_prepared(before, tmp_path / "prepared")
    after = load_prepared(tmp_path / "prepared")
    assert after.reason == before.reason
    assert after.volume is None
    assert after.study is None
    assert not (tmp_path / "prepared" / HU).exists()


def test_either_a_volume_or_a_reason() -> None:
    with pytest.raises(ValueError, match="either"):
        prepared(reason=Reason(Code.NO_BRAIN))
    with pytest.raises(ValueError, match="either"):
        prepared(volume=None)


def test_altered_files_are_refused(tmp_path: Path) -> None:
    save_prepared(prepared(), tmp_path / "prepared")
    path = tmp_path / "prepared" / READ
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "seconds": "soon", "more": 1}))
    with pytest.raises(ValueError, match="2 errors"):
        load_prepared(tmp_path / "prepared")


def test_pickles_are_refused(tmp_path: Path) -> None:
    save_prepared(prepared(), tmp_path / "prepared")
    np.save(tmp_path / "prepared" / HU, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle"):
        load_prepared(tmp_path / "prepared")


@pytest.mark.parametrize("change", [{"flags": [{"code": "OF_ANOTHER_VERSION", "detail": ""}]}, {"study": 5}])
def test_a_document_of_another_version_is_told(tmp_path: Path, change: dict[str, object]) -> None:
    save_prepared(prepared(), tmp_path / "prepared")
    path = tmp_path / "prepared" / READ
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match="not as it was written"):
        load_prepared(tmp_path / "prepared")


def test_an_empty_array_is_told(tmp_path: Path) -> None:
    save_prepared(prepared(), tmp_path / "prepared")
    (tmp_path / "prepared" / HU).write_bytes(b"")
    with pytest.raises(ValueError, match="not as it was written"):
        load_prepared(tmp_path / "prepared")
