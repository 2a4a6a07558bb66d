"""The three planes' probabilities of a whole head, before any coefficient: what calibration chooses numbers from.

Walks a head as the appliance's fusion does, but keeps every plane apart, in half precision: about 250 MB for a head.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runtime.classification import StrokeClass
from runtime.engines.base import SIZE_MULTIPLE, Ensemble
from runtime.planes import Plane
from runtime.windows import Windows, windowed

BATCH_SLICES = 8

Probability = NDArray[np.float16]
"""float16 (2, Z, Y, X) in [0, 1], classes (IS, IH)."""


def plane_probability(hu: NDArray[np.int16], plane: Plane, ensemble: Ensemble, windows: Windows) -> Probability:
    """The plane's average probability for `hu`, int16 (Z, Y, X), by the entered `ensemble`."""
    probability = np.empty((len(StrokeClass), *hu.shape), dtype=np.float16)
    slices, into = plane.slices(hu), plane.slices(probability)
    for start in range(0, len(slices), BATCH_SLICES):
        batch = slice(start, start + BATCH_SLICES)
        images = windowed(slices[batch], windows, np)
        height, width = images.shape[2:]
        padding = ((0, 0), (0, 0), (0, -height % SIZE_MULTIPLE), (0, -width % SIZE_MULTIPLE))
        mean = ensemble.mean(plane, np.pad(images, padding))[:, :, :height, :width]
        into[:, batch] = mean.swapaxes(0, 1)
    return probability
