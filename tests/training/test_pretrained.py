"""ImageNet weights: the files are made here, with weights by chance; none is downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from runtime.planes import Plane
from tests.training.heads import toy_heads
from training.config import Recipe
from training.dataset import Slices
from training.model import INPUT_CHANNELS, Width, encoder_of
from training.pretrained import DEVIATIONS, MEANS, load_encoder, name_of
from training.start import first_network


@pytest.fixture(scope="module")
def published() -> torch.nn.Module:
    """DPN-92 as timm publishes it, with its classifier."""
    torch.manual_seed(5)
    network: torch.nn.Module = timm.create_model("dpn92").eval()
    return network


@pytest.fixture(scope="module", params=["dpn92.pth", "model.safetensors"])
def file(published: torch.nn.Module, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("weights") / request.param
    save = safetensors.torch.save_file if path.suffix == ".safetensors" else torch.save
    save(published.state_dict(), path)
    return path


@torch.inference_mode()
def test_the_encoder_computes_from_windows_what_the_published_one_does_from_colours(
    published: torch.nn.Module, file: Path
) -> None:
    encoder = encoder_of(Width.DPN92).eval()
    load_encoder(encoder, file)
    windows = torch.rand(1, 1, 32, 32)[:, INPUT_CHANNELS[1]]  # one window on three inputs
    colours = (windows - torch.tensor(MEANS)[:, None, None]) / torch.tensor(DEVIATIONS)[:, None, None]
    stem = published.get_submodule("features.conv1_1")
    ours, theirs = encoder(windows)[1], stem(colours)
    inside = (..., slice(2, -2), slice(2, -2))  # the border is padded with 0, which is another colour in each
    torch.testing.assert_close(ours[inside], theirs[inside], atol=1e-4, rtol=0)


def test_the_means_are_the_published_ones() -> None:
    about = timm.get_pretrained_cfg("dpn92.mx_in1k")
    assert about is not None
    assert pytest.approx(about.mean) == MEANS
    assert pytest.approx(about.std) == DEVIATIONS


def test_a_run_starts_from_the_file(published: torch.nn.Module, file: Path) -> None:
    recipe = Recipe(Plane.AXIAL, seed=1, pretrained=name_of(file), frozen_steps=10)
    unet = first_network(recipe, file, Slices.of(toy_heads(2), recipe))
    name = "features.conv5_1.c1x1_a.conv.weight"
    assert torch.equal(unet.encoder.state_dict()[name], published.state_dict()[name])


def test_another_network_and_a_missing_file_are_refused(file: Path) -> None:
    with pytest.raises(ValueError, match="not of this encoder"):
        load_encoder(encoder_of(Width.SMALL), file)
    recipe = Recipe(Plane.AXIAL, seed=1, pretrained="a file")
    with pytest.raises(ValueError, match="needs their file"):
        first_network(recipe, None, Slices.of(toy_heads(2), recipe))
