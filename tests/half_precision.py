"""Networks as a strongly typed FP16 engine computes them: every tensor between two operations is rounded to half
precision, while an operation adds up in float32. So do TensorRT's kernels; none is needed here, nor a GPU.

HalfEngine emulates that on PyTorch's network, with the weights of an ONNX file and a rounding after each operation of
PyTorch's: fast enough for whole volumes, but it runs nothing of the file's graph. FileEngine runs the graph that
TensorRT is given, with its own Casts, node by node: for a few small slices.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from runtime.engines.base import Backend
from training.engine import TorchEngine


class HalfEngine(TorchEngine):
    """See runtime.engines.base.Engine."""

    def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with _Rounding():  # type: ignore[no-untyped-call]  # torch
            return super().infer(images)


class FileEngine:
    """See runtime.engines.base.Engine: an ONNX file by ONNX's own evaluator. That adds up in half precision, so what
    adds up much is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._evaluator = ReferenceEvaluator(str(path), new_ops=[Conv, Sigmoid])

    @property
    def backend(self) -> Backend:
        return Backend("onnx", onnx.__version__, precision="f16", device="cpu")

    def __enter__(self) -> FileEngine:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        (probabilities,) = cast(list[NDArray[np.float32]], self._evaluator.run(None, {"images": images}))
        return probabilities


class Conv(OpRun):
    """ONNX's, added up in float32, for what the networks need of it. Its result has the type of its input."""

    def _run(self, images: Any, weights: Any, bias: Any = None, **attributes: Any) -> tuple[NDArray[Any]]:
        height, width, *ends = attributes["pads"]
        assert ends == [height, width]
        assert attributes.get("auto_pad") in (None, "NOTSET")
        assert images.dtype == weights.dtype
        answer = functional.conv2d(
            _floats(images),
            _floats(weights),
            None if bias is None else _floats(bias),
            attributes["strides"],
            (height, width),
            attributes["dilations"],
            attributes["group"],
        )
        return (answer.numpy().astype(images.dtype),)


class Sigmoid(OpRun):
    """ONNX's, computed in float32."""

    def _run(self, logits: Any) -> tuple[NDArray[Any]]:
        return (_floats(logits).sigmoid().numpy().astype(logits.dtype),)


def _floats(array: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(array, np.float32))


class _Rounding(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return tree_map(_rounded, func(*args, **(kwargs or {})))


def _rounded(value: Any) -> Any:
    is_float = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.half().to(value.dtype) if is_float else value
