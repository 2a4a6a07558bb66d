from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runtime.classification import Call, StrokeClass
from runtime.codes import Code
from runtime.compute import cpu
from runtime.pipeline import Analysis, analyse
from runtime.stopwatch import Stopwatch
from runtime.volume import Volume
from tests.builders import ensemble, head, spec


def bright(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """IH with 0.6 where the slice is brighter than 50 HU, seen in one plane alone: V is 1.2, below the cut-off."""
    probability = np.zeros((len(images), 2, *images.shape[2:]), np.float32)
    probability[:, 1][images[:, 0] > 0.5] = 0.6
    probability[:, 1][images[:, 0] > 0.99] = 0.0  # bone
    return probability


def nothing(images: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.zeros((len(images), 2, *images.shape[2:]), np.float32)


def analysed(spot: tuple[int, int, int], smallest_lesion_ml: float, area_cutoff: float = 0.0) -> Analysis:
    """A head at 1 mm with a spot of 70 HU, of `spot` voxels of 1 microlitre."""
    native = head(spacing_mm=(1.0, 1.0, 1.0))
    hu = native.hu.copy()
    hu[90 : 90 + spot[0], 90 : 90 + spot[1], 70 : 70 + spot[2]] = 70
    engines = ensemble(bright, coronal=nothing, sagittal=nothing)
    settings = spec(smallest_lesion_ml=smallest_lesion_ml, area_cutoffs=dict.fromkeys(StrokeClass, area_cutoff))
    with engines.running() as running:
        return analyse(Volume(hu, native.geometry), running, settings, cpu(), Stopwatch(lambda: 0.0))


def codes(analysis: Analysis) -> set[Code]:
    return {flag.code for flag in analysis.flags}


def test_any_marked_voxel_forbids_a_negative_call_where_the_spec_leaves_out_nothing() -> None:
    analysis = analysed((3, 4, 5), smallest_lesion_ml=0.0)
    assert analysis.finding.call is Call.INCONCLUSIVE
    assert Code.MASK_WITHOUT_CALL in codes(analysis)
    assert (analysis.grid_mask == 2).sum() == 60


def test_a_speck_is_left_out_and_said() -> None:
    analysis = analysed((3, 4, 5), smallest_lesion_ml=0.1)
    assert analysis.finding.call is Call.NONE
    assert not analysis.grid_mask.any()
    assert analysis.lesions == ()
    (flag,) = [flag for flag in analysis.flags if flag.code is Code.AREAS_LEFT_OUT]
    assert flag.detail == "IH: 1 area, 0.06 ml in all."


def test_an_area_of_some_size_still_forbids_it() -> None:
    analysis = analysed((5, 5, 5), smallest_lesion_ml=0.1)
    assert analysis.finding.call is Call.INCONCLUSIVE
    assert (analysis.grid_mask == 2).sum() == 125


def test_much_that_is_left_out_forbids_a_negative_call() -> None:
    analysis = analysed((30, 30, 30), smallest_lesion_ml=0.0, area_cutoff=1.3)
    assert not analysis.grid_mask.any()
    assert Code.MUCH_LEFT_OUT in codes(analysis)
    assert analysis.finding.call is Call.INCONCLUSIVE


def test_a_faint_area_is_left_out_by_its_own_evidence() -> None:
    analysis = analysed((5, 5, 5), smallest_lesion_ml=0.0, area_cutoff=1.3)
    assert not analysis.grid_mask.any()
    assert analysis.finding.call is Call.NONE
    assert analysed((5, 5, 5), smallest_lesion_ml=0.0, area_cutoff=1.1).finding.call is Call.INCONCLUSIVE
