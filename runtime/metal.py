"""Is there metal in the head? Only what is brighter than any bone counts; its streaks are left to the reader's eye."""

from __future__ import annotations

import numpy as np

from runtime.codes import Code, Flag
from runtime.volume import Volume

METAL_HU = 3000
"""The densest bone, about the ear, ends below 2,500; scanners of 12 bits end at 3,071."""
METAL_ML = 0.1
"""A clip of some millimetres, with what the reconstruction adds around it."""


def metal_flags(head: Volume) -> tuple[Flag, ...]:
    """METAL where an evenly spaced volume holds more than `METAL_ML` of it."""
    millilitres = np.count_nonzero(head.hu >= METAL_HU) * float(np.prod(head.geometry.spacing_mm)) / 1000
    return (Flag(Code.METAL, f"About {millilitres:.1f} ml."),) if millilitres >= METAL_ML else ()
