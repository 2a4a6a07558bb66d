from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.model import CLASSES, DECODER_CHANNELS, INPUT_CHANNELS, Probabilities, Unet, Width


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("size", [(32, 32), (96, 160)])
def test_logits_have_the_size_of_the_images(channels: int, size: tuple[int, int]) -> None:
    unet = Unet(Width.SMALL).eval()
    with torch.inference_mode():
        assert unet(torch.rand(2, channels, *size)).shape == (2, CLASSES, *size)


def test_the_paper_s_network_has_its_parameters() -> None:
    parameters = sum(parameter.numel() for parameter in Unet(Width.DPN92).parameters())
    assert parameters == pytest.approx(35.8e6, rel=0.01)


def test_probabilities_are_the_sigmoid_of_the_logits() -> None:
    unet = Unet(Width.SMALL).eval()
    images = torch.rand(1, 2, 64, 64)
    with torch.inference_mode():
        assert torch.equal(Probabilities(unet)(images), torch.sigmoid(unet(images)))


@pytest.mark.parametrize("channels", [1, 2])
def test_missing_channels_repeat_windows(channels: int) -> None:
    unet = Unet(Width.SMALL).eval()
    images = torch.rand(1, channels, 64, 64)
    with torch.inference_mode():
        assert torch.equal(unet(images), unet(images[:, list(INPUT_CHANNELS[channels])]))


def test_the_head_equals_the_papers_hypercolumn() -> None:
    """Upsampling every stage, stacking 5 x 16 channels and convolving 1x1: what the paper writes."""
    unet = _with_random_norms(Unet(Width.SMALL)).eval()
    images = torch.rand(2, 2, 64, 96)
    convolution = nn.Conv2d(5 * DECODER_CHANNELS, CLASSES, 1)
    with torch.inference_mode():
        convolution.weight.copy_(torch.cat([projection.weight for projection in _projections(unet)], dim=1))
        convolution.bias.copy_(_projections(unet)[0].bias)  # type: ignore[union-attr, arg-type]  # it has one
        column = [F.interpolate(stage, size=images.shape[2:], mode="bilinear") for stage in unet.decoded(images)]
        hypercolumn: Tensor = convolution(torch.cat(column, dim=1))
        torch.testing.assert_close(unet(images), hypercolumn, atol=1e-5, rtol=0)


def _projections(unet: Unet) -> list[nn.Conv2d]:
    return [projection for projection in unet.projections if isinstance(projection, nn.Conv2d)]


def _with_random_norms(unet: Unet) -> Unet:
    """Batch norms that do something, as trained ones would."""
    for module in unet.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return unet
