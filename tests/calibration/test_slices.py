"""Labelled slices by hand: parts, windows, Dice, and the command on a synthetic set and on the real one."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from calibration.__main__ import main
from calibration.slice_files import SETS, SIDE, Part, open_slices
from calibration.slice_report import DPI, INCHES, best_and_worst, draw_slices, markdown
from calibration.slices import (
    BONE_HU,
    BRAIN_WINDOW,
    LabelledSlice,
    SliceScore,
    SliceSummary,
    axial_mask,
    false_alarms,
    fitted_window,
    to_hu,
)
from runtime.bundle import open_bundle
from runtime.classification import StrokeClass
from runtime.errors import UsageError
from runtime.volume import AIR_HU
from tests.requirements import require_data
from tests.toy_bundle import write_toy_bundle

IS, IH = StrokeClass.IS, StrokeClass.IH
CPAISD, CT_ICH = SETS


def skull(fluid: int, brain: int, side: int = 256) -> NDArray[np.uint8]:
    """A round head on black: a white ring, brain in it, and a pool of fluid in the middle of that."""
    rows, columns = np.indices((side, side)) - side / 2
    distance = np.hypot(rows, columns) / side
    grey = np.zeros((side, side), np.uint8)
    grey[distance < 0.45] = 255
    grey[distance < 0.40] = brain
    grey[distance < 0.08] = fluid
    return grey


def one(stroke: StrokeClass, truth: list[int], name: str = "a.png") -> LabelledSlice:
    lesion = np.array([truth], dtype=np.bool_)
    return LabelledSlice(name, stroke, np.full(lesion.shape, 100, np.uint8), lesion)


def score(stroke: StrokeClass, truth: list[int], mask: list[int], name: str = "a.png") -> SliceScore:
    return SliceScore.of(one(stroke, truth, name), np.array([mask], np.uint8))


def test_greys_stand_for_hu_between_air_and_bone() -> None:
    grey = np.full((8, 6), 2, np.uint8)
    grey[:3] = [0, 51, 102, 249, 250, 255]
    hu = to_hu(grey, BRAIN_WINDOW)
    assert hu[0].tolist() == [-20, 4, 28, 97, BONE_HU, BONE_HU]  # a few black pixels may be fluid
    assert (hu[3:] == AIR_HU).all()


def test_a_window_is_fitted_on_fluid_and_brain() -> None:
    """Fluid at 10 and brain at 35 are 25 HU apart: 1 HU a grey, from -2."""
    assert fitted_window([skull(10, 35), skull(10, 35)]) == pytest.approx((-2.0, 253.0))
    with pytest.raises(ValueError, match="no slice shows a closed skull"):
        fitted_window([np.full((256, 256), 35, np.uint8)])
    with pytest.raises(ValueError, match="not darker than brain"):
        fitted_window([skull(35, 35)])


def test_the_larger_probability_above_k_wins() -> None:
    probability = np.array([[[[0.6, 0.4, 0.9, 0.5]]], [[[0.7, 0.4, 0.2, 0.1]]]], np.float16)
    assert axial_mask(probability, 0.5).tolist() == [[[2, 0, 1, 0]]]


def test_dice_of_slices_and_of_all_their_pixels() -> None:
    scores = [
        score(IH, [1, 1, 0, 0], [2, 2, 0, 0]),  # 1
        score(IH, [1, 1, 1, 1], [2, 0, 0, 1]),  # 2 of 5
        score(IH, [1, 1, 0, 0], [0, 0, 0, 0]),  # 0
        score(IH, [0, 0, 0, 0], [0, 0, 0, 0]),  # none
    ]
    summary = SliceSummary.of(scores)
    assert summary.slices == 3
    assert (summary.mean, summary.median, summary.pooled) == pytest.approx((1.4 / 3, 0.4, 2 * 3 / 11))
    assert SliceSummary.of(scores[3:]) == SliceSummary(0, None, None, None)
    assert false_alarms(scores, IS) == (1, 4)
    assert false_alarms([*scores, score(IS, [1, 0, 0, 0], [2, 1, 0, 0])], IH) == (1, 2)


def test_a_table_of_both_classes() -> None:
    scores = {"P > 0.5": [score(IH, [1, 1, 0, 0], [2, 2, 0, 0]), score(IS, [1, 0, 0, 0], [2, 0, 0, 0])]}
    table = markdown(scores, {"ct-ich": BRAIN_WINDOW})
    assert "| P > 0.5 | IS | 1 | 0.000 | 0.000 | 0.000 | 1 | 0 (0%) |" in table
    assert "| P > 0.5 | IH | 1 | 1.000 | 1.000 | 1.000 | 1 | 1 (100%) |" in table
    assert "- ct-ich: 8 bits read as -20 to 100 HU." in table


def test_the_best_then_the_worst_none_twice() -> None:
    scores = [score(IH, [1] * 10, [2] * n + [0] * (10 - n), f"{n}.png") for n in range(8)]
    assert best_and_worst(scores, IH) == [7, 6, 5, 2, 1, 0]
    assert best_and_worst(scores[:4], IH) == [3, 2, 1, 0]
    assert best_and_worst(scores, IS) == []


@pytest.mark.parametrize("count", [0, 1, 8])
def test_the_picture_has_a_line_for_each_class(count: int, tmp_path: Path) -> None:
    truth = np.zeros((32, 32), np.bool_)
    truth[8:16, 8:16] = True
    grey = np.full((32, 32), 80, np.uint8)
    slices = [LabelledSlice(f"{n}.png", stroke, grey, truth) for n in range(count) for stroke in (IS, IH)]
    masks = [np.where(truth, one.stroke.label, 0).astype(np.uint8) for one in slices]
    scores = [SliceScore.of(one, mask) for one, mask in zip(slices, masks, strict=True)]
    hu = [np.zeros((32, 32), np.int16)] * len(slices)
    draw_slices(slices, hu, masks, scores).savefig(tmp_path / "slices.png")
    with Image.open(tmp_path / "slices.png") as picture:
        lines = 2 if count else 1
        assert picture.size == (round(6 * INCHES * DPI), pytest.approx(lines * INCHES * 1.1 * DPI, abs=1))


def test_parts_are_by_name() -> None:
    names = [f"{number}.png" for number in range(300)]
    test = [name for name in names if Part.of(name) is Part.TEST]
    assert 80 < len(test) < 120
    assert all(int(hashlib.sha256(name.encode()).hexdigest(), 16) % 3 == 0 for name in test)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two synthetic sets in the form of the real ones; the toy bundle sees white only, as haemorrhage."""
    for its_set, grey in ((CPAISD, skull(10, 35)), (CT_ICH, skull(59, 113))):
        for kind in ("images", "masks"):
            (tmp_path / its_set.name / kind).mkdir(parents=True)
        mask = np.zeros((*grey.shape, 3), np.uint8)
        mask[grey == 255] = (210, 80, 0)
        for number in range(12):
            suffix = "png" if its_set is CPAISD else "jpg"
            Image.fromarray(grey).save(tmp_path / its_set.name / "images" / f"{number}.{suffix}")
            Image.fromarray(mask).save(tmp_path / its_set.name / "masks" / f"{number}.png")
    return tmp_path


def test_slices_come_with_masks_of_any_colour_and_in_one_size(data: Path) -> None:
    choice, test = (open_slices(data, CT_ICH, part) for part in Part)
    assert len(choice) + len(test) == 12
    assert all(Part.of(one.name) is Part.TEST for one in test)
    assert choice[0].grey.shape == choice[0].truth.shape == (SIDE, SIDE)
    assert choice[0].truth.mean() == pytest.approx((skull(59, 113) == 255).mean(), abs=1e-3)


def test_what_is_missing_or_does_not_fit_is_said(data: Path) -> None:
    with pytest.raises(UsageError, match="give the folder that holds cpaisd/"):
        open_slices(data / "elsewhere", CPAISD, Part.CHOICE)
    path = next(path for path in (data / "cpaisd/images").iterdir() if Part.of(path.name) is Part.CHOICE)
    Image.new("L", (8, 8)).save(path)
    with pytest.raises(UsageError, match="they must fit"):
        open_slices(data, CPAISD, Part.CHOICE)
    path.write_bytes(b"no picture")
    with pytest.raises(UsageError, match="can't be read"):
        open_slices(data, CPAISD, Part.CHOICE)


def test_the_command_measures_one_part(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The toy networks mark as IH what is brighter than 2,100 HU, and no slice has that: bone is read as 1,000."""
    bundle, out = write_toy_bundle(tmp_path / "toy"), tmp_path / "out"
    words = ["slices", "--bundle", str(bundle), "--data", str(data), "--part", "choice", "--out", str(out)]
    assert main(words) == 0
    table = (out / "slices.md").read_text(encoding="utf-8")
    assert table in capsys.readouterr().out
    assert table.startswith(f"Part 'choice', by toy 1.0, manifest {open_bundle(bundle).manifest_sha256}.\n")
    counts = {its_set.stroke: len(open_slices(data, its_set, Part.CHOICE)) for its_set in SETS}
    assert f"| P > 0.5 | IH | {counts[IH]} | 0.000 | 0.000 | 0.000 | {counts[IS]} | 0 (0%) |" in table
    lines = list(csv.DictReader((out / "slices.csv").read_text(encoding="utf-8").splitlines()))
    assert len(lines) == sum(counts.values())
    assert (out / "slices.png").stat().st_size > 1000


@pytest.mark.data
def test_the_real_slices_for_choices() -> None:
    """The test third is not opened here: it is read once, at the end."""
    folder = require_data("lesions-2d")
    ischaemia, haemorrhage = (open_slices(folder, its_set, Part.CHOICE) for its_set in SETS)
    assert (len(ischaemia), len(haemorrhage)) == (16, 25)
    assert all(0 < one.truth.mean() < 0.2 for one in (*ischaemia, *haemorrhage))
    assert fitted_window([one.grey for one in ischaemia]) == pytest.approx((-3, 257), abs=2)
