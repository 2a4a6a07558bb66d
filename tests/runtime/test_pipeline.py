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


def test_small_pixels_are_averaged_in_blocks_and_labels_go_back_to_them() -> None:
    """At 0.5 mm, a spot of 10 x 11 pixels that begins between two blocks, and noise that only single pixels have."""
    native = head(spacing_mm=(1.0, 0.5, 0.5))
    hu = native.hu.copy()
    hu[90:94, 180:190, 141:152] = 70
    hu[60:70, 180:190:2, 140:150:2] = 70  # a quarter of the pixels: (70 + 3 x 30) / 4 is below 50
    seen: list[tuple[int, ...]] = []

    def watching(images: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(images.shape[2:])
        return bright(images)

    results = []
    for pixel_mm in (0.0, 1.0):
        seen.clear()
        with ensemble(watching, coronal=nothing, sagittal=nothing).running() as running:
            analysis = analyse(
                Volume(hu, native.geometry), running, spec(pixel_mm=pixel_mm), cpu(), Stopwatch(lambda: 0.0)
            )
        results.append((analysis, max(seen)))
    (as_scanned, large), (in_blocks, small) = results
    assert (as_scanned.grid_mask == 2).sum() == 4 * 10 * 11 + 10 * 5 * 5
    assert (in_blocks.grid_mask[60:70] == 2).sum() == 0
    marked = np.argwhere(in_blocks.grid_mask == 2)
    assert marked.min(axis=0).tolist() == [90, 180, 142]
    assert marked.max(axis=0).tolist() == [93, 189, 151]
    assert len(marked) == 4 * 10 * 10
    assert in_blocks.grid is in_blocks.native
    assert in_blocks.finding.measures[StrokeClass.IH].volume_ml == 4 * 10 * 10 * 0.25 / 1000
    assert max(small) <= max(large) / 2 + 32


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
