from __future__ import annotations

import math

import pytest
import torch

from runtime.planes import Plane
from training.config import Recipe
from training.loss import focal, loss, soft_dice


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_focal_loss_by_hand() -> None:
    """Two voxels: truth 1 given 0.8, truth 0 given 0.3."""
    logits = torch.tensor([[[[logit(0.8)]], [[logit(0.3)]]]])
    targets = torch.tensor([[[[1.0]], [[0.0]]]])
    by_hand = (0.2**2 * -math.log(0.8) + 0.3**2 * -math.log(0.7)) / 2
    assert focal(logits, targets, gamma=2.0).item() == pytest.approx(by_hand, rel=1e-5)


def test_without_gamma_it_is_cross_entropy() -> None:
    logits = torch.tensor([[[[0.0]], [[0.0]]]])
    assert focal(logits, torch.ones_like(logits), gamma=0.0).item() == pytest.approx(math.log(2))


def test_soft_dice_by_hand() -> None:
    """Class IS: probabilities 0.5 and 0.5, truth 1 and 0; class IH: empty and certain of it."""
    logits = torch.tensor([[[[0.0, 0.0]], [[-50.0, -50.0]]]])
    targets = torch.tensor([[[[1.0, 0.0]], [[0.0, 0.0]]]])
    ischaemia = 1 - (2 * 0.5 + 10) / (1.0 + 1.0 + 10)
    assert soft_dice(logits, targets, 10.0).item() == pytest.approx((ischaemia + 0) / 2)


def test_soft_dice_counts_each_crop_by_itself() -> None:
    """A speck in an empty crop costs the same whatever else is in the batch."""
    speck, large = torch.full((1, 2, 32, 32), -50.0), torch.full((1, 2, 32, 32), 50.0)
    speck[:, :, 0, :10] = 50.0
    empty, full = torch.zeros_like(speck), torch.ones_like(speck)
    alone = soft_dice(speck, empty, 10.0).item()
    assert alone == pytest.approx(1 - 10 / 20)
    assert soft_dice(torch.cat((speck, large)), torch.cat((empty, full)), 10.0).item() == pytest.approx(alone / 2)


def test_the_papers_recipe_has_no_dice() -> None:
    logits, targets = torch.randn(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    recipe = Recipe(Plane.AXIAL, seed=1)
    assert torch.equal(loss(logits, targets, recipe), focal(logits, targets, 2.0))
