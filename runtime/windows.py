"""Hounsfield units to network input: each window clipped and mapped to 0..1, one channel each.

Shared by training and serving, on numpy and CuPy arrays alike, so that the two can't drift apart.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Windows: TypeAlias = tuple[tuple[float, float], ...]


def windowed(hu: Any, windows: Windows, xp: Any) -> Any:
    """`hu` (N, H, W) in HU to float32 (N, C, H, W) in [0, 1], C = len(windows); `xp` is numpy or cupy."""
    channels = xp.empty((len(hu), len(windows), *hu.shape[1:]), dtype=xp.float32)
    for channel, (low, high) in enumerate(windows):
        xp.clip((hu.astype(xp.float32) - low) / (high - low), 0.0, 1.0, out=channels[:, channel])
    return channels
