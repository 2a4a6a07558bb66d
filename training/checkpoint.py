"""Weights on disk together with the recipe and the score that they were chosen by.

One file, tensors and plain values only, so that loading it runs no code.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from training.config import Recipe
from training.model import Unet
from training.released import Released


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """recipe, weights (state dict on the CPU, float32), the step they are of, and that step's validation.

    released: the bundle that the weights were taken back from; None for those that training left
    """

    recipe: Recipe
    weights: dict[str, Tensor]
    step: int
    validation: dict[str, Any]
    released: Released | None = None

    def unet(self) -> Unet:
        """The network with these weights, in evaluation mode."""
        unet = Unet(self.recipe.width, self.recipe.scse)
        unet.load_state_dict(self.weights)
        return unet.eval()


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write `path` whole or not at all."""
    temporary = path.with_suffix(".part")
    torch.save(
        {
            "recipe": checkpoint.recipe.as_json(),
            "weights": checkpoint.weights,
            "step": checkpoint.step,
            "validation": checkpoint.validation,
            "released": checkpoint.released.as_json() if checkpoint.released else None,
        },
        temporary,
    )
    temporary.replace(path)


def load_checkpoint(path: Path) -> Checkpoint:
    """ValueError where the recipe in it is not one; whatever torch.load raises for other files."""
    stored = torch.load(path, map_location="cpu", weights_only=True)
    recipe, released = Recipe.from_json(stored["recipe"]), stored.get("released")
    origin = Released.from_json(released) if released else None
    return Checkpoint(recipe, stored["weights"], stored["step"], stored["validation"], origin)
