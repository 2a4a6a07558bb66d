from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from appliance import shipped
from calibration.record import Evaluation, Record
from runtime.bundle import Bundle, open_bundle
from runtime.errors import UsageError
from tests.calibration.test_rows import CASES
from tools.model_card_page import KEPT, PAGE, Kept, main, page
from training.material import Material


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(shipped.FOLDER)


def kept(path: Path, sha256: str, smallest_mm: float = 0.9) -> Path:
    """An evaluation whose figures are known from tests/calibration/test_rows.py."""
    evaluation = Evaluation.of(CASES, np.random.default_rng(0))
    record = Record("some bundle", sha256, Material(6, (400_000, 400_005), 0, (smallest_mm, 1.0)), evaluation)
    path.write_text(json.dumps(record.as_json()), encoding="utf-8")
    return path


@pytest.fixture
def nothing(tmp_path: Path) -> Kept:
    return Kept(*(tmp_path / name for name in ("evaluation.json", "slices.md", "head.md", "notes.md")))


def test_the_committed_page_is_that_of_the_shipped_bundle_and_its_evaluation(bundle: Bundle) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(bundle, KEPT), "run `python tools/model_card_page.py`"


def test_figures_are_those_of_the_evaluation(bundle: Bundle, nothing: Kept) -> None:
    kept(nothing.evaluation, bundle.manifest_sha256)
    text = page(bundle, nothing)
    assert text.startswith((bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8"))
    assert "On 6 synthetic heads, seeds 400000 to 400005; pixels of 0.90 to 1.00 mm.\n" in text
    assert "| axial, P > 0.5 | 0.700 ±" in text
    assert "Right: 2 of 6." in text


def test_where_no_pixel_was_averaged_it_says_so(bundle: Bundle, nothing: Kept) -> None:
    spec = bundle.manifest.spec
    for wanted_mm, smallest_mm, told in ((0.9, 0.61, True), (0.9, 0.59, False), (0.0, 0.61, False)):
        averaging = replace(bundle, manifest=replace(bundle.manifest, spec=replace(spec, pixel_mm=wanted_mm)))
        kept(nothing.evaluation, bundle.manifest_sha256, smallest_mm)
        assert ("None of them has pixels so small that they are averaged" in page(averaging, nothing)) == told


def test_without_an_evaluation_it_says_so(bundle: Bundle, nothing: Kept) -> None:
    text = page(bundle, nothing)
    assert "has not been evaluated yet" in text
    assert "has not been tried on it yet" in text
    assert "has not been tried on them yet" in text
    assert "Notes on the card" not in text


def test_another_bundles_evaluation_is_refused(
    bundle: Bundle, nothing: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(nothing.evaluation, "0" * 64)
    with pytest.raises(UsageError, match="is of some bundle, and not of the bundle that ships"):
        page(bundle, nothing)
    nothing.evaluation.write_text("[]")
    with pytest.raises(UsageError, match="is no evaluation"):
        page(bundle, nothing)
    before = PAGE.read_bytes()
    assert main([str(nothing.evaluation)]) == 2
    assert main([str(tmp_path / "missing.json")]) == 2
    assert "`python -m calibration evaluate` writes it" in capsys.readouterr().err
    assert PAGE.read_bytes() == before


def test_another_bundles_slices_are_refused(
    bundle: Bundle, nothing: Kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slices = nothing.slices
    slices.write_text(f"Part 'test', by some bundle, manifest {bundle.manifest_sha256}.\n\n| a table |\n")
    assert "\n| a table |\n\n## A real head\n" in page(bundle, nothing)
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


def test_what_was_seen_on_the_real_head_is_of_the_bundle(bundle: Bundle, nothing: Kept) -> None:
    nothing.head.write_text(f"By some bundle, manifest {bundle.manifest_sha256}.\n\nThe infarct is marked.\n")
    assert page(bundle, nothing).endswith("The infarct is marked.\n")
    nothing.head.write_text(f"By some bundle, manifest {'0' * 64}.\n\nThe infarct is marked.\n")
    with pytest.raises(UsageError, match=r"is not of the bundle that ships, .*: write down what it makes of the head"):
        page(bundle, nothing)


def test_notes_on_the_card_stand_behind_it_and_are_the_bundles(bundle: Bundle, nothing: Kept) -> None:
    nothing.notes.write_text(f"By some bundle, manifest {bundle.manifest_sha256}.\n\n- It lacks this.\n")
    card, _, rest = page(bundle, nothing).partition("\n## Notes on the card\n")
    assert card == (bundle.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "- It lacks this.\n\n## Evaluation\n" in rest
    nothing.notes.write_text(f"By some bundle, manifest {'0' * 64}.\n\n- It lacks this.\n")
    with pytest.raises(UsageError, match=r"is not of the bundle that ships, .*: say what its card lacks, or remove"):
        page(bundle, nothing)
