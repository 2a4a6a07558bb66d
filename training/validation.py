"""How good a network is on heads that it never trained on: intersection over union per patient, and alarms on healthy
heads.

Looks at one plane by itself, at probability 0.5; coefficients, fusion and the diagnosis are calibration's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runtime.windows import windowed
from training.config import Recipe
from training.heads import LabelledHead
from training.model import STRIDE, Unet
from training.precision import autocast

BATCH_SLICES = 8
THRESHOLD = 0.5
AS_IT_IS: tuple[int, ...] = ()
TTA = (AS_IT_IS, (3,), (2,))
"""Test-time augmentation: which axes of (N, C, H, W) are flipped: none, left-right, up-down (paper, section Model)."""


@dataclass(frozen=True, slots=True)
class Validation:
    """score: the mean over all heads of their IoU, where a healthy head has 1 if nothing is marked, else 0
    mean_iou: the mean over patients with stroke of the IoU of their own class (paper, section Training)
    other_class_share: false voxels of the other class, as a share of the true voxels, mean over patients with stroke
    healthy_voxels: per healthy head, the voxels marked as either class on the slices looked at
    """

    score: float
    mean_iou: float
    iou_by_class: dict[str, float]
    other_class_share: float
    healthy_voxels: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def validate(unet: Unet, heads: Sequence[LabelledHead], recipe: Recipe, tta: bool = False) -> Validation:
    """Every `validation_stride`-th slice of each head, see `predict`. ValueError where no head has stroke."""
    ious: dict[str, list[float]] = {}
    others: list[float] = []
    healthy: list[int] = []
    for head in heads:
        slices = slice(None, None, recipe.validation_stride)
        labels = recipe.plane.slices(head.labels)[slices]
        marked = predict(unet, recipe.plane.slices(head.hu)[slices], recipe, tta) > THRESHOLD
        if head.stroke is None:
            healthy.append(int(marked.sum()))
            continue
        truth, own = labels == head.stroke.label, marked[:, head.stroke.channel]
        ious.setdefault(head.stroke.value, []).append(float((truth & own).sum() / max((truth | own).sum(), 1)))
        others.append(float(marked[:, 1 - head.stroke.channel].sum() / max(truth.sum(), 1)))
    if not ious:
        raise ValueError("no validation head with stroke")
    every = [iou for of_class in ious.values() for iou in of_class]
    return Validation(
        score=float(np.mean([*every, *(float(voxels == 0) for voxels in healthy)])),
        mean_iou=float(np.mean(every)),
        iou_by_class={stroke: float(np.mean(of_class)) for stroke, of_class in sorted(ious.items())},
        other_class_share=float(np.mean(others)),
        healthy_voxels=tuple(healthy),
    )


@torch.inference_mode()
def predict(unet: Unet, hu: NDArray[np.int16], recipe: Recipe, tta: bool = False) -> NDArray[np.float32]:
    """Probabilities float32 (N, 2, H, W) of slices int16 (N, H, W) of any size, padded as the appliance pads them.

    tta: the mean over the slice and its two flips, each turned back; three times the work.
    """
    height, width = hu.shape[1:]
    padding = ((0, 0), (0, 0), (0, -height % STRIDE), (0, -width % STRIDE))
    probabilities = np.empty((len(hu), 2, height, width), dtype=np.float32)
    unet.eval()
    device = next(unet.parameters()).device
    for start in range(0, len(hu), BATCH_SLICES):
        batch = slice(start, start + BATCH_SLICES)
        images = torch.from_numpy(np.pad(windowed(hu[batch], recipe.windows, np), padding)).to(device)
        views = [_probabilities(unet, images.flip(axes), recipe).flip(axes) for axes in (TTA if tta else (AS_IT_IS,))]
        probabilities[batch] = torch.stack(views).mean(dim=0)[:, :, :height, :width].cpu().numpy()
    return probabilities


def _probabilities(unet: Unet, images: Tensor, recipe: Recipe) -> Tensor:
    with autocast(images.device.type, recipe.precision):
        logits = unet(images.contiguous(memory_format=torch.channels_last))
    return torch.sigmoid(logits.float())
