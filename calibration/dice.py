"""Dice of two masks. Two empty masks have none: whoever averages leaves them out and says how many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float | None:
    """2 |A and B| / (|A| + |B|) of two bool arrays of one shape; None where both are empty."""
    size = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / size if size else None
