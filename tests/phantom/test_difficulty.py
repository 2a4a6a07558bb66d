from dataclasses import replace

import numpy as np
import pytest

from phantom.brain import Brain
from phantom.difficulty import COHORT, STANDARD
from phantom.fields import Sampler
from phantom.head import LATTICE, Frame
from phantom.layers import paint
from phantom.lesions import stroke_layers
from phantom.plans import KINDS, StrokePlan
from phantom.skull import Skull
from phantom.synthesis import SyntheticHead, synthesise
from runtime.classification import StrokeClass

SPACING = (3.0, 1.5, 1.5)
SILENT = replace(
    COHORT,
    noise_hu=(0.0, 0.0),
    blur_mm=(0.0, 0.0),
    profile_mm=(0.0, 0.0),
    hardening=(0.0, 0.0),
    halo_hu=(0.0, 0.0),
)
"""The cohort's lesions as painted, before a scanner saw them."""


def plan_of(seed: int, stroke: StrokeClass) -> StrokePlan:
    """What `synthesise` plans: the third of its streams."""
    return StrokePlan.random(stroke, np.random.default_rng(np.random.SeedSequence(seed).spawn(3)[2]), COHORT)


def test_the_standard_head_of_old_is_what_it_was() -> None:
    """Voxels of seed 3 at 4 x 2 x 2 mm, written down before there were difficulties; noise makes every one tell."""
    head = synthesise(3, StrokeClass.IS, spacing_mm=(4.0, 2.0, 2.0))
    assert head.volume.shape == (41, 110, 91)
    assert int((head.labels > 0).sum()) == pytest.approx(196, abs=1)
    along = head.volume.hu[20, 50, 20:80:5].astype(int)
    recorded = [34, 29, 31, 41, 25, 48, 38, 24, 19, 32, 32, 33]
    assert np.abs(along - recorded).max() <= 1  # another processor may round otherwise


@pytest.mark.parametrize("stroke", StrokeClass)
def test_cohort_volumes_are_log_uniform_from_1_to_150_ml(stroke: StrokeClass) -> None:
    rng = np.random.default_rng(0)
    plans = [StrokePlan.random(stroke, rng, COHORT) for _ in range(800)]
    place = [np.log(plan.ml) / np.log(150) for plan in plans]
    assert 0 <= min(place) <= max(place) <= 1
    assert np.quantile(place, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.07)
    assert {plan.kind for plan in plans} == set(KINDS[stroke])


def test_cohort_infarcts_are_planned_2_to_10_hu_below_their_tissue() -> None:
    rng = np.random.default_rng(1)
    falls = [StrokePlan.random(StrokeClass.IS, rng, COHORT).infarct_hu or 0 for _ in range(400)]
    assert 2 <= min(falls) < 2.2
    assert 9.8 < max(falls) <= 10
    assert StrokePlan.random(StrokeClass.IH, rng, COHORT).infarct_hu is None


@pytest.fixture(scope="module")
def brain() -> Brain:
    rng = np.random.default_rng(0)
    frame = Frame.random(rng)
    return Brain.random(frame, frame.points, Skull.random(frame, rng).cavity, rng)


@pytest.mark.parametrize("kind", ["MCA", "PCA", "ACA", "PICA", "lacunar"])
def test_an_infarct_is_as_dark_as_it_was_planned(brain: Brain, kind: str) -> None:
    """Of all voxels that are at least half infarct, before CSF is painted over them; none is brighter than before."""
    rng = np.random.default_rng(len(kind))
    plan = next(
        plan for plan in (StrokePlan.random(StrokeClass.IS, rng, COHORT) for _ in range(1000)) if plan.kind == kind
    )
    tissue = brain.tissue_layers(rng)
    lesion = stroke_layers(plan, brain, tissue, rng)
    sampler = Sampler.onto(LATTICE, LATTICE.start, (67, 81, 67), (3.0, 3.0, 3.0))
    before, _ = paint(tissue, sampler, slice(0, 67), 1.0)
    after, share = paint([*tissue, *lesion.on_tissue], sampler, slice(0, 67), 1.0)
    labelled = (share >= 0.5) & (before > 20)
    fall = (before - after)[labelled]
    assert plan.infarct_hu is not None
    assert fall.mean() == pytest.approx(plan.infarct_hu, rel=0.15, abs=0.2)
    assert np.percentile(fall, 3) > -0.5


@pytest.mark.parametrize("seed", [82, 85])
def test_blood_is_where_the_label_is_and_as_much_as_planned(seed: int) -> None:
    plan = plan_of(seed, StrokeClass.IH)
    planted: SyntheticHead = synthesise(seed, StrokeClass.IH, spacing_mm=SPACING, difficulty=SILENT)
    assert planted.kind == plan.kind
    assert planted.lesion_ml == pytest.approx(plan.ml, rel=0.2, abs=0.3)
    assert np.median(planted.volume.hu[planted.labels > 0]) > 40


def test_mixed_blood_is_fainter_and_more_varied(brain: Brain) -> None:
    levels = []
    for is_mixed in (False, True):
        rng = np.random.default_rng(0)
        plan = StrokePlan("intraventricular", 1.0, (7, 10, 15), 5.0, mixed_blood=is_mixed)
        clots = [stroke_layers(plan, brain, (), rng).on_fluid[0].hu for _ in range(30)]
        levels.append(np.array([float(np.mean(hu)) for hu in clots]))
    assert levels[0].min() > 49
    assert levels[1].min() < 46
    assert levels[1].std() > levels[0].std()


def test_a_range_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="runs backwards"):
        replace(STANDARD, noise_hu=(6.0, 3.0))
    with pytest.raises(ValueError, match="volumes above 0 ml"):
        replace(STANDARD, blood_ml=(0.0, 2.0))
