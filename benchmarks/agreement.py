"""How far two segmentations and their findings are the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.task import Evidence
from calibration.dice import dice
from runtime.classification import StrokeClass

SMALLEST_DICE = 0.999
LARGEST_MEAN_DIFFERENCE = 0.005


@dataclass(frozen=True, slots=True)
class Agreement:
    """dice: per class, None where both masks are empty; mean_difference: per class, |difference of the mean V|;
    calls: the reference's and ours.
    """

    dice: Mapping[str, float | None]
    mean_difference: Mapping[str, float]
    calls: tuple[str, str]

    @property
    def holds(self) -> bool:
        """Dice at least 0.999, mean V within 0.005, and the same call."""
        return (
            all(value is None or value >= SMALLEST_DICE for value in self.dice.values())
            and max(self.mean_difference.values()) <= LARGEST_MEAN_DIFFERENCE
            and self.calls[0] == self.calls[1]
        )


def agreement_of(
    reference: Evidence, reference_labels: NDArray[np.uint8], ours: Evidence, our_labels: NDArray[np.uint8]
) -> Agreement:
    """Of two findings and their label volumes (Z, Y, X) on the same slices."""
    return Agreement(
        dice_by_class(reference_labels, our_labels),
        {stroke: abs(mean - ours.means[stroke]) for stroke, mean in reference.means.items()},
        (reference.call, ours.call),
    )


def dice_by_class(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> dict[str, float | None]:
    """Dice of each class in two label volumes of one shape; None where both are empty."""
    return {stroke.value: dice(first == stroke.label, second == stroke.label) for stroke in StrokeClass}
