"""Weights back from an exported bundle, so that training can go on where the bundle's ended.

The repository ships bundles, not checkpoints. An exported file has its batch norms folded away (export/folding.py);
here each gets back the statistics that it sees on training slices, so that the network computes the same in evaluation
and nearly the same in training. The weights come back as exactly as half precision kept them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from segmentation_models_pytorch.encoders._dpn import DualPathBlock, InputBlock
from torch import Tensor, nn

from training.model import DecoderStage, Unet, Width

_PREFIX = "body.unet."


def unfolded(path: Path, width: Width, batches: Sequence[Tensor], scse: bool = False) -> Unet:
    """The network of one exported file, with batch norms whose statistics are those over `batches`.

    batches: float32 (N, C, H, W) windows in [0, 1], as in training; without any, the statistics stay 0 and 1, which
    computes the same in evaluation. ValueError where the file is of another network.
    """
    stored = {
        weight.name.removeprefix(_PREFIX): torch.from_numpy(numpy_helper.to_array(weight).astype(np.float32))
        for weight in onnx.load(path).graph.initializer
        if weight.name.startswith(_PREFIX)
    }
    unet = Unet(width, scse).eval()
    weights = {name: value for name, value in unet.state_dict().items() if ".bn." not in name}
    missing = [name for name, value in weights.items() if name not in stored or stored[name].shape != value.shape]
    if missing:
        raise ValueError(f"{path.name} is not a {width.value} network: no {missing[0]} of the right shape in it")
    unet.load_state_dict({name: stored[name] for name in weights}, strict=False)
    biases = dict(_biases(unet))
    for name, norm in unet.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            scale, shift = _scale_and_shift(stored, name, biases.get(name))
            _set(norm, scale, shift)
    if batches:
        settle(unet, batches)
    return unet


def _biases(unet: Unet) -> Iterator[tuple[str, str]]:
    """(batch norm, the convolution bias that it was folded into), by name."""
    for name, module in unet.named_modules():
        if isinstance(module, InputBlock | DecoderStage):
            yield f"{name}.bn", f"{name}.conv.bias"
        elif isinstance(module, DualPathBlock):
            yield f"{name}.c3x3_b.bn", f"{name}.c1x1_a.conv.bias"
            yield f"{name}.c1x1_c.bn", f"{name}.c3x3_b.conv.bias"


def _scale_and_shift(stored: Mapping[str, Tensor], norm: str, bias: str | None) -> tuple[Tensor, Tensor]:
    try:
        if bias is not None:
            return torch.ones_like(stored[bias]), stored[bias]
        return stored[f"{norm}.scale"].flatten(), stored[f"{norm}.shift"].flatten()
    except KeyError as error:
        raise ValueError(f"the file lacks {error}; the exporter stores equal weights only once") from error


@torch.no_grad()
def _set(
    norm: nn.BatchNorm2d, scale: Tensor, shift: Tensor, mean: Tensor | float = 0.0, variance: Tensor | float = 1.0
) -> None:
    """Make the norm compute x * scale + shift in evaluation, with these running statistics."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean[:], norm.running_var[:] = mean, variance
    norm.weight[:] = scale * torch.sqrt(norm.running_var + norm.eps)
    norm.bias[:] = shift + scale * norm.running_mean


class _Statistics:
    """Mean and variance per channel of what reaches one batch norm, gathered by a hook."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        self.norm = norm
        self.count = 0
        self.sums = torch.zeros(2, norm.num_features, dtype=torch.float64)
        self.hook = norm.register_forward_pre_hook(self)

    def __call__(self, _module: nn.Module, inputs: tuple[Tensor]) -> None:
        values = inputs[0].transpose(0, 1).flatten(1).double()
        self.count += values.shape[1]
        self.sums += torch.stack((values.sum(dim=1), (values**2).sum(dim=1)))

    def settle(self) -> None:
        """Give the norm these statistics; what it computes in evaluation stays the same."""
        self.hook.remove()
        assert self.norm.running_var is not None
        mean, square = (self.sums / self.count).float()
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        _set(self.norm, scale, self.norm.bias.clone(), mean, (square - mean**2).clamp(min=1e-6))


@torch.no_grad()
def settle(unet: Unet, batches: Sequence[Tensor]) -> None:
    """Give the batch norms of a network in evaluation mode their statistics over `batches`; it computes the same."""
    gathered = [_Statistics(module) for module in unet.modules() if isinstance(module, nn.BatchNorm2d)]
    for batch in batches:
        unet(batch)
    for statistics in gathered:
        statistics.settle()
