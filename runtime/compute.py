"""Compute: the array library that the numerical code runs on, chosen once and passed in.

The method is written once against it; nothing else asks whether there is a GPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from runtime.closing import PackedClosing
from runtime.errors import EngineError, NotInstalled
from runtime.morphology import close_packed


@dataclass(frozen=True, slots=True)
class Compute:
    """numpy, scipy and the exact closing on the CPU, or their CuPy twins.

    xp, ndimage: the array module, and what scipy.ndimage is to it; of both, only what CuPy has too
    close: (mask bool (Z, Y, X) of xp, radius) -> the same, closed by a ball, with the outside ignored
    upload: numpy array of any shape and strides -> the same of xp
    failures: what a failing device raises through xp
    """

    name: str
    xp: Any
    ndimage: Any
    close: Callable[[Any, int], Any]
    upload: Callable[[NDArray[Any]], Any]
    _fetch: Callable[[Any], NDArray[Any]]
    failures: tuple[type[Exception], ...] = ()

    def to_host(self, array: Any) -> NDArray[Any]:
        """The only crossing back: `array` of xp as a numpy array. It waits for the device."""
        return self._fetch(array)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """EngineError where the device fails while the block computes."""
        try:
            yield
        except self.failures as error:
            raise EngineError(f"the {self.name} failed: {error}") from error


CPU = Compute("cpu", np, ndimage, close_packed, np.asarray, np.asarray)


def cpu() -> Compute:
    """numpy on the processor."""
    return CPU


def gpu(upload: Callable[[NDArray[Any]], Any] | None = None) -> Compute:
    """CuPy on the device and the stream that are current when something is computed.

    `upload` takes the place of CuPy's own. NotInstalled without CuPy; EngineError where it can't use the GPU.
    """
    try:
        import cupy
        from cupyx.scipy import ndimage as cupy_ndimage
    except ImportError as error:
        raise NotInstalled(
            f"CuPy can't be loaded ({error}). Install it with `make gpu-cu12` or `make gpu-cu13`, by the box's CUDA."
        ) from error
    failures = (
        cupy.cuda.compiler.CompileException,
        cupy.cuda.driver.CUDADriverError,
        cupy.cuda.memory.OutOfMemoryError,
        cupy.cuda.nvrtc.NVRTCError,
        cupy.cuda.runtime.CUDARuntimeError,
    )
    try:
        close = PackedClosing(cupy)
    except (*failures, RuntimeError) as error:  # RuntimeError: one of CUDA's libraries can't be loaded
        raise EngineError(f"CuPy can't use the GPU: {error}") from error
    return Compute("gpu", cupy, cupy_ndimage, close, upload or cupy.asarray, cupy.asnumpy, failures)
