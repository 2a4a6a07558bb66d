from __future__ import annotations

import argparse

import pytest

from runtime.choice import one_of
from runtime.planes import Plane


def test_a_value_is_taken_and_another_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plane", **one_of(Plane), default=Plane.AXIAL)
    assert parser.parse_args([]).plane is Plane.AXIAL
    assert parser.parse_args(["--plane", "coronal"]).plane is Plane.CORONAL
    assert "--plane axial|coronal|sagittal" in parser.format_help()
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--plane", "axal"])
    assert ended.value.code == 2
    assert "'axal' is none of axial, coronal, sagittal" in capsys.readouterr().err
