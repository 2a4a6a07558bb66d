"""ImageNet weights for the encoder, from a local file: nothing is downloaded here.

The file is a state dict of timm's or segmentation_models_pytorch's DPN-92, `.safetensors` or torch's own. ImageNet's
weights expect three colours, each less its mean and over its standard deviation. Windows come in [0, 1], and one of
them may feed all three inputs (model.INPUT_CHANNELS), so no kernel has to be made for fewer; the normalisation goes
into the first convolution and its batch norm.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import safetensors.torch
import torch
from segmentation_models_pytorch.encoders.dpn import DPNEncoder
from torch import Tensor

MEANS = (124 / 255, 117 / 255, 104 / 255)
DEVIATIONS = (1 / (0.0167 * 255),) * 3
"""Of the colours that DPN-92 was trained on, in [0, 1] (timm, models/dpn.py)."""


def name_of(path: Path) -> str:
    """File name and SHA-256, as a recipe says where its encoder came from."""
    return f"{path.name}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def load_encoder(encoder: DPNEncoder, path: Path) -> None:
    """Fill the encoder from the file; the file's classifier is left out. ValueError where it is of another network."""
    stored = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else _torch_file(path)
    expected = encoder.state_dict()
    missing = [name for name, value in expected.items() if name not in stored or stored[name].shape != value.shape]
    if missing:
        raise ValueError(f"{path.name} is not of this encoder: no {missing[0]} of the right shape in it")
    encoder.load_state_dict({name: stored[name] for name in expected})
    _take_windows(encoder)


def _torch_file(path: Path) -> dict[str, Tensor]:
    stored: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return stored


@torch.no_grad()
def _take_windows(encoder: DPNEncoder) -> None:
    """Make the first convolution compute from [0, 1] what it computed from normalised colours."""
    stem = encoder.features[0]
    weight: Tensor = stem.conv.weight
    weight /= torch.tensor(DEVIATIONS)[:, None, None]
    stem.bn.running_mean += (weight.sum(dim=(2, 3)) * torch.tensor(MEANS)).sum(dim=1)
