"""Random views of a slice: quarter turns, flips, zoom and rotation as one resampling (paper, section Training).

The random parameters (`Warp`, drawn by `draw`) are apart from their application (`apply`), which is deterministic and
the same for image and label. Rotation and zoom happen in millimetres, so that a turned head keeps its shape on the
unequal pixels of coronal and sagittal slices.

Decided here, where the paper doesn't say: quarter turns and flips along H are for axial slices only. A coronal or
sagittal slice is blurred and stretched along z as scanners do it, and never turned or upside down when served;
turning it would teach a blur that doesn't exist. They are flipped along W.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from runtime.planes import Plane
from runtime.volume import AIR_HU
from training.config import Recipe


@dataclass(frozen=True, slots=True)
class Warp:
    """How a crop looks into a slice.

    centre: (row, column) of the slice, in pixels, that lands in the middle of the crop
    degrees: rotation, counterclockwise as displayed; quarter turns are part of it
    zoom: above 1 enlarges
    flip_h, flip_w: whether rows, columns run backwards
    """

    centre: tuple[float, float]
    degrees: float = 0.0
    zoom: float = 1.0
    flip_h: bool = False
    flip_w: bool = False


def draw(rng: np.random.Generator, recipe: Recipe, centre: tuple[float, float]) -> Warp:
    """Random parameters for one crop around `centre`."""
    turned = recipe.quarter_turns and recipe.plane is Plane.AXIAL
    turns = int(rng.integers(4)) if turned else 0
    return Warp(
        centre=centre,
        degrees=90.0 * turns + float(rng.uniform(-recipe.rotation_degrees, recipe.rotation_degrees)),
        zoom=float(rng.uniform(*recipe.scale)),
        flip_h=turned and bool(rng.integers(2)),
        flip_w=bool(rng.integers(2)),
    )


def apply(
    warp: Warp,
    hu: NDArray[np.integer[Any] | np.float32],
    labels: NDArray[np.uint8],
    pixel_mm: tuple[float, float],
    crop: tuple[int, int],
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The crop of both: float32 HU (H, W), bilinear, air outside; and uint8 labels (H, W), nearest, 0 outside.

    hu, labels: (h, w) of one slice with `pixel_mm` (row, column) spacing; `crop` is (H, W) in the same pixels.
    """
    grid = _grid(warp, hu.shape, pixel_mm, crop)
    image = _sampled(torch.from_numpy(hu.astype(np.float32) - AIR_HU), grid, "bilinear") + AIR_HU
    label = _sampled(torch.from_numpy(labels.astype(np.float32)), grid, "nearest")
    return image.numpy(), label.numpy().astype(np.uint8)


def _sampled(plane: Tensor, grid: Tensor, mode: str) -> Tensor:
    return F.grid_sample(plane[None, None], grid, mode=mode, padding_mode="zeros", align_corners=True)[0, 0]


def _grid(warp: Warp, shape: tuple[int, ...], pixel_mm: tuple[float, float], crop: tuple[int, int]) -> Tensor:
    """float32 (1, H, W, 2): where each pixel of the crop lies in the slice, (x, y), -1..1 from first to last centre."""
    rows = torch.arange(crop[0], dtype=torch.float32) - (crop[0] - 1) / 2
    columns = torch.arange(crop[1], dtype=torch.float32) - (crop[1] - 1) / 2
    y = (-rows if warp.flip_h else rows)[:, None] * pixel_mm[0] / warp.zoom
    x = (-columns if warp.flip_w else columns)[None] * pixel_mm[1] / warp.zoom
    cos, sin = float(np.cos(np.radians(warp.degrees))), float(np.sin(np.radians(warp.degrees)))
    row = (cos * y + sin * x) / pixel_mm[0] + warp.centre[0]
    column = (cos * x - sin * y) / pixel_mm[1] + warp.centre[1]
    scale = [2.0 / max(side - 1, 1) for side in shape]
    return torch.stack((column * scale[1] - 1.0, row * scale[0] - 1.0), dim=-1)[None]
