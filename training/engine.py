"""A trained network as one of the runtime's engines, in float32 on the processor: the reference for calibration and
export.

The box never runs this; it lets the workstation use the appliance's own fusion, closing and classification on weights
that are not exported yet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from runtime.engines.base import Backend, Ensemble
from runtime.planes import Plane
from runtime.windows import Windows
from training.checkpoint import Checkpoint
from training.model import Probabilities, Unet

Floats32 = NDArray[np.float32]


class TorchEngine:
    """See runtime.engines.base.Engine; entering and leaving do nothing."""

    def __init__(self, unet: Unet) -> None:
        self._network = Probabilities(unet).eval().to(memory_format=torch.channels_last)

    @property
    def backend(self) -> Backend:
        return Backend(name="torch", version=torch.__version__, precision="f32", device="cpu")

    def __enter__(self) -> TorchEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    @torch.inference_mode()
    def infer(self, images: Floats32) -> Floats32:
        """See Engine.infer."""
        probabilities: Floats32 = self._network(torch.from_numpy(np.ascontiguousarray(images))).numpy()
        return probabilities


def ensemble_of(checkpoints: Sequence[Checkpoint]) -> tuple[Ensemble, Windows]:
    """Engines of all planes, and the windows that they share. ValueError where a plane is missing or windows differ."""
    windows = {checkpoint.recipe.windows for checkpoint in checkpoints}
    if len(windows) != 1:
        raise ValueError("all networks of a bundle take the same windows")
    members: Mapping[Plane, tuple[TorchEngine, ...]] = {
        plane: tuple(TorchEngine(one.unet()) for one in checkpoints if one.recipe.plane is plane) for plane in Plane
    }
    return Ensemble(members), windows.pop()
