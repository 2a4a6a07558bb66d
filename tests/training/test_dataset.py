from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from runtime.classification import StrokeClass
from runtime.planes import Plane
from runtime.windows import windowed
from tests.training.heads import SHAPE, toy_head, toy_heads
from training.config import Recipe
from training.dataset import Slices, targets_of
from training.heads import LabelledHead, open_head, open_heads, save_head


@pytest.mark.parametrize("plane", list(Plane))
def test_the_slices_of_a_plane(plane: Plane) -> None:
    heads = toy_heads(3)
    slices = Slices.of(heads, Recipe(plane, seed=1))
    assert len(slices.everything) == 3 * SHAPE[plane.axis]
    for head, number in slices.with_stroke:
        assert plane.slices(heads[head].labels)[number].any()
    assert {int(head) for head, _ in slices.with_stroke} == {0, 1}


def test_half_the_slices_come_from_those_with_stroke() -> None:
    """The other half comes from all: so more than half shows stroke, and healthy heads keep their share."""
    slices = Slices.of(toy_heads(3), Recipe(Plane.AXIAL, seed=1))
    rng = np.random.default_rng(2)
    chosen = [slices.choose(rng) for _ in range(4000)]
    assert np.mean([for_stroke for *_, for_stroke in chosen]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([head == 2 for head, *_ in chosen]) == pytest.approx(1 / 6, abs=0.03)


def test_a_slice_drawn_for_its_stroke_shows_it() -> None:
    recipe = Recipe(Plane.AXIAL, seed=1, crop=(32, 32), stroke_share=1.0)
    slices = Slices.of(toy_heads(3), recipe)
    rng = np.random.default_rng(3)
    shown = [slices.crop(rng)[1].any() for _ in range(100)]
    assert np.mean(shown) > 0.9  # the rest is turned out of a small crop


def test_a_crop_is_a_few_hounsfield_units_off() -> None:
    """By as much all over, with the same labels."""
    exact = Recipe(Plane.AXIAL, seed=1, crop=(32, 32))
    heads = toy_heads(3)
    shifts = []
    for seed in range(50):
        crop, other = (
            Slices.of(heads, recipe).crop(np.random.default_rng(seed))
            for recipe in (exact, replace(exact, hu_shift=3.0))
        )
        shift = other[0] - crop[0]
        assert shift == pytest.approx(shift[0, 0], abs=1e-3)
        np.testing.assert_array_equal(other[1], crop[1])
        shifts.append(float(shift[0, 0]))
    assert -3 <= min(shifts) < -2
    assert 2 < max(shifts) <= 3


def test_a_thick_slice_is_the_mean_of_its_neighbours() -> None:
    """Between a bright slice with blood and dark ones without, the mean lies between, and blood needs half of them."""
    hu, labels = np.zeros((9, 64, 64), dtype=np.int16), np.zeros((9, 64, 64), dtype=np.uint8)
    hu[4], labels[4] = 60, StrokeClass.IH.label
    hu[5] = 30
    head = LabelledHead(1, StrokeClass.IH, (1.0, 0.5, 0.5), hu, labels)
    recipe = Recipe(Plane.AXIAL, seed=1, crop=(32, 32), stroke_share=1.0, thick_mm=3.9, scale=(1.0, 1.0))
    crops = [Slices.of([head], recipe).crop(np.random.default_rng(seed)) for seed in range(40)]
    seen = {round(float(np.median(image))) for image, _ in crops}
    assert seen == {60, 30, 18}  # one slice; three: (0 + 60 + 30) / 3; five: (0 + 0 + 60 + 30 + 0) / 5
    assert {round(float(np.median(image))) for image, label in crops if label.any()} == {60}


def test_half_of_the_crops_are_blurred() -> None:
    noise = np.random.default_rng(1).normal(30, 5, (4, 96, 96)).astype(np.int16)
    labels = np.zeros(noise.shape, dtype=np.uint8)
    labels[:, 40:50, 40:50] = StrokeClass.IS.label
    head = LabelledHead(1, StrokeClass.IS, (1.0, 0.5, 0.5), noise, labels)
    exact = Recipe(Plane.AXIAL, seed=1, crop=(32, 32), stroke_share=1.0)
    changed, calmer = 0, 0
    for seed in range(60):
        crop, other = (
            Slices.of([head], recipe).crop(np.random.default_rng(seed))
            for recipe in (exact, replace(exact, blur_pixels=2.0))
        )
        np.testing.assert_array_equal(other[1], crop[1])
        changed += not np.array_equal(other[0], crop[0])
        calmer += other[0].std() < 0.9 * crop[0].std()
    assert 18 <= changed <= 42
    assert calmer > changed / 2


@pytest.mark.parametrize("plane", [Plane.CORONAL, Plane.SAGITTAL])
def test_only_axial_slices_are_made_thick(plane: Plane) -> None:
    with pytest.raises(ValueError, match="axial"):
        Recipe(plane, seed=1, thick_mm=5.0)


def test_a_batch_is_windowed_as_the_runtime_does() -> None:
    recipe = Recipe(Plane.CORONAL, seed=1, batch=8, windows=((0.0, 80.0), (0.0, 200.0)))
    slices = Slices.of(toy_heads(3), recipe)
    images, targets = slices.batch(np.random.default_rng(4))
    assert images.shape == (8, 2, 160, 256)
    assert targets.shape == (8, 2, 160, 256)
    hu = np.stack([slices.crop(rng)[0] for rng in [np.random.default_rng(4)] for _ in range(8)])
    np.testing.assert_array_equal(images.numpy(), windowed(hu, recipe.windows, np))


def test_targets_are_the_classes_in_the_order_of_the_channels() -> None:
    targets = targets_of(np.array([[[0, 1, 2]]], dtype=np.uint8))
    assert targets.tolist() == [[[[0, 1, 0]], [[0, 0, 1]]]]


def test_only_healthy_heads_cant_be_trained_on() -> None:
    with pytest.raises(ValueError, match="stroke"):
        Slices.of([toy_head(0, None)], Recipe(Plane.AXIAL, seed=1))


def test_heads_survive_the_disk(tmp_path: Path) -> None:
    head = toy_head(7, StrokeClass.IH)
    save_head(head, tmp_path / "7")
    (tmp_path / "8").mkdir()  # a head that was not finished
    for plane in Plane:
        (again,) = open_heads(tmp_path, plane)
        assert (again.seed, again.stroke, again.spacing_mm) == (7, StrokeClass.IH, (1.0, 0.5, 0.5))
        np.testing.assert_array_equal(again.hu, head.hu)
        np.testing.assert_array_equal(again.labels, head.labels)
        assert plane.slices(again.hu)[3].flags.c_contiguous  # read from the disk in one piece


def test_heads_from_before_there_was_a_file_for_each_plane(tmp_path: Path) -> None:
    head = toy_head(7, None)
    save_head(head, tmp_path / "7")
    for path in tmp_path.glob("7/*.*.npy"):
        path.unlink()
    np.testing.assert_array_equal(open_heads(tmp_path, Plane.SAGITTAL)[0].hu, head.hu)


def test_a_head_says_whose_it_is(tmp_path: Path) -> None:
    voxels = toy_head(7, None)
    save_head(LabelledHead(None, None, voxels.spacing_mm, voxels.hu, voxels.labels, "p-017"), tmp_path / "p-017")
    assert [head.name for head in (voxels, *open_heads(tmp_path))] == ["7", "p-017"]
    with pytest.raises(ValueError, match="either"):
        LabelledHead(7, None, voxels.spacing_mm, voxels.hu, voxels.labels, "p-017")


@pytest.mark.parametrize("plane", list(Plane))
def test_to_another_process_a_head_goes_as_its_files(tmp_path: Path, plane: Plane) -> None:
    head = toy_head(7, StrokeClass.IH)
    save_head(head, tmp_path / "7")
    there = pickle.loads(pickle.dumps(open_head(tmp_path / "7", plane)))
    assert isinstance(there.hu, np.memmap)
    mapped = open_head(tmp_path / "7", plane).hu
    assert isinstance(mapped, np.memmap)
    assert there.hu.filename == mapped.filename
    np.testing.assert_array_equal(there.hu, head.hu)
    np.testing.assert_array_equal(there.labels, head.labels)


def test_no_heads_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="prepare-phantoms"):
        open_heads(tmp_path)


def test_labels_must_fit() -> None:
    with pytest.raises(ValueError, match="labels"):
        LabelledHead(1, None, (1, 1, 1), np.zeros((2, 2, 2), np.int16), np.zeros((2, 2, 3), np.uint8))


def test_pixels_of_a_plane() -> None:
    head = LabelledHead(1, None, (3.0, 2.0, 1.0), np.zeros((2, 2, 2), np.int16), np.zeros((2, 2, 2), np.uint8))
    assert [head.pixel_mm(plane) for plane in Plane] == [(2.0, 1.0), (3.0, 1.0), (3.0, 2.0)]
