"""Which slices a training batch is made of, and the batch as tensors.

Each slice comes with probability `stroke_share` from the slices with stroke and otherwise from all slices (paper,
section Training), so that healthy heads and the stroke-free slices of the others are seen all the time. Randomness is
passed in, and the batch of a step depends on the recipe's seed and the step alone: whoever makes it, and whenever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from runtime.classification import StrokeClass
from runtime.windows import windowed
from training.augmentation import apply, draw
from training.config import Recipe
from training.heads import LabelledHead

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Slices:
    """The slices of one plane of all heads: int (n, 2) of (head, slice), all of them and those with stroke."""

    heads: Sequence[LabelledHead]
    recipe: Recipe
    everything: Index
    with_stroke: Index

    @classmethod
    def of(cls, heads: Sequence[LabelledHead], recipe: Recipe) -> Slices:
        """ValueError where no slice has stroke."""
        plane = recipe.plane
        everything = [
            (number, index) for number, head in enumerate(heads) for index in range(head.hu.shape[plane.axis])
        ]
        stroke = [(number, index) for number, head in enumerate(heads) for index in head.stroke_slices(plane)]
        if not stroke:
            raise ValueError("no slice with stroke to train on")
        return cls(heads, recipe, np.array(everything, dtype=np.intp), np.array(stroke, dtype=np.intp))

    def rng(self, step: int) -> np.random.Generator:
        """The randomness of step 1, 2, ...; 0 is for what comes before them."""
        return np.random.default_rng((self.recipe.seed, step))

    def choose(self, rng: np.random.Generator) -> tuple[int, int, bool]:
        """(head, slice, whether it was drawn for its stroke)."""
        for_stroke = bool(rng.random() < self.recipe.stroke_share)
        index = self.with_stroke if for_stroke else self.everything
        head, number = index[rng.integers(len(index))]
        return int(head), int(number), for_stroke

    def crop(self, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """One augmented crop: float32 HU (H, W) and its labels. A slice drawn for its stroke shows some of it."""
        number, index, for_stroke = self.choose(rng)
        head, recipe = self.heads[number], self.recipe
        hu, labels = self._slab(rng, head, index)
        if for_stroke:
            voxels = np.argwhere(recipe.plane.slices(head.labels)[index])
            reach = np.array(recipe.crop_size) / 3
            centre = voxels[rng.integers(len(voxels))] + rng.uniform(-reach, reach)
        else:
            centre = rng.uniform((0, 0), labels.shape)
        inside = np.minimum(np.array(recipe.crop_size) / 2, np.array(labels.shape) / 2)
        row, column = np.clip(centre, inside, labels.shape - inside)
        warp = draw(rng, recipe, (float(row), float(column)))
        image, label = apply(warp, hu, labels, head.pixel_mm(recipe.plane), recipe.crop_size)
        image += np.float32(rng.uniform(-recipe.hu_shift, recipe.hu_shift))
        if recipe.blur_pixels and rng.integers(2):
            image = ndimage.gaussian_filter(image, rng.uniform(0.0, recipe.blur_pixels))
        return image, label

    def _slab(
        self, rng: np.random.Generator, head: LabelledHead, index: int
    ) -> tuple[NDArray[np.integer[Any] | np.float32], NDArray[np.uint8]]:
        """HU (H, W) and labels of a slice, or the mean of it and its neighbours, labelled where half of them are."""
        plane = self.recipe.plane
        reach = 0
        if self.recipe.thick_mm:
            reach = round(rng.uniform(0.0, self.recipe.thick_mm) / head.spacing_mm[plane.axis] / 2)
        hu, labels = plane.slices(head.hu), plane.slices(head.labels)
        if reach == 0:
            return hu[index], labels[index]
        slab = slice(max(index - reach, 0), index + reach + 1)
        thick = np.zeros(labels.shape[1:], dtype=np.uint8)
        for stroke in StrokeClass:
            thick[(labels[slab] == stroke.label).mean(axis=0) >= 0.5] = stroke.label
        return hu[slab].mean(axis=0, dtype=np.float32), thick

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Images float32 (N, C, H, W) in [0, 1] and targets float32 (N, 2, H, W), 0 or 1, channels (IS, IH)."""
        crops = [self.crop(rng) for _ in range(self.recipe.batch)]
        images = windowed(np.stack([hu for hu, _ in crops]), self.recipe.windows, np)
        return torch.from_numpy(images), targets_of(np.stack([labels for _, labels in crops]))


def targets_of(labels: NDArray[np.uint8]) -> Tensor:
    """Labels uint8 (N, H, W) to targets float32 (N, 2, H, W)."""
    return torch.from_numpy(np.stack([labels == stroke.label for stroke in StrokeClass], axis=1).astype(np.float32))
