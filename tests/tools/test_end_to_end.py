"""From an empty folder to an analysed study: one run of the rehearsal, and the documentation that it follows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import training
from export.__main__ import main as export
from export.bundle import verify
from tools.end_to_end import commands, main

DOCS = Path(training.__file__).parents[1] / "docs" / "training.md"


@pytest.mark.slow
def test_every_command_fits_the_next_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["--out", str(out)]) == 0
    chosen = json.loads((out / "axial.json").read_text())["chosen"]
    assert sorted(Path(run).name for run in chosen) == ["rehearsal-axial-1", "rehearsal-axial-2"]
    assert {path.name for path in (out / "table").iterdir()} >= {"table.md", "table.csv", "table.png", "patients.csv"}
    assert "axial, one of 2 networks" in (out / "table" / "table.md").read_text(encoding="utf-8")

    bundle = verify(out / "bundle")
    assert len(bundle.manifest.models) == 4
    made_with = json.loads((bundle.folder / "manifest.json").read_text())["training"]["heads"]
    assert (made_with["training"]["synthetic"], made_with["training"]["patients"]) == (0, 5)
    assert made_with["validation"]["patients"] == 3
    assert "Provisional" in (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")

    (result,) = (out / "results").glob("*/result.json")
    assert bundle.manifest_sha256 in result.read_text(encoding="utf-8")
    assert export(["checkpoints", "--bundle", str(bundle.folder), "--out", str(out / "again")]) == 0
    assert len(list((out / "again").glob("*/best.pt"))) == 4


def test_it_follows_the_documented_order(tmp_path: Path) -> None:
    """Where its phantoms are written, the documentation has patients."""
    page = DOCS.read_text(encoding="utf-8").partition("## Patients to heads")[2]
    documented = re.findall(r"^\$ \.venv/bin/(?:python -m )?(\w+ (?:\w+))", page, flags=re.MULTILINE)
    run = [" ".join(words[:2]) for words in commands(tmp_path) if words[0] != "phantom"]
    assert list(dict.fromkeys(documented)) == [one for one in dict.fromkeys(run) if "phantoms" not in one]


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path)])
    assert "is not empty" in capsys.readouterr().err
