"""Batch norm folded away in float32, before anything is rounded to half precision.

Where a batch norm follows a convolution directly it goes into its weights. A dual path block also normalises what it
concatenates; there the norm becomes one multiplication and one addition per channel (`Affine`). A running variance
may be smaller than half precision can hold; its folded scale is not.
"""

from __future__ import annotations

import copy

import torch
from segmentation_models_pytorch.encoders._dpn import BnActConv2d, CatBnAct, DualPathBlock, InputBlock
from torch import Tensor, nn

from training.model import DecoderStage, Unet


class Affine(nn.Module):
    """x * scale + shift per channel: what batch norm is once training is over."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
        self.scale = nn.Parameter(scale[:, None, None], requires_grad=False)
        self.shift = nn.Parameter((norm.bias.detach() - norm.running_mean * scale)[:, None, None], requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.shift


def folded(unet: Unet) -> Unet:
    """A copy of a float32 network in evaluation mode that computes the same without batch norms."""
    unet = copy.deepcopy(unet).eval()
    for module in list(unet.modules()):
        if isinstance(module, InputBlock | DecoderStage):
            module.conv, module.bn = _merged(module.conv, module.bn), nn.Identity()
        elif isinstance(module, DualPathBlock):
            # Each of these three is norm, ReLU, convolution: the first convolution meets the second's norm, and so on.
            module.c1x1_a.conv, module.c3x3_b.bn = _merged(module.c1x1_a.conv, module.c3x3_b.bn), nn.Identity()
            module.c3x3_b.conv, module.c1x1_c.bn = _merged(module.c3x3_b.conv, module.c1x1_c.bn), nn.Identity()
    for module in list(unet.modules()):
        if isinstance(module, BnActConv2d | CatBnAct) and isinstance(module.bn, nn.BatchNorm2d):
            module.bn = Affine(module.bn)
    return unet


def _merged(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    return torch.nn.utils.fusion.fuse_conv_bn_eval(convolution, norm)
