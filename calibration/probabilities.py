"""The three planes' probabilities of a whole head, before any coefficient: what calibration chooses numbers from.

Walks a head as the appliance's fusion does, but keeps every plane apart, in half precision: about 250 MB for a head.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runtime.classification import StrokeClass
from runtime.engines.base import Ensemble
from runtime.fusion import probabilities
from runtime.planes import Plane
from runtime.windows import Windows

Probability = NDArray[np.float16]
"""float16 (2, Z, Y, X) in [0, 1], classes (IS, IH)."""


def plane_probability(hu: NDArray[np.int16], plane: Plane, ensemble: Ensemble, windows: Windows) -> Probability:
    """The plane's average probability for `hu`, int16 (Z, Y, X), by the entered `ensemble`."""
    probability = np.empty((len(StrokeClass), *hu.shape), dtype=np.float16)
    into = plane.slices(probability)
    for batch, mean in probabilities(hu, plane, ensemble, windows, np):
        into[:, batch] = mean
    return probability
