"""An engine without a network: any function of the slices, for tests and for load that is not about inference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.engines.base import Backend

Floats32 = NDArray[np.float32]


@dataclass(slots=True)
class MemoryEngine:
    """Answers with `predict`, (N, C, H, W) -> (N, 2, H, W), and only while it is entered, as real engines do."""

    predict: Callable[[Floats32], Floats32]
    entered: bool = False

    @property
    def backend(self) -> Backend:
        return Backend(name="memory", version="1", precision="float32", device="cpu")

    def __enter__(self) -> MemoryEngine:
        self.entered = True
        return self

    def __exit__(self, *exception: object) -> None:
        self.entered = False

    def infer(self, images: Floats32) -> Floats32:
        """See Engine.infer. RuntimeError outside the context, where a real engine has no memory."""
        if not self.entered:
            raise RuntimeError("infer() outside the engine's context")
        return self.predict(images)
