from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from runtime.classification import StrokeClass
from runtime.planes import Plane
from training.config import Recipe
from training.heads import LabelledHead
from training.model import Unet
from training.precision import Precision, autocast
from training.validation import predict, validate

RECIPE = Recipe(Plane.AXIAL, seed=1, windows=((0.0, 100.0),), precision=Precision.F32)


class Mark(nn.Module):
    """Marks what is brighter than half the window as IH, wherever it is; adds `slope` times the column to the logit."""

    def __init__(self, slope: float = 0.0) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(slope))

    def forward(self, images: Tensor) -> Tensor:
        bright = 20 * (images[:, 0] - 0.5) + self.slope * torch.arange(images.shape[3])
        return torch.stack([torch.full_like(bright, -20.0), bright], dim=1)


def network(slope: float = 0.0) -> Unet:
    return cast(Unet, Mark(slope))


def test_iou_by_hand() -> None:
    """Four true voxels, of which two are marked, and two more elsewhere: 2 / 6. A healthy head with nothing: 1."""
    hu = np.zeros((1, 32, 32), np.int16)
    labels = np.zeros((1, 32, 32), np.uint8)
    labels[0, 0, :4] = StrokeClass.IH.label
    hu[0, 0, 2:6] = 90
    heads = [
        LabelledHead(1, StrokeClass.IH, (1, 1, 1), hu, labels),
        LabelledHead(2, None, (1, 1, 1), np.zeros_like(hu), np.zeros_like(labels)),
    ]
    validation = validate(network(), heads, RECIPE)
    assert validation.mean_iou == pytest.approx(2 / 6)
    assert validation.score == pytest.approx((2 / 6 + 1) / 2)
    assert validation.healthy_voxels == (0,)


def test_tta_is_the_mean_over_three_views() -> None:
    """The logit is the column: of 32, the left-right flip's is 31 less it, and the up-down flip changes nothing."""
    hu = np.full((1, 32, 32), 50, np.int16)
    column = np.arange(32.0)
    once = 1 / (1 + np.exp(-0.1 * column))
    flipped = once[::-1]
    plain = predict(network(0.1), hu, RECIPE)
    averaged = predict(network(0.1), hu, RECIPE, tta=True)
    np.testing.assert_allclose(plain[0, 1, 7], once, rtol=1e-5)
    np.testing.assert_allclose(averaged[0, 1, 7], (2 * once + flipped) / 3, rtol=1e-5)


def test_half_precision_is_refused_on_a_processor() -> None:
    with pytest.raises(ValueError, match="cuda"):
        autocast("cpu", Precision.FP16)
