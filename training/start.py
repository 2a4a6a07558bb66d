"""The network that a run starts from: chance, a pretrained encoder, an exported network or another run's best weights.

What the recipe says in words (`continues`, `pretrained`) comes here with its file.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from training.checkpoint import load_checkpoint
from training.config import Recipe
from training.continued import settle, unfolded
from training.dataset import Slices
from training.model import Unet
from training.pretrained import load_encoder

STATISTICS_BATCHES = 24
"""Batches that batch norms of an exported network take their statistics from, when training goes on from it."""


def first_network(recipe: Recipe, file: Path | None, slices: Slices) -> Unet:
    """The network before the first step; chance is torch's generator.

    file: what `recipe` starts from: a pretrained encoder, or a network as .onnx or .pt; None for chance. ValueError
    where it is missing, or of another network, plane or input.
    """
    if (file is None) != (recipe.continues is None and recipe.pretrained is None):
        raise ValueError("a recipe that starts from weights needs their file, and only such a one")
    if file is not None and recipe.continues:
        return _continued(recipe, file, slices)
    unet = Unet(recipe.width, recipe.scse)
    if file is not None:
        load_encoder(unet.encoder, file)
    return unet


def _continued(recipe: Recipe, file: Path, slices: Slices) -> Unet:
    if file.suffix == ".onnx":
        return unfolded(file, recipe.width, _batches(slices), recipe.scse)
    checkpoint = load_checkpoint(file)
    for key in ("plane", "width", "scse", "windows"):
        if getattr(checkpoint.recipe, key) != getattr(recipe, key):
            raise ValueError(f"{file} has another {key}: {getattr(checkpoint.recipe, key)}")
    unet = checkpoint.unet()
    if checkpoint.released:
        settle(unet, _batches(slices))
    return unet


def _batches(slices: Slices) -> list[Tensor]:
    rng = slices.rng(step=0)
    return [slices.batch(rng)[0] for _ in range(STATISTICS_BATCHES)]
