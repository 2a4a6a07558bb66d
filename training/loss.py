"""What the networks are trained to make small: the focal loss of the paper, and a soft Dice loss beside it as a
variant.

Pure functions of logits and targets; no weights, no masks, no state.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from training.config import Recipe


def focal(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """Mean of -(1 - p)^gamma log p, p the probability given to the truth (Lin et al. 2017, without class weights).

    logits, targets: float32 (N, 2, H, W); targets 0 or 1.
    """
    return cast(Tensor, sigmoid_focal_loss(logits, targets, alpha=-1, gamma=gamma, reduction="mean"))


def soft_dice(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """1 - Dice of the probabilities, `smoothing` pixels added on both sides, mean over crops and classes.

    Crop by crop rather than over the batch: most crops are empty of a class, score 1 where nothing is marked in them,
    and less the more is.
    """
    probabilities = torch.sigmoid(logits)
    both = (probabilities * targets).sum(dim=(2, 3))
    either = (probabilities + targets).sum(dim=(2, 3))
    return (1.0 - (2.0 * both + smoothing) / (either + smoothing)).mean()


def loss(logits: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    """The recipe's loss: focal, plus `dice_weight` times soft Dice."""
    value = focal(logits, targets, recipe.focal_gamma)
    if recipe.dice_weight:
        value = value + recipe.dice_weight * soft_dice(logits, targets, recipe.dice_smoothing)
    return value
