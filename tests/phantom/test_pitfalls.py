import numpy as np
import pytest

from phantom.difficulty import COHORT
from phantom.motion import Motion
from phantom.pitfalls import Pitfall, Pitfalls
from phantom.synthesis import SyntheticHead, synthesise
from runtime.classification import StrokeClass

SPACING = (4.0, 2.0, 2.0)


def head(seed: int, stroke: StrokeClass | None = None, has_pitfalls: bool = True) -> SyntheticHead:
    return synthesise(seed, stroke, spacing_mm=SPACING, difficulty=COHORT, has_pitfalls=has_pitfalls)


def test_one_to_three_at_once_and_all_of_them_happen() -> None:
    rng = np.random.default_rng(0)
    drawn = [Pitfalls.random(rng).kinds for _ in range(200)]
    assert {len(kinds) for kinds in drawn} == {1, 2, 3}
    for kind in Pitfall:
        assert 0.15 < np.mean([kind in kinds for kinds in drawn]) < 0.45  # 2 of 7 on average


def test_twice_the_same_pitfall_is_refused() -> None:
    with pytest.raises(ValueError, match="once each"):
        Pitfalls((Pitfall.MOTION, Pitfall.MOTION))


def test_pitfalls_are_no_stroke_and_do_not_tell_the_class() -> None:
    hard = head(6)
    assert hard.pitfalls
    assert not hard.labels.any()
    assert head(6, StrokeClass.IH).pitfalls == hard.pitfalls


def seed_with(kind: Pitfall) -> int:
    """The first seed whose pitfalls are this one alone: the seventh of its streams draws them."""
    return next(
        seed
        for seed in range(400)
        if Pitfalls.random(np.random.default_rng(np.random.SeedSequence(seed).spawn(7)[6])).kinds == (kind,)
    )


def change(kind: Pitfall) -> tuple[SyntheticHead, SyntheticHead]:
    seed = seed_with(kind)
    hard, plain = head(seed), head(seed, has_pitfalls=False)
    assert hard.pitfalls == (kind,)
    return hard, plain


def test_lime_is_brighter_than_blood() -> None:
    hard, plain = change(Pitfall.CALCIFICATION)
    risen = (hard.volume.hu - plain.volume.hu) > 40
    assert risen.sum() >= 3
    assert hard.volume.hu[risen].max() > 90


def test_an_old_infarct_is_nearly_fluid() -> None:
    hard, plain = change(Pitfall.OLD_INFARCT)
    fallen = ((hard.volume.hu - plain.volume.hu) < -10) & (plain.volume.hu > 25) & (plain.volume.hu < 50)
    assert fallen.sum() * np.prod(SPACING) / 1000 > 1
    assert 0 < np.median(hard.volume.hu[fallen]) < 22


def test_dense_sinuses_are_as_bright_as_blood() -> None:
    hard, plain = change(Pitfall.DENSE_SINUSES)
    was, now = plain.volume.hu, hard.volume.hu
    bright = (now - was > 6) & (was > 40) & (was < 70)
    assert bright.sum() > 20


def test_a_swollen_scalp_lies_outside_the_skull() -> None:
    hard, plain = change(Pitfall.SCALP_SWELLING)
    assert hard.volume.hu.size >= plain.volume.hu.size
    soft = [((one.volume.hu > 20) & (one.volume.hu < 80)).sum() * np.prod(SPACING) / 1000 for one in (hard, plain)]
    assert soft[0] > soft[1] + 3


def test_motion_doubles_an_edge_and_spares_slices_far_away() -> None:
    edge = np.zeros((20, 30, 60), dtype=np.float32)
    edge[:, :, 30:] = 1000
    moved = Motion(centre=0.0, reach=0.1, shift_mm=(0.0, 4.0), share=0.5, streaks=0.0).spoil(
        edge.copy(), (3.0, 2.0, 2.0)
    )
    np.testing.assert_allclose(moved[0, 15, 28:34], [0, 0, 500, 500, 1000, 1000], atol=1)  # 2 pixels, half of each pose
    np.testing.assert_array_equal(moved[10:], edge[10:])


def test_a_motion_that_would_carry_the_label_away_is_refused() -> None:
    with pytest.raises(ValueError, match="no patient moves"):
        Motion(0.5, 0.1, (1.0, 1.0), share=0.7, streaks=0.1)
