import math
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from phantom.difficulty import STANDARD
from phantom.plans import KINDS, StrokePlan
from phantom.synthesis import SyntheticHead, synthesise
from runtime.classification import StrokeClass

COARSE = (4.0, 2.0, 2.0)
SEEDS = {StrokeClass.IS: (3, 4, 5), StrokeClass.IH: (0, 1, 2, 3)}


@lru_cache
def head(seed: int, stroke: StrokeClass | None) -> SyntheticHead:
    return synthesise(seed, stroke, spacing_mm=COARSE)


def brain_of(hu: NDArray[np.int16]) -> NDArray[np.bool_]:
    """The largest piece of soft tissue, without its rim, in the upper half of the head."""
    soft = ndimage.binary_erosion((hu > -10) & (hu < 90))
    soft[: len(hu) // 2] = False
    pieces, count = ndimage.label(soft)
    sizes = ndimage.sum_labels(soft, pieces, range(1, count + 1))
    return np.asarray(pieces == 1 + int(np.argmax(sizes)))


def test_the_same_seed_gives_the_same_bytes() -> None:
    again = synthesise(3, StrokeClass.IS, spacing_mm=COARSE)
    assert again.volume.hu.tobytes() == head(3, StrokeClass.IS).volume.hu.tobytes()
    assert again.labels.tobytes() == head(3, StrokeClass.IS).labels.tobytes()


def test_another_seed_gives_another_head() -> None:
    assert (
        head(3, None).volume.shape != head(4, None).volume.shape
        or (head(3, None).volume.hu != head(4, None).volume.hu).any()
    )


def test_random_is_one_of_the_three() -> None:
    chosen = synthesise(2, spacing_mm=COARSE)
    np.testing.assert_array_equal(chosen.volume.hu, head(2, chosen.stroke).volume.hu)


def test_a_healthy_head_has_no_lesion() -> None:
    healthy = head(3, None)
    assert (healthy.stroke, healthy.kind, healthy.side, healthy.lesion_ml) == (None, None, None, 0.0)
    assert not healthy.labels.any()


@pytest.mark.parametrize("seed", [300_010, 100_174])
def test_little_blood_along_the_bone_is_thick_enough_to_be_seen(seed: int) -> None:
    """Spread thin, it lay within the blur of the bone, and its label marked bone of 200 HU and more."""
    small = synthesise(seed, StrokeClass.IH, spacing_mm=(2.0, 1.0, 1.0))
    assert small.kind in ("subdural", "epidural")
    assert small.lesion_ml < 4
    assert np.median(small.volume.hu[small.labels > 0]) < 80


@pytest.mark.parametrize("seed", [3, 4])
def test_tissues_have_their_hounsfield_units(seed: int) -> None:
    hu = head(seed, None).volume.hu
    brain = hu[brain_of(hu)]
    assert 1000 < len(brain) * math.prod(COARSE) / 1000 * 2 < 2200  # half a head holds half a brain, in ml
    assert 27 < np.median(brain) < 38
    assert 0.02 < (brain < 16).mean() < 0.35  # CSF
    assert np.percentile(hu, 99.5) > 700  # bone
    assert np.median(hu[hu < -500]) == pytest.approx(-1000, abs=3)
    assert ((hu > -110) & (hu < -60)).mean() > 0.005  # fat


def test_the_noise_of_brain_is_a_scanners() -> None:
    """Neighbours along z share tissue but no noise, at the median of all differences."""
    hu = head(3, None).volume.hu.astype(float)
    brain = brain_of(head(3, None).volume.hu)
    steps = (hu[1:] - hu[:-1])[brain[1:] & brain[:-1]]
    spread = 1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2)
    assert 2.5 < spread < 8.5


def test_a_head_has_air_around_but_not_below() -> None:
    hu = head(4, None).volume.hu
    for face in (hu[-1], hu[:, 0], hu[:, -1], hu[:, :, 0], hu[:, :, -1]):
        assert (face < -900).all()
    assert (hu[0] > -500).mean() > 0.2


def test_the_anatomy_does_not_depend_on_the_spacing() -> None:
    coarse, finer = head(3, None).volume, synthesise(3, None, spacing_mm=(4.0, 1.0, 1.0)).volume
    np.testing.assert_allclose(coarse.geometry.origins[0], finer.geometry.origins[0])
    rows, columns = (min(coarse.shape[a], -(-finer.shape[a] // 2)) for a in (1, 2))
    pair = coarse.hu[:, :rows, :columns], finer.hu[: len(coarse.hu), : 2 * rows : 2, : 2 * columns : 2]
    both = (pair[0] > 0) & (pair[0] < 60) & (pair[1] > 0) & (pair[1] < 60)
    assert both.mean() > 0.15
    assert abs(float(np.mean(pair[0][both].astype(float) - pair[1][both]))) < 0.5
    assert np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1] > 0.96


@pytest.mark.parametrize(("stroke", "seed"), [(stroke, seed) for stroke, seeds in SEEDS.items() for seed in seeds])
def test_volume_and_side_are_those_of_the_labels(stroke: StrokeClass, seed: int) -> None:
    planted = head(seed, stroke)
    marked = planted.labels == stroke.label
    assert set(np.unique(planted.labels)) == {0, stroke.label}
    assert planted.lesion_ml == pytest.approx(marked.sum() * math.prod(COARSE) / 1000)
    low, high = STANDARD.volume_ml(stroke)
    assert 0.4 * low < planted.lesion_ml < 1.3 * high
    assert planted.kind in KINDS[stroke]
    # The head's midline is where the bone's is, slice by slice.
    bone_x = np.argwhere(planted.volume.hu > 300)[:, 2].mean()
    offset = np.argwhere(marked)[:, 2].mean() - bone_x
    if planted.side == "midline":
        assert abs(offset) * COARSE[2] < 25
    else:
        assert np.sign(offset) == (1 if planted.side == "left" else -1)  # +x is the patient's left


@pytest.mark.parametrize("seed", SEEDS[StrokeClass.IS])
def test_ischaemia_is_darker_than_the_same_tissue_without_it(seed: int) -> None:
    planted, healthy = head(seed, StrokeClass.IS), head(seed, None)
    marked = planted.labels > 0
    was = healthy.volume.hu[marked].astype(float)
    tissue = (was > 20) & (was < 50)
    fall = was[tissue] - planted.volume.hu[marked].astype(float)[tissue]
    assert tissue.mean() > 0.75  # in brain tissue, grey and white
    assert 3 < fall.mean() < 15
    assert planted.volume.hu[marked].std() < was.std() + 1.5


@pytest.mark.parametrize("seed", SEEDS[StrokeClass.IH])
def test_blood_is_as_bright_as_blood(seed: int) -> None:
    planted = head(seed, StrokeClass.IH)
    assert 42 < np.median(planted.volume.hu[planted.labels > 0]) < 85


def test_a_stroke_leaves_the_skull_alone() -> None:
    planted, healthy = head(0, StrokeClass.IH), head(0, None)
    bone = ndimage.binary_erosion(healthy.volume.hu > 250)
    change = np.abs(planted.volume.hu[bone].astype(int) - healthy.volume.hu[bone])
    assert change.max() < 10  # where the blur reaches in from the brain
    assert (change > 0).mean() < 0.01


def test_volumes_are_log_uniform_and_all_kinds_happen() -> None:
    for stroke in StrokeClass:
        low, high = STANDARD.volume_ml(stroke)
        rng = np.random.default_rng(0)
        plans = [StrokePlan.random(stroke, rng) for _ in range(600)]
        place = [math.log(plan.ml / low) / math.log(high / low) for plan in plans]
        assert 0 <= min(place) <= max(place) <= 1
        assert np.quantile(place, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.08)
        assert {plan.kind for plan in plans} == set(KINDS[stroke])
        assert 0.4 < np.mean([plan.side > 0 for plan in plans]) < 0.6


def test_thick_slices_average_the_tissue_they_cut() -> None:
    """A voxel that is half bone, half brain is between them: in thick slices there are more of those."""
    thin, thick = (synthesise(4, None, spacing_mm=(z, 2.0, 2.0)).volume.hu for z in (1.25, 5.0))
    between = [((hu > 120) & (hu < 300)).sum() / (hu > 120).sum() for hu in (thin, thick)]
    assert between[1] > 1.2 * between[0]


def test_no_head_without_a_spacing() -> None:
    with pytest.raises(ValueError, match="spacing must be positive"):
        synthesise(1, None, spacing_mm=(0.0, 1.0, 1.0))
