"""Networks as a strongly typed FP16 engine computes them: every tensor between two operations is rounded to half
precision, while an operation adds up in float32. So do TensorRT's kernels; none is needed here, nor a GPU.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from training.engine import TorchEngine


class HalfEngine(TorchEngine):
    """See runtime.engines.base.Engine."""

    def infer(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with _Rounding():  # type: ignore[no-untyped-call]  # torch
            return super().infer(images)


class _Rounding(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return tree_map(_rounded, func(*args, **(kwargs or {})))


def _rounded(value: Any) -> Any:
    is_float = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.half().to(value.dtype) if is_float else value
