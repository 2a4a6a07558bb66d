from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.classification import StrokeClass
from runtime.compute import cpu
from runtime.engines.base import Ensemble
from runtime.engines.memory import MemoryEngine
from runtime.errors import EngineError
from runtime.fusion import evidence, fuse, labelled
from runtime.planes import Plane
from tests.builders import Predict, ensemble, spec

Floats32 = NDArray[np.float32]


def constant(ischaemia: float, haemorrhage: float) -> Predict:
    def predict(images: Floats32) -> Floats32:
        probabilities = np.empty((len(images), 2, *images.shape[2:]), np.float32)
        probabilities[:, 0], probabilities[:, 1] = ischaemia, haemorrhage
        return probabilities

    return predict


def brightness(images: Floats32) -> Floats32:
    """IS where dark, IH where bright: voxel (HU 0..100) as probability."""
    return np.stack([1 - images[:, 0], images[:, 0]], axis=1)


HU = np.random.default_rng(0).integers(0, 100, (5, 7, 9)).astype(np.int16)


def test_every_plane_puts_its_slices_back_where_they_came_from() -> None:
    settings = spec(coefficients={Plane.AXIAL: 0.4, Plane.CORONAL: 0.5, Plane.SAGITTAL: 0.6})
    with ensemble(brightness).running() as running:
        fusion = fuse(HU, running, settings, cpu())
    p = HU / 100
    assert fusion.v[1] == pytest.approx(p / 0.4 + p / 0.5 + p / 0.6, abs=1e-5)
    assert np.array_equal(fusion.votes[1], p > np.float32(0.4))
    assert fusion.plane_voxels[Plane.SAGITTAL][1] == (p > np.float32(0.6)).sum()


def test_one_plane_is_enough_for_a_vote() -> None:
    with ensemble(constant(0, 0), coronal=constant(0.6, 0.2)).running() as running:
        fusion = fuse(HU, running, spec(), cpu())
    assert fusion.votes[0].all()
    assert not fusion.votes[1].any()
    assert fusion.v[0] == pytest.approx(1.2)


def test_models_of_a_plane_are_averaged() -> None:
    several = (MemoryEngine(constant(0.2, 0.0)), MemoryEngine(constant(0.7, 0.0)), MemoryEngine(constant(0.9, 0.3)))
    nothing = (MemoryEngine(constant(0.0, 0.0)),)
    members = Ensemble({Plane.AXIAL: several, Plane.CORONAL: nothing, Plane.SAGITTAL: nothing})
    with members.running() as running:
        fusion = fuse(HU, running, spec(), cpu())
    assert fusion.v[0] == pytest.approx(0.6 / 0.5)
    assert fusion.v[1] == pytest.approx(0.1 / 0.5)


def test_evidence_is_the_mean_of_v_above_the_cutoff() -> None:
    with ensemble(brightness).running() as running:
        fusion = fuse(HU, running, spec(), cpu())
    v = 3 * (HU / 100) / 0.5
    settings = spec(voxel_cutoff=0.87)  # between two values that V takes
    assert evidence(fusion, settings, cpu())[StrokeClass.IH] == pytest.approx(v[v > 0.87].mean(), rel=1e-5)
    with ensemble(constant(0.1, 0.1)).running() as running:
        assert evidence(fuse(HU, running, spec(), cpu()), spec(), cpu()) == {StrokeClass.IS: 0.0, StrokeClass.IH: 0.0}


def test_a_voxel_in_both_masks_goes_to_the_larger_v() -> None:
    with ensemble(constant(0.9, 0.6)).running() as running:
        fusion = fuse(HU, running, spec(), cpu())
    assert (labelled(fusion, spec(), cpu()) == StrokeClass.IS.label).all()
    with ensemble(constant(0.6, 0.9)).running() as running:
        fusion = fuse(HU, running, spec(), cpu())
    assert (labelled(fusion, spec(), cpu()) == StrokeClass.IH.label).all()


@pytest.mark.parametrize("wrong", [np.nan, 1.5, -0.2])
def test_what_is_no_probability_ends_the_analysis(wrong: float) -> None:
    with ensemble(constant(0.1, wrong)).running() as running, pytest.raises(EngineError, match="no probabilities"):
        fuse(HU, running, spec(), cpu())


def test_engines_see_multiples_of_32_and_padding_never_comes_back() -> None:
    shapes = set()

    def watch(images: Floats32) -> Floats32:
        shapes.add(images.shape[2:])
        return constant(0.0, 1.0)(images)

    with ensemble(watch).running() as running:
        fusion = fuse(np.zeros((5, 33, 64), np.int16), running, spec(), cpu())
    assert shapes == {(64, 64), (32, 64)}
    assert fusion.v.shape == (2, 5, 33, 64)


def test_progress_is_told_of_each_network_and_each_batch() -> None:
    """Whoever listens knows that it does not hang, however long a batch takes."""
    engines = (MemoryEngine(constant(0, 0)), MemoryEngine(constant(0, 0)))
    told: list[tuple[str, int, int]] = []
    with Ensemble(dict.fromkeys(Plane, engines)).running() as running:
        fuse(HU, running, spec(), cpu(), lambda *what: told.append(what))
    assert told == [("slices", done, 21) for done in (0, 0, 5, 5, 5, 12, 12, 12, 20, 20, 20, 21)]
