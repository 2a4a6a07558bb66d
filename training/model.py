"""DPN92-Unet: a dual path encoder, a slim decoder of 16 channels and a hypercolumn head (paper, section Model).

Owns the network's shape, in the paper's width and in the small width of the first bundle. It knows nothing of
Hounsfield units, losses or files: images come in as windows already mapped to [0, 1], logits go out, and
`Probabilities` is the form that leaves the workstation.
"""

from __future__ import annotations

from enum import Enum
from typing import cast

import torch
import torch.nn.functional as F
from segmentation_models_pytorch.base.modules import SCSEModule
from segmentation_models_pytorch.encoders import get_encoder
from segmentation_models_pytorch.encoders.dpn import DPNEncoder
from torch import Tensor, nn

DECODER_CHANNELS = 16
CLASSES = 2
"""Output channels, in the order of runtime.classification.StrokeClass: IS, IH."""
STRIDE = 32
"""The deepest features are this many times smaller: H and W are multiples of it."""
INPUT_CHANNELS = {1: (0, 0, 0), 2: (0, 1, 0), 3: (0, 1, 2)}
"""Which window feeds each of the encoder's three inputs. One is repeated, as in the paper; of two, the first twice."""


class Width(str, Enum):
    """The encoders to choose from."""

    DPN92 = "dpn92"
    """The paper's: 35.8 M parameters with the decoder."""
    SMALL = "small"
    """A DPN with a thirtieth of the weights (1.07 M with the decoder), for machines without a GPU."""


def encoder_of(width: Width) -> DPNEncoder:
    """An untrained encoder: (N, 3, H, W) to [input, 1/2, 1/4, 1/8, 1/16, 1/32 of the size]."""
    if width is Width.DPN92:
        return cast(DPNEncoder, get_encoder("dpn92", in_channels=3, depth=5, weights=None))
    blocks, growth, stem = (2, 2, 3, 2), (8, 8, 8, 16), 16
    ends = [1 + sum(blocks[: stage + 1]) for stage in range(4)]
    channels = [64 * 2**stage + (blocks[stage] + 2) * growth[stage] for stage in range(4)]
    return DPNEncoder(
        stage_idxs=[*ends[:3], ends[3] + 1],
        out_channels=[3, stem, *channels],
        small=True,
        num_init_features=stem,
        k_r=24,
        groups=8,
        k_sec=blocks,
        inc_sec=growth,
        num_classes=1,
        test_time_pool=False,
    )


class DecoderStage(nn.Module):
    """3x3 convolution with 16 inputs and 16 outputs, batch norm, ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(DECODER_CHANNELS, DECODER_CHANNELS, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(DECODER_CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Unet(nn.Module):
    """float (N, C, H, W) windows in [0, 1], C = 1 to 3, H and W multiples of 32 -> logits (N, 2, H, W), (IS, IH).

    The paper stacks the upsampled outputs of all decoder stages into a hypercolumn and convolves it to two channels. A
    1x1 convolution commutes with bilinear upsampling, so here each stage is projected to two channels first and the
    small maps are upsampled and added: the same numbers for a fifth less time (docs/adr). The bias belongs to one
    projection only.

    scse: each encoder stage's output is weighed, by channel and by pixel, on its way into the decoder (paper, section
    Model; Roy et al. 2018). What the next encoder stage sees is not, so that a pretrained encoder stays one.
    """

    def __init__(self, width: Width, scse: bool = False) -> None:
        super().__init__()
        self.encoder = encoder_of(width)
        channels = self.encoder.out_channels[1:]
        self.attentions = nn.ModuleList(SCSEModule(inputs) if scse else nn.Identity() for inputs in channels)
        self.bottlenecks = nn.ModuleList(nn.Conv2d(inputs, DECODER_CHANNELS, 3, padding=1) for inputs in channels)
        self.stages = nn.ModuleList(DecoderStage() for _ in channels)
        self.projections = nn.ModuleList(
            nn.Conv2d(DECODER_CHANNELS, CLASSES, 1, bias=stage == 0) for stage in range(len(channels))
        )

    def train_with(self, frozen_encoder: bool) -> None:
        """Training mode; a frozen encoder gets no gradients, and its batch norms keep their statistics."""
        self.train()
        self.encoder.train(not frozen_encoder)
        self.encoder.requires_grad_(not frozen_encoder)

    def decoded(self, images: Tensor) -> list[Tensor]:
        """The decoder stages' outputs, (N, 16, H / 2, W / 2) first, (N, 16, H / 32, W / 32) last."""
        images = torch.cat([images[:, channel : channel + 1] for channel in INPUT_CHANNELS[images.shape[1]]], dim=1)
        features = self.encoder(images)[1:]
        outputs: list[Tensor] = []
        for feature, attention, bottleneck, stage in zip(
            reversed(features),
            reversed(self.attentions),
            reversed(self.bottlenecks),
            reversed(self.stages),
            strict=True,
        ):
            x = bottleneck(attention(feature))
            if outputs:
                x = x + F.interpolate(outputs[-1], scale_factor=2.0, mode="nearest")
            outputs.append(stage(x))
        return outputs[::-1]

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor | None = None
        for level, (output, projection) in enumerate(zip(self.decoded(images), self.projections, strict=True)):
            part = F.interpolate(projection(output), scale_factor=2.0 ** (level + 1), mode="bilinear")
            logits = part if logits is None else logits + part
        assert logits is not None
        return logits


class Probabilities(nn.Module):
    """A Unet whose output is sigmoid(logits): independent probabilities of IS and IH, what the engines run."""

    def __init__(self, unet: Unet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, images: Tensor) -> Tensor:
        return torch.sigmoid(self.unet(images))
