from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from export.onnx import export_onnx
from training.continued import unfolded
from training.model import Unet, Width


def images(seed: int) -> Tensor:
    return torch.rand(4, 2, 64, 64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def used() -> Unet:
    """A network whose batch norms have seen and learned something, each something else."""
    torch.manual_seed(7)
    unet = Unet(Width.SMALL)
    for module in unet.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    for seed in range(20):
        unet(images(seed))
    return unet.eval()


@pytest.fixture(scope="module")
def exported(used: Unet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "network.onnx"
    export_onnx(used, 2, path)
    return path


@torch.inference_mode()
@pytest.mark.parametrize("batches", [[images(30)], []], ids=["settled", "as it is"])
def test_it_computes_what_was_exported(used: Unet, exported: Path, batches: list[Tensor]) -> None:
    again = unfolded(exported, Width.SMALL, batches)
    expected = used(images(40))
    spread = float(expected.std())
    torch.testing.assert_close(again(images(40)), expected, rtol=0, atol=0.02 * spread)


def test_its_norms_have_the_statistics_of_the_batches(exported: Path) -> None:
    """Then a training step starts from what evaluation computes, not from other activations."""
    batch = images(30)
    again = unfolded(exported, Width.SMALL, [batch])
    with torch.no_grad():
        served = again.eval()(batch)
        trained = again.train()(batch)
    spread = float(served.std())
    torch.testing.assert_close(trained, served, rtol=0, atol=0.02 * spread)
    for name, statistics in again.state_dict().items():
        if name.endswith("running_var"):
            assert float(statistics.min()) > 0


def test_another_width_is_refused(exported: Path) -> None:
    with pytest.raises(ValueError, match="not a dpn92 network"):
        unfolded(exported, Width.DPN92, [])
