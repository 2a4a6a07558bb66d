from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.areas import Areas, LeftOut, those_that_count
from runtime.classification import StrokeClass
from tests.builders import spec

IS, IH = StrokeClass.IS, StrokeClass.IH


def evidence_of(labels: NDArray[np.uint8], v: float = 2.0) -> NDArray[np.float32]:
    """V of both classes: `v` where anything is marked."""
    return np.stack([np.where(labels > 0, v, 0.0)] * 2).astype(np.float32)


def test_areas_below_the_smallest_lesion_are_left_out_and_counted() -> None:
    labels = np.zeros((4, 6, 9), np.uint8)
    labels[1, 1, 1:4] = IH.label  # three voxels
    labels[3, 4, 6] = labels[2, 5, 7] = IH.label  # two, joined at a corner
    labels[0, 0, 8] = IH.label
    labels[3, 0, 0] = IS.label
    kept, left_out = those_that_count(labels, evidence_of(labels), 0.1, spec(smallest_lesion_ml=0.25))
    assert np.argwhere(kept).tolist() == [[1, 1, 1], [1, 1, 2], [1, 1, 3]]
    assert [(one.stroke, one.areas) for one in left_out] == [(IS, 1), (IH, 2)]
    assert str(left_out[1]) == "IH: 2 areas, 0.30 ml in all."
    assert str(replace(left_out[1], areas=1, volume_ml=0.004)) == "IH: 1 area, less than 0.01 ml in all."


def test_what_touches_the_other_class_is_measured_with_it() -> None:
    labels = np.array([[[1, 2, 0, 2, 0]]], np.uint8)
    kept, _ = those_that_count(labels, evidence_of(labels), 1.0, spec(smallest_lesion_ml=0.5))
    assert kept.tolist() == labels.tolist()
    areas = Areas.of(IH, labels, evidence_of(labels), 0.2, 0.9)
    assert areas.ml.tolist() == pytest.approx([0.2, 0.2])
    assert areas.whole_ml.tolist() == pytest.approx([0.4, 0.2])
    kept, _ = those_that_count(labels, evidence_of(labels), 0.2, spec(smallest_lesion_ml=0.3))
    assert kept.tolist() == [[[1, 2, 0, 0, 0]]]


def test_the_evidence_of_an_area_is_the_papers_mean_over_its_strong_voxels() -> None:
    labels = np.array([[[2, 2, 2, 0, 2, 0, 1]]], np.uint8)
    v = np.zeros((2, 1, 1, 7), np.float32)
    v[1, 0, 0] = [1.0, 2.0, 0.5, 9.0, 0.8, 9.0, 9.0]  # 0.5 and 0.8 are below the voxel cut-off
    assert Areas.of(IH, labels, v, 1.0, voxel_cutoff=0.9).evidence.tolist() == [1.5, 0.0]
    kept, left_out = those_that_count(labels, v, 1.0, spec(area_cutoffs={IS: 0.0, IH: 1.5}))
    assert kept.tolist() == [[[2, 2, 2, 0, 0, 0, 1]]]
    assert left_out == (LeftOut(IH, 1, 1.0),)


def test_zeros_turn_the_rule_off() -> None:
    labels = np.array([[[1, 0, 2, 2]]], np.uint8)
    kept, left_out = those_that_count(labels, evidence_of(labels, 0.0), 0.001, spec())
    assert kept.tolist() == labels.tolist()
    assert left_out == ()


def test_an_empty_mask() -> None:
    labels = np.zeros((1, 2, 3), np.uint8)
    kept, left_out = those_that_count(labels, evidence_of(labels), 1.0, spec(smallest_lesion_ml=0.5))
    assert not kept.any()
    assert left_out == ()
