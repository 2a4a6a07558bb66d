"""Single labelled slices of patients, 8 bits deep, as the axial networks see them, and how well those mark them.

Computes on arrays; calibration/slice_files.py reads them. Slices like these guide choices and are never trained on. Of
a window that nobody wrote down, this fits one; what a window cut off is gone: black is taken for air, white for bone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from calibration.dice import dice
from runtime.classification import StrokeClass
from runtime.volume import AIR_HU

Grey = NDArray[np.uint8]
Window = tuple[float, float]
BRAIN_WINDOW: Window = (-20.0, 100.0)
"""Level 40, width 120: that of CT-ICH 1.0.0."""
BLACK = 3
"""Up to here air, where more than a few pixels are: JPEG makes black somewhat more than 0, and noise fluid so dark."""
WHITE = 250
"""From here on bone: JPEG makes white somewhat less than 255."""
BONE_HU = 1000
CSF_HU, BRAIN_HU = 8.0, 33.0
"""What the darkest fluid in ventricles and the commonest grey of a brain stand for, when a window is fitted."""
CSF_PERCENTILE = 2.0
_RIM_PIXELS = 8
"""So far from the bone its blur has ended."""
_SMOOTHING_PIXELS = 7
_AREA_PIXELS = 5
_SMALLEST_CAVITY_PIXELS = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSlice:
    """name: of the file; grey: uint8 (H, W), front of the head up; truth: bool (H, W), lesion of the class `stroke`.

    ValueError where the two don't fit each other.
    """

    name: str
    stroke: StrokeClass
    grey: Grey
    truth: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.grey.ndim != 2 or self.grey.dtype != np.uint8 or self.truth.dtype != np.bool_:
            raise ValueError("grey must be uint8 (H, W) and truth bool")
        if self.grey.shape != self.truth.shape:
            raise ValueError(f"{self.name} has {self.grey.shape} pixels, but {self.truth.shape} in its mask")


@dataclass(frozen=True, slots=True)
class SliceScore:
    """One slice's mask against its truth.

    both, either: pixels of the slice's class in mask and truth together, and in each of them, added
    marked: pixels marked as a class, whatever is true
    """

    name: str
    stroke: StrokeClass
    dice: float | None
    both: int
    either: int
    has_lesion: bool
    marked: dict[StrokeClass, int]

    @classmethod
    def of(cls, one: LabelledSlice, mask: NDArray[np.uint8]) -> SliceScore:
        """mask: uint8 (H, W), 0 background, 1 IS, 2 IH."""
        own = mask == one.stroke.label
        return cls(
            one.name,
            one.stroke,
            dice(own, one.truth),
            int((own & one.truth).sum()),
            int(own.sum() + one.truth.sum()),
            bool(one.truth.any()),
            {stroke: int((mask == stroke.label).sum()) for stroke in StrokeClass},
        )


@dataclass(frozen=True, slots=True)
class SliceSummary:
    """Dice of one set: the mean and median over its slices, and of all of its pixels taken together (pooled).

    None where no slice has a Dice. slices: how many have one
    """

    slices: int
    mean: float | None
    median: float | None
    pooled: float | None

    @classmethod
    def of(cls, scores: Sequence[SliceScore]) -> SliceSummary:
        known = [score.dice for score in scores if score.dice is not None]
        if not known:
            return cls(0, None, None, None)
        pooled = 2 * sum(score.both for score in scores) / sum(score.either for score in scores)
        return cls(len(known), float(np.mean(known)), float(np.median(known)), pooled)


def false_alarms(scores: Sequence[SliceScore], stroke: StrokeClass) -> tuple[int, int]:
    """Of the slices that show no lesion of this class: (how many have pixels marked as it, how many there are)."""
    without = [score for score in scores if score.stroke is not stroke or not score.has_lesion]
    return sum(score.marked[stroke] > 0 for score in without), len(without)


def to_hu(grey: Grey, window: Window) -> NDArray[np.int16]:
    """int16 (H, W), HU: linear in the window, air where an area is black, bone where white."""
    low, high = window
    hu: NDArray[np.int16] = np.rint(low + grey * ((high - low) / 255)).astype(np.int16)
    hu[ndimage.binary_opening(grey <= BLACK, np.ones((_AREA_PIXELS, _AREA_PIXELS), np.bool_))] = AIR_HU
    hu[grey >= WHITE] = BONE_HU
    return hu


def axial_mask(probability: NDArray[np.floating[Any]], k: float) -> NDArray[np.uint8]:
    """uint8 (N, H, W), 0 background, 1 IS, 2 IH, of probabilities (2, N, H, W) above k; the larger one wins."""
    mask: NDArray[np.uint8] = (probability.argmax(axis=0) + 1).astype(np.uint8)
    mask[probability.max(axis=0) <= k] = 0
    return mask


def fitted_window(greys: Sequence[Grey]) -> Window:
    """The window that these slices were stored in, from the peaks of fluid and of brain; white is beyond every peak.

    ValueError where no slice has a closed skull with a brain in it.
    """
    fluid, brain = [], np.zeros(256, dtype=np.int64)
    for grey in greys:
        bone = grey >= WHITE
        cavity = ndimage.binary_erosion(ndimage.binary_fill_holes(bone) & ~bone, iterations=_RIM_PIXELS)
        if cavity.sum() < _SMALLEST_CAVITY_PIXELS:
            continue
        inside = ndimage.median_filter(grey, _SMOOTHING_PIXELS)[cavity]
        fluid.append(float(np.percentile(inside, CSF_PERCENTILE)))
        brain += np.bincount(inside, minlength=256)
    if not fluid:
        raise ValueError("no slice shows a closed skull to fit a window in")
    csf_grey, brain_grey = float(np.median(fluid)), float(brain.argmax())
    if not csf_grey < brain_grey:
        raise ValueError(f"fluid at grey {csf_grey:g} is not darker than brain at {brain_grey:g}")
    hu_per_grey = (BRAIN_HU - CSF_HU) / (brain_grey - csf_grey)
    low = CSF_HU - hu_per_grey * csf_grey
    return low, low + 255 * hu_per_grey
