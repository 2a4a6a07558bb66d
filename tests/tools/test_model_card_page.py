from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from appliance import shipped
from calibration.record import Evaluation, Record
from runtime.bundle import Bundle, open_bundle
from runtime.errors import UsageError
from tests.calibration.test_rows import CASES
from tools.model_card_page import KEPT, KEPT_HEAD, KEPT_SLICES, PAGE, main, page
from training.material import Material


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(shipped.FOLDER)


def kept(path: Path, sha256: str) -> Path:
    """An evaluation whose figures are known from tests/calibration/test_rows.py."""
    evaluation = Evaluation.of(CASES, np.random.default_rng(0))
    record = Record("some bundle", sha256, Material(6, (400_000, 400_005), 0), evaluation)
    path.write_text(json.dumps(record.as_json()), encoding="utf-8")
    return path


def test_the_committed_page_is_that_of_the_shipped_bundle_and_its_evaluation(bundle: Bundle) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(bundle, KEPT, KEPT_SLICES, KEPT_HEAD), (
        "run `python tools/model_card_page.py`"
    )


def test_figures_are_those_of_the_evaluation(bundle: Bundle, tmp_path: Path) -> None:
    text = page(
        bundle, kept(tmp_path / "evaluation.json", bundle.manifest_sha256), tmp_path / "none", tmp_path / "none"
    )
    assert text.startswith((bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8"))
    assert "On 6 synthetic heads, seeds 400000 to 400005." in text
    assert "| axial, P > 0.5 | 0.700 ±" in text
    assert "Right: 2 of 6." in text


def test_without_an_evaluation_it_says_so(bundle: Bundle, tmp_path: Path) -> None:
    assert "has not been evaluated yet" in page(bundle, tmp_path / "missing.json", tmp_path / "none", tmp_path / "none")
    assert "has not been tried on it yet" in page(
        bundle, tmp_path / "missing.json", tmp_path / "none", tmp_path / "none"
    )
    assert "has not been tried on them yet" in page(
        bundle, tmp_path / "missing.json", tmp_path / "none", tmp_path / "none"
    )


def test_another_bundles_evaluation_is_refused(
    bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="is of some bundle, and not of the bundle that ships"):
        page(bundle, kept(tmp_path / "evaluation.json", "0" * 64), tmp_path / "none", tmp_path / "none")
    (tmp_path / "evaluation.json").write_text("[]")
    with pytest.raises(UsageError, match="is no evaluation"):
        page(bundle, tmp_path / "evaluation.json", tmp_path / "none", tmp_path / "none")
    before = PAGE.read_bytes()
    assert main([str(tmp_path / "evaluation.json")]) == 2
    assert main([str(tmp_path / "missing.json")]) == 2
    assert "`python -m calibration evaluate` writes it" in capsys.readouterr().err
    assert PAGE.read_bytes() == before


def test_another_bundles_slices_are_refused(bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slices = tmp_path / "slices.md"
    slices.write_text(f"Part 'test', by some bundle, manifest {bundle.manifest_sha256}.\n\n| a table |\n")
    assert "\n| a table |\n\n## A real head\n" in page(bundle, tmp_path / "none", slices, tmp_path / "none")
    before, sha256 = PAGE.read_bytes(), bundle.manifest_sha256
    for other in (
        f"Part 'test', by some bundle, manifest {'0' * 64}.\n\nof , manifest {sha256}.\n",
        f"Part 'choice', by some bundle, manifest {sha256}.\n",
    ):
        slices.write_text(other)
        assert main(["--slices", str(slices)]) == 2
        assert "is not of the bundle that ships" in capsys.readouterr().err
    assert main(["--slices", str(tmp_path)]) == 2
    assert "can't be read" in capsys.readouterr().err
    assert PAGE.read_bytes() == before


def test_what_was_seen_on_the_real_head_is_of_the_bundle(bundle: Bundle, tmp_path: Path) -> None:
    head = tmp_path / "head.md"
    head.write_text(f"By some bundle, manifest {bundle.manifest_sha256}.\n\nThe infarct is marked.\n")
    assert page(bundle, tmp_path / "none", tmp_path / "none", head).endswith("The infarct is marked.\n")
    head.write_text(f"By some bundle, manifest {'0' * 64}.\n\nThe infarct is marked.\n")
    with pytest.raises(UsageError, match=r"is not of the bundle that ships, .*: write down what it makes of the head"):
        page(bundle, tmp_path / "none", tmp_path / "none", head)
