from __future__ import annotations

import numpy as np
import pytest

from runtime.classification import StrokeClass
from runtime.specks import Specks, areas_ml, without_specks


def test_areas_below_the_smallest_lesion_are_left_out_and_counted() -> None:
    labels = np.zeros((4, 6, 9), np.uint8)
    labels[1, 1, 1:4] = StrokeClass.IH.label  # three voxels
    labels[3, 4, 6] = labels[2, 5, 7] = StrokeClass.IH.label  # two, joined at a corner
    labels[0, 0, 8] = StrokeClass.IH.label
    labels[3, 0, 0] = StrokeClass.IS.label
    kept, specks = without_specks(labels, voxel_ml=0.1, smallest_ml=0.25)
    assert np.argwhere(kept).tolist() == [[1, 1, 1], [1, 1, 2], [1, 1, 3]]
    assert specks == (
        Specks(StrokeClass.IS, 1, pytest.approx(0.1)),
        Specks(StrokeClass.IH, 2, pytest.approx(0.3)),
    )
    assert str(specks[1]) == "IH: 2, together 0.30 ml."


def test_each_class_is_measured_by_itself() -> None:
    """A voxel of the one class beside a voxel of the other makes no area of two."""
    labels = np.array([[[1, 2, 0, 2, 2]]], np.uint8)
    kept, _ = without_specks(labels, voxel_ml=1.0, smallest_ml=1.5)
    assert kept.tolist() == [[[0, 0, 0, 2, 2]]]


def test_an_area_of_just_the_size_is_kept_and_zero_turns_the_rule_off() -> None:
    labels = np.array([[[1, 0, 2, 2]]], np.uint8)
    assert without_specks(labels, voxel_ml=0.5, smallest_ml=0.5)[0].tolist() == labels.tolist()
    kept, specks = without_specks(labels, voxel_ml=0.5, smallest_ml=0.0)
    assert kept.tolist() == labels.tolist()
    assert specks == ()


def test_areas_by_volume() -> None:
    mask = np.array([[[1, 1, 0, 1]]], bool)
    assert sorted(areas_ml(mask, 0.5)) == [0.5, 1.0]
    assert areas_ml(np.zeros((1, 2, 3), bool), 0.5).size == 0
