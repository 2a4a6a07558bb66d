"""A trained network to the ONNX file that the engines load, and the proof that it still computes the same.

The file holds half-precision weights and computes in half precision, because TensorRT takes the precision from the
graph. Its input `images` and output `probabilities` are float32, with the casts inside: the sigmoid's output is cast
last, the windowed input is cast first, so that engines exchange one type whatever they compute in (OpenVINO and
TensorRT alike). Batch, height and width are dynamic; height and width are multiples of 32.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from export.folding import folded
from runtime.errors import StrokeboxError
from training.model import STRIDE, Probabilities, Unet

Floats32 = NDArray[np.float32]

OPSET = 18
_BODY = "body."
TRACED_SIZE = (64, 96)
LARGEST_ERROR = 0.02
"""Of a probability, anywhere: ten times what trained networks show."""
LARGEST_FLIPPED_SHARE = 2e-3
"""Of the voxels, at probability 0.5, on crops that are full of borders: a whole slice has a tenth of that."""


class ExportInexact(StrokeboxError):
    """The exported network does not compute what the trained one does."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far the file is from the float32 network.

    largest_error: of a probability; flipped_share: of the voxels, those on the other side of 0.5
    """

    largest_error: float
    flipped_share: float


class HalfPrecision(nn.Module):
    """float32 in, float32 out, everything between in half precision."""

    def __init__(self, unet: Unet) -> None:
        super().__init__()
        self.body = Probabilities(folded(unet)).half()

    def forward(self, images: Tensor) -> Tensor:
        probabilities: Tensor = self.body(images.half()).float()
        return probabilities


def export_onnx(unet: Unet, channels: int, path: Path) -> None:
    """Write the network, which takes `channels` windows, as one ONNX file."""
    images = torch.rand(2, channels, *TRACED_SIZE)
    height, width = (STRIDE * torch.export.Dim(name, min=1) for name in ("height_32nds", "width_32nds"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            HalfPrecision(unet).eval(),
            (images,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1), 2: height, 3: width},),
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)
    model = onnx.load(path)
    for node in model.graph.node:
        # Where in the source each node came from: a seventh of the file, and paths of the machine it was made on.
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.save(model, path)


def fits(pattern: Path, unet: Unet) -> bool:
    """Whether the exported `pattern` has each of the network's weights, by name and shape.

    A network of the same kind may lack some: the exporter stores equal weights only once.
    """
    return _shapes(_stored(onnx.load(pattern))) == {
        name: tuple(weight.shape) for name, weight in HalfPrecision(unet).state_dict().items()
    }


def export_onnx_like(pattern: Path, unet: Unet, path: Path) -> None:
    """Write a network of the same width and channels as the exported `pattern`, without tracing it again: in seconds.

    ValueError where the two have not the same weights, by name and shape.
    """
    weights = HalfPrecision(unet).state_dict()
    model = onnx.load(pattern)
    stored = _stored(model)
    if _shapes(stored) != {name: tuple(weight.shape) for name, weight in weights.items()}:
        raise ValueError(f"{pattern.name} is another network, or equal weights are stored only once in it")
    for name, weight in weights.items():
        stored[name].CopyFrom(onnx.numpy_helper.from_array(weight.numpy(), name))
    onnx.save(model, path)


def _stored(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    return {one.name: one for one in model.graph.initializer if one.name.startswith(_BODY)}


def _shapes(stored: Mapping[str, onnx.TensorProto]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(one.dims) for name, one in stored.items()}


def check_onnx(unet: Unet, path: Path, images: Floats32) -> Deviation:
    """How far the file's probabilities for `images`, float32 (N, C, H, W), are from the float32 network's.

    The file is run by ONNX's own reference evaluator, which follows the standard to the letter and takes about a
    minute for a whole head's slice: give it a few small crops that show stroke. ExportInexact beyond the tolerances
    above; without trained weights the comparison says nothing (everything lies near 0.5).
    """
    with torch.inference_mode():
        expected = Probabilities(unet).eval()(torch.from_numpy(images)).numpy()
    with np.errstate(over="ignore"):  # exp of a large negative logit, in half precision: 1 / (1 + inf) is 0
        outputs = ReferenceEvaluator(str(path)).run(None, {"images": images})
    (computed,) = cast(list[Floats32], outputs)
    deviation = Deviation(
        largest_error=float(np.abs(computed - expected).max()),
        flipped_share=float(((computed > 0.5) != (expected > 0.5)).mean()),
    )
    if deviation.largest_error > LARGEST_ERROR or deviation.flipped_share > LARGEST_FLIPPED_SHARE:
        raise ExportInexact(f"{path.name} differs from the trained network: {deviation}.")
    return deviation
