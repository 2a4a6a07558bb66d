"""Both steps on rows of voxels: what each writes, and that one after the other makes the same document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from calibration.calibrate import calibrate, calibrate_classifier, calibrate_coefficients
from calibration.document import coefficients_document, coefficients_of, open_document, spec_of, unclassified
from calibration.probabilities import Kept, fused
from runtime.classification import StrokeClass
from runtime.compute import cpu
from runtime.errors import UsageError
from runtime.fusion import Probability
from runtime.planes import Plane
from training.heads import LabelledHead

IS, IH = StrokeClass.IS, StrokeClass.IH
WINDOWS = ((0.0, 80.0),)
SHAPE = (1, 1, 40)


def head(seed: int, stroke: StrokeClass | None) -> LabelledHead:
    """40 voxels of 0.1 ml; ten of them are lesion."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[..., :10] = stroke.label if stroke else 0
    return LabelledHead(seed, stroke, (1.0, 10.0, 10.0), np.zeros(SHAPE, np.int16), labels)


HEADS = (head(1, IS), head(2, IH), head(3, None))


def of_head(one: LabelledHead) -> dict[Plane, Probability]:
    """0.9 in the lesion, 0.5 elsewhere."""
    probability = np.full((2, *SHAPE), 0.5, np.float16)
    if one.stroke is not None:
        probability[one.stroke.channel][one.labels > 0] = 0.9
    return dict.fromkeys(Plane, probability)


def silent(line: str) -> None:
    pass


def test_the_document_holds_what_the_manifest_needs_and_how_each_head_did() -> None:
    document = calibrate(WINDOWS, HEADS, of_head, cpu(), silent).as_json()
    assert all(0.5 <= k < 0.9 for k in document["coefficients"].values())
    assert document["three_class_dice"] == document["accuracy"] == 1.0
    assert [one["dice"] for one in document["heads"]] == [1.0, 1.0, None]
    assert document["heads"][0]["marked_voxels"] == {"IS": 10, "IH": 0}
    assert set(document) == {
        *("coefficients", "closing_radius", "voxel_cutoff", "class_cutoffs", "smallest_lesion_ml", "area_cutoffs"),
        *("slice_spacing_mm", "tie", "three_class_dice", "accuracy", "right_by_area_rule", "heads"),
    }


def test_the_two_steps_make_the_document_of_the_whole_run() -> None:
    whole = calibrate(WINDOWS, HEADS, of_head, cpu(), silent).as_json()
    chosen = calibrate_coefficients(HEADS, of_head, report=silent)
    first = coefficients_document(unclassified(WINDOWS, chosen.k), chosen)
    second = calibrate_classifier(WINDOWS, coefficients_of(first), HEADS, of_head, cpu()).as_json()
    assert {**first, **second} == whole
    spec = spec_of(whole, WINDOWS)
    assert spec.class_cutoffs == {stroke: whole["class_cutoffs"][stroke.value] for stroke in StrokeClass}


@pytest.mark.parametrize("tie", [0.0, 0.9])
def test_a_wide_tie_gives_up_truth_for_a_clean_healthy_head(tie: float) -> None:
    """All that is marked of the healthy head has the lesions' 0.9: what keeps it clean finds no lesion."""

    def with_an_alarm(one: LabelledHead) -> dict[Plane, Probability]:
        probability = of_head(one)[Plane.AXIAL]
        if one.stroke is None:
            probability[0, ..., :2] = 0.9
        return dict.fromkeys(Plane, probability)

    coefficients = calibrate(WINDOWS, HEADS, with_an_alarm, cpu(), silent, tie=tie).coefficients
    assert coefficients.healthy_voxels == (0 if tie else 2)
    assert coefficients.dice == dict.fromkeys(StrokeClass, 0.0 if tie else 1.0)


def test_heads_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="the same name"):
        calibrate(WINDOWS, (*HEADS, HEADS[0]), of_head, cpu(), silent)


def test_probabilities_are_computed_once_a_head(tmp_path: Path) -> None:
    asked: list[str] = []

    def counted(one: LabelledHead) -> Mapping[Plane, Probability]:
        asked.append(one.name)
        return of_head(one)

    kept = Kept(counted, tmp_path)
    assert (
        calibrate(WINDOWS, HEADS, kept, cpu(), silent).as_json()
        == calibrate(WINDOWS, HEADS, of_head, cpu(), silent).as_json()
    )
    assert asked == ["1", "2", "3"]


def test_fusion_of_kept_probabilities_by_hand() -> None:
    planes = {plane: np.zeros((2, 1, 1, 2), np.float16) for plane in Plane}
    planes[Plane.AXIAL][1, 0, 0] = [0.5, 0.25]
    planes[Plane.CORONAL][1, 0, 0] = [0.25, 0.25]
    fusion = fused(planes, {Plane.AXIAL: 0.25, Plane.CORONAL: 0.5, Plane.SAGITTAL: 0.5})
    assert fusion.v[1, 0, 0].tolist() == [2.5, 1.5]
    assert fusion.votes[1, 0, 0].tolist() == [True, False]
    assert fusion.plane_voxels == {Plane.AXIAL: (0, 1), Plane.CORONAL: (0, 0), Plane.SAGITTAL: (0, 0)}


def test_a_document_that_is_none_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(UsageError, match="is no calibration"):
        open_document(tmp_path / "list.json")
    with pytest.raises(UsageError, match="can't be read as a calibration"):
        open_document(tmp_path / "missing.json")
    with pytest.raises(UsageError, match="run `calibration coefficients` first"):
        coefficients_of({})
    coefficients = {"coefficients": {plane.value: 0.5 for plane in Plane}, "closing_radius": 3, "voxel_cutoff": 0.9}
    with pytest.raises(UsageError, match=r"lacks 'class_cutoffs': run `calibration classifier`"):
        spec_of(coefficients, WINDOWS)
    with pytest.raises(UsageError, match=r"class_cutoffs .* must be above 0"):
        spec_of({**coefficients, "class_cutoffs": {"IS": 0, "IH": 1}}, WINDOWS)
