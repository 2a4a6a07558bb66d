from __future__ import annotations

import re
from pathlib import Path

import pytest

import benchmarks.__main__
from benchmarks.__main__ import main
from runtime.errors import BundleError
from tests.toy_bundle import write_toy_bundle


def test_seeds_are_tried_with_the_engines_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The toy's, which mark nothing in a phantom; the shipped ones find this haemorrhage."""
    monkeypatch.setattr(benchmarks.__main__, "FIRST_SEED", 1001)
    assert main(["seeds", "--count", "1", "--engines", str(write_toy_bundle(tmp_path / "toy"))]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^\| 1001 \| IH, left, 8 ml \| none \| NO \| \d+ \|$", printed, re.MULTILINE)
    assert printed.endswith("\n0 of 1 right in class and side\n")


@pytest.mark.parametrize("what", ["seeds", "compare"])
def test_engines_that_are_none_end_in_a_sentence(what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([what, "--engines", str(tmp_path / "elsewhere")]) == BundleError.exit_code
    assert re.match("No engine bundle at .*elsewhere: ", capsys.readouterr().err.splitlines()[-1])
