"""How the weights of a recipe move: the optimiser, and the learning rate of each step.

The learning rate is a function of the step alone, so that a run that goes on needs no schedule to restore.
"""

from __future__ import annotations

import math

import torch

from training.config import Optimiser, Recipe
from training.model import Unet

RISING_SHARE = 0.1
"""Of the steps of one cycle."""
WEIGHT_DECAY = 1e-2
"""Of AdamW; RMSProp has none, as in the paper."""


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of step 1, 2, ... `steps`."""
    if recipe.optimiser is Optimiser.RMSPROP:
        return recipe.learning_rate * recipe.decay ** (step - 1)
    rising = max(1, round(recipe.steps * RISING_SHARE))
    if step <= rising:
        return recipe.learning_rate * step / rising
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / (recipe.steps - rising)))


def optimiser_of(recipe: Recipe, unet: Unet) -> torch.optim.Optimizer:
    """The recipe's optimiser of all weights; those without a gradient, as a frozen encoder's, stay as they are."""
    if recipe.optimiser is Optimiser.RMSPROP:
        return torch.optim.RMSprop(unet.parameters(), lr=recipe.learning_rate)
    on_gpu = next(unet.parameters()).is_cuda
    return torch.optim.AdamW(
        unet.parameters(), lr=recipe.learning_rate, weight_decay=WEIGHT_DECAY, fused=on_gpu or None
    )


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Of every group of weights, from the next step on."""
    for group in optimiser.param_groups:
        group["lr"] = rate
