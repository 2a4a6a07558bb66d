"""Compute: the array library that the numerical code runs on, chosen once and passed in.

The method is written once against it; nothing else asks whether there is a GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.morphology import close_packed


@dataclass(frozen=True, slots=True)
class Compute:
    """numpy and the exact closing on the CPU, or their CuPy twins.

    xp: the array module
    close: (mask bool (Z, Y, X) of xp, radius) -> the same, closed by a ball, with the outside ignored
    """

    name: str
    xp: Any
    close: Callable[[Any, int], Any]
    _fetch: Callable[[Any], NDArray[Any]]

    def to_host(self, array: Any) -> NDArray[Any]:
        """The only crossing back: `array` of xp as a numpy array."""
        return self._fetch(array)


def cpu() -> Compute:
    """numpy on the processor."""
    return Compute("cpu", np, close_packed, np.asarray)
