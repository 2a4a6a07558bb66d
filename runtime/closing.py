"""The exact closing on a GPU: what close_packed of runtime/morphology.py does, as kernels (closing.cu).

Imports no CuPy: who has it passes it in, and tests pass in a stand-in that runs the same source on the processor.
"""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SOURCE = Path(__file__).with_name("closing.cu")
LARGEST_RADIUS = 31
"""A run of the ball reaches no further than into the neighbouring words."""
_BITS = 32
_BLOCK = 256


class PackedClosing:
    """Compiled once, for the current device; launched on its current stream. `xp`: cupy.

    Called with a mask, bool (Z, Y, X), and a radius of 0 to 31 voxels; returns the same, closed, as close_packed does.
    """

    def __init__(self, xp: Any) -> None:
        self._xp = xp
        module = xp.RawModule(code=SOURCE.read_text(encoding="utf-8"))
        self._pack, self._dilate, self._unpack = map(module.get_function, ("pack", "dilate", "unpack"))

    def __call__(self, mask: Any, radius: int) -> Any:
        if not 0 <= radius <= LARGEST_RADIUS:
            raise ValueError(f"the radius must be 0 to {LARGEST_RADIUS}, not {radius}")
        if not radius or not mask.size:
            return mask.copy()
        xp, (depth, height, width) = self._xp, mask.shape
        rows, shape = np.int64(depth * height), [np.int32(size) for size in mask.shape]
        mask = xp.ascontiguousarray(mask)
        words = xp.empty((depth, height, -(-width // _BITS)), dtype=xp.uint32)
        dilated, closed = xp.empty_like(words), xp.empty_like(mask)
        halves = xp.asarray(_halves(radius))
        _launch(self._pack, words.size, mask, words, rows, shape[2])
        _launch(self._dilate, words.size, words, dilated, halves, np.int32(radius), *shape, np.int32(False))
        _launch(self._dilate, words.size, dilated, words, halves, np.int32(radius), *shape, np.int32(True))
        _launch(self._unpack, closed.size, words, closed, rows, shape[2])
        return closed


def _launch(kernel: Any, threads: int, *arguments: Any) -> None:
    kernel((-(-threads // _BLOCK),), (_BLOCK,), arguments)


def _halves(radius: int) -> NDArray[np.int32]:
    """int32 (2r+1, 2r+1): by dz and dy, how far the ball's row reaches to both sides along x; -1 where it has none."""
    offsets = range(-radius, radius + 1)
    squares = [[radius * radius - dz * dz - dy * dy for dy in offsets] for dz in offsets]
    return np.array([[isqrt(left) if left >= 0 else -1 for left in row] for row in squares], dtype=np.int32)
