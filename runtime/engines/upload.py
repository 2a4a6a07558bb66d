"""Arrays of the host to the device: large ones in parts, on the copy stream; the compute stream waits, not the host.

A part is written into one page-locked buffer while the other is copied. Where GPU and processor share their memory
(Jetson) nothing is copied: the device reads what the host wrote.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from runtime.engines.cuda import Cuda, Event, Staging

SMALL = 1 << 20
"""Bytes up to which it is not worth the trouble."""
PART = 8 << 20
"""Bytes of a part, unless one slice has more."""


class _Part:
    """One of the two page-locked buffers, and the last copy out of it."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self._staging: Staging | None = None
        self._copied: Event | None = None

    def send(self, source: NDArray[Any], destination: Any) -> None:
        """`source`, of any strides, into the contiguous `destination`, once the copy before has been made."""
        if self._copied is not None:
            self._copied.synchronise()
        if self._staging is None or self._staging.array.nbytes < source.nbytes:
            self.free()
            self._staging = self._cuda.staging(max(source.nbytes, PART))
        written = self._staging.array[: source.nbytes].view(source.dtype).reshape(source.shape)
        written[...] = source
        self._cuda.copy_in(written, destination)
        self._copied = self._cuda.record(self._cuda.copy)

    def free(self) -> None:
        staging, self._staging, self._copied = self._staging, None, None
        if staging is not None:
            try:
                self._cuda.synchronise()
            finally:
                staging.free()


class Upload:
    """Call it with an array of numpy; it keeps its page-locked buffers until `free`."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self._parts = (_Part(cuda), _Part(cuda))

    def __call__(self, array: NDArray[Any]) -> Any:
        """The same as an array of the device's library, to be used on the compute stream. EngineError."""
        cuda = self._cuda
        if array.nbytes <= SMALL:
            return cuda.xp.asarray(array)
        if cuda.gpu.shares_memory:
            return cuda.mapped(array)
        uploaded = cuda.xp.empty(array.shape, dtype=array.dtype)
        cuda.wait(cuda.copy, cuda.record(cuda.compute))  # who had this memory before may still be at work
        rows = max(1, PART // (array.nbytes // len(array)))
        for number, start in enumerate(range(0, len(array), rows)):
            part = slice(start, start + rows)
            self._parts[number % 2].send(array[part], uploaded[part])
        cuda.wait(cuda.compute, cuda.record(cuda.copy))
        return uploaded

    def free(self) -> None:
        """Give the page-locked buffers back."""
        try:
            self._parts[0].free()
        finally:
            self._parts[1].free()
