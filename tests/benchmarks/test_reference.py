from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from benchmarks import reference
from phantom.identity import StudyIdentity
from phantom.series import SeriesSettings, write_series
from runtime.bundle import Spec
from runtime.classification import StrokeClass
from runtime.compute import cpu
from runtime.fusion import evidence, fuse, labelled
from runtime.planes import Plane
from runtime.progress import silent
from runtime.stopwatch import Stopwatch
from runtime.volume import Geometry, Volume
from tests.builders import ensemble, spec

SHAPE = (9, 20, 40)


def volume() -> Volume:
    """Blobs of 0 to 100 HU."""
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=SHAPE), 2)
    hu = np.clip(50 + 400 * noise, 0, 100).astype(np.int16)
    return Volume(hu, Geometry.axis_aligned(SHAPE, (1.0, 1.0, 1.0)))


def settings() -> Spec:
    return spec(coefficients={Plane.AXIAL: 0.6, Plane.CORONAL: 0.7, Plane.SAGITTAL: 0.8}, closing_radius=3)


def network(images: torch.Tensor) -> torch.Tensor:
    """IS where dark, IH where bright."""
    return torch.cat([1 - images, images], dim=1)


def test_slices_are_sorted_by_position(tmp_path: Path) -> None:
    written = volume()
    write_series(written, tmp_path, SeriesSettings(StudyIdentity.of(1), matrix=None, shuffle_seed=1))
    assert np.array_equal(reference.read(tmp_path), written.hu)


def test_it_finds_what_the_runtime_finds_with_the_same_networks(tmp_path: Path) -> None:
    """Two ways to write the same method: whole volumes and scipy here, streamed and packed there."""
    written = volume()
    write_series(written, tmp_path, SeriesSettings(StudyIdentity.of(1), matrix=None))
    reading = reference.run(tmp_path, {plane: [network] for plane in Plane}, settings(), Stopwatch(lambda: 0.0), silent)
    with ensemble(lambda images: np.concatenate([1 - images, images], axis=1)).running() as running:
        fusion = fuse(written.hu, running, settings(), cpu())
    labels = labelled(fusion, settings(), cpu())
    assert {0, 1, 2} == set(np.unique(labels))
    assert np.array_equal(reading.labels, labels)
    expected = evidence(fusion, settings(), cpu())
    for stroke in StrokeClass:
        assert abs(reading.means[stroke] - expected[stroke]) < 1e-5
    assert reading.call == "IH"
