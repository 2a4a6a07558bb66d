from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runtime.planes import Plane
from training.config import Recipe
from training.model import CLASSES, DECODER_CHANNELS, INPUT_CHANNELS, Probabilities, Unet, Width
from training.optimiser import optimiser_of


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


def test_scse_by_hand() -> None:
    """Two pixels of 16 channels. Zero weights: each gate is sigmoid(0), and half and half is the whole again."""
    (attention, *_) = Unet(Width.SMALL, scse=True).attentions
    x = torch.arange(32.0).reshape(1, 16, 1, 2)
    with torch.no_grad():
        for parameter in attention.parameters():
            parameter.zero_()
        torch.testing.assert_close(attention(x), x)
        pixel_weights, _ = attention.sSE.parameters()  # type: ignore[union-attr]  # a torch Sequential
        pixel_weights[0, 0] = 1.0  # looks at the first channel, which is 0 and 1
        gates = 0.5 + torch.sigmoid(torch.tensor([0.0, 1.0]))
        torch.testing.assert_close(attention(x), x * gates)


def test_scse_comes_after_each_encoder_stage() -> None:
    """With open gates the network computes what it does without; with shut ones the images don't matter."""
    plain, scse = Unet(Width.SMALL).eval(), Unet(Width.SMALL, scse=True).eval()
    scse.load_state_dict(plain.state_dict(), strict=False)
    images = torch.rand(1, 1, 32, 64)
    with torch.no_grad():
        for parameter in scse.attentions.parameters():
            parameter.zero_()
        torch.testing.assert_close(scse(images), plain(images))
        for name, parameter in scse.attentions.named_parameters():
            if name.endswith(("cSE.3.bias", "sSE.0.bias")):
                parameter.fill_(-100.0)
        torch.testing.assert_close(scse(images), scse(torch.zeros_like(images)))


def test_a_frozen_encoder_stays_as_it_is_and_then_moves() -> None:
    torch.manual_seed(1)
    unet = Unet(Width.SMALL)
    optimiser = optimiser_of(Recipe(Plane.AXIAL, seed=1), unet)

    def step(frozen: bool) -> tuple[set[str], set[str]]:
        """Names of what moved: (in the encoder, elsewhere)."""
        before = {name: value.clone() for name, value in unet.state_dict().items()}
        unet.train_with(frozen_encoder=frozen)
        optimiser.zero_grad()
        unet(torch.rand(2, 1, 64, 64)).square().mean().backward()
        optimiser.step()
        moved = {name for name, value in unet.state_dict().items() if not torch.equal(value, before[name])}
        encoder = {name for name in moved if name.startswith("encoder.")}
        return encoder, moved - encoder

    frozen_encoder, decoder = step(frozen=True)
    assert not frozen_encoder
    assert {"stages.0.conv.weight", "stages.0.bn.running_mean", "bottlenecks.0.weight"} <= decoder
    encoder, _ = step(frozen=False)
    assert {"encoder.features.conv1_1.conv.weight", "encoder.features.conv1_1.bn.running_mean"} <= encoder


def _projections(unet: Unet) -> list[nn.Conv2d]:
    return [projection for projection in unet.projections if isinstance(projection, nn.Conv2d)]


def _with_random_norms(unet: Unet) -> Unet:
    """Batch norms that do something, as trained ones would."""
    for module in unet.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    return unet
