"""Exact closing with a ball, bit-packed along x.

The paper closes with a ball of radius 3 voxels. The outside is ignored (cuCIM's mode='ignore'): it counts as empty for
the dilation and as full for the erosion. A ball is a set of rows (dz, dy), each a run of 2 * half + 1 voxels; with 64
voxels in a word, a run is a few shifts and ORs of whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.errors import NotInstalled

Words = NDArray[np.uint64]
_WORD = 64


def ball(radius: int) -> NDArray[np.bool_]:
    """bool (2r+1, 2r+1, 2r+1): voxels whose centre lies within `radius` of the middle one; 123 voxels for 3."""
    z, y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1, -radius : radius + 1]
    inside: NDArray[np.bool_] = np.asarray(z * z + y * y + x * x <= radius * radius)
    return inside


def close_packed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """`mask` (Z, Y, X) dilated, then eroded, by ball(radius), the outside ignored both times; radius 0 to 63 voxels."""
    if not 0 <= radius < _WORD:
        raise ValueError(f"the radius must be 0 to {_WORD - 1}, not {radius}")
    if not radius or not mask.any():
        return np.array(mask)
    box = tuple(
        slice(max(inside[0] - 2 * radius, 0), min(inside[-1] + 1 + 2 * radius, size))
        for axis, size in enumerate(mask.shape)
        for inside in (np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))),)
    )
    closed = np.zeros_like(mask)
    closed[box] = _close(mask[box], radius)
    return closed


def close_cucim(mask: Any, radius: int) -> Any:
    """The same of a CuPy array by NVIDIA's cuCIM: the documented reference for a GPU. NotInstalled without it."""
    try:
        import cupy
        from cucim.skimage.morphology import binary_closing
    except ImportError as error:
        raise NotInstalled(f"cuCIM can't be loaded ({error}).") from error
    return binary_closing(mask, cupy.asarray(ball(radius)), mode="ignore")


def _close(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    width = mask.shape[2]
    inside = _packed(np.ones((1, 1, width), dtype=bool))
    dilated = _dilated(_packed(mask), radius) & inside
    # Erosion is the dilation of the complement, complemented; the outside is not part of the complement.
    eroded = ~_dilated(~dilated & inside, radius) & inside
    return _unpacked(eroded, width)


def _dilated(words: Words, radius: int) -> Words:
    """The union of the mask shifted by every row of the ball; rows outside add nothing."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for dz, dy in np.argwhere(ball(radius).any(axis=2)) - radius:
        half = int(np.sqrt(radius * radius - dz * dz - dy * dy))
        rows.setdefault(half, []).append((int(dz), int(dy)))
    dilated = np.zeros_like(words)
    for half, offsets in rows.items():
        run = _run(words, half)
        for dz, dy in offsets:
            dilated[_onto(dz), _onto(dy)] |= run[_onto(-dz), _onto(-dy)]
    return dilated


def _onto(offset: int) -> slice:
    """The part of an axis that something moved by `offset` lands on (and, negated, comes from)."""
    return slice(offset, None) if offset >= 0 else slice(None, offset)


def _run(words: Words, half: int) -> Words:
    """Each voxel spread `half` voxels to both sides along x."""
    run: Words = np.array(words)
    for distance in range(1, half + 1):
        run |= _shifted(words, distance, np.left_shift, np.right_shift, 1)
        run |= _shifted(words, distance, np.right_shift, np.left_shift, -1)
    return run


def _shifted(
    words: Words,
    distance: int,
    along: Callable[[Words, np.uint64], Words],
    across: Callable[[Words, np.uint64], Words],
    step: int,
) -> Words:
    """Bits moved by `distance` < 64 along x; those that leave a word enter its neighbour `step` words on."""
    moved = along(words, np.uint64(distance))
    carried = across(words, np.uint64(_WORD - distance))
    if step > 0:
        moved[..., 1:] |= carried[..., :-1]
    else:
        moved[..., :-1] |= carried[..., 1:]
    return moved


def _packed(mask: NDArray[np.bool_]) -> Words:
    """bool (..., X) to uint64 (..., ceil(X / 64)); voxel x is bit x % 64."""
    padded = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, -mask.shape[-1] % _WORD)])
    packed = np.ascontiguousarray(np.packbits(padded, axis=-1, bitorder="little"))
    words: Words = packed.view("<u8").astype(np.uint64, copy=False)
    return words


def _unpacked(words: Words, width: int) -> NDArray[np.bool_]:
    bits = np.unpackbits(words.astype("<u8", copy=False).view(np.uint8), axis=-1, bitorder="little")
    return bits[..., :width].astype(bool)
