"""What engines need of CUDA: memory, one stream to compute on and one to copy on, events between them, and two errors.

OutOfDeviceMemory leaves the device usable. After any other error nothing on it can be trusted: it is an EngineError,
and the process must end. Streams, events and memory belong to the thread that entered the Cuda.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from numpy.typing import NDArray

from runtime.engines.gpu import Gpu

ALIGNMENT = 256
"""Bytes that addresses for TensorRT are multiples of; allocations are by themselves."""


class Buffer(Protocol):
    """Memory on the device: `pointer` is its address there, `size` in bytes. Freed where it is said so, and once."""

    @property
    def pointer(self) -> int: ...

    @property
    def size(self) -> int: ...

    def free(self) -> None: ...


class Staging(Protocol):
    """Page-locked memory of the host, which the device copies from by itself. Freed as a Buffer is."""

    @property
    def array(self) -> NDArray[Any]:
        """All of it, uint8 (n,)."""
        ...

    def free(self) -> None: ...


class Event(Protocol):
    """A point in the work of a stream."""

    def synchronise(self) -> None:
        """Wait, on the host, until the stream has come that far."""
        ...


class Graph(Protocol):
    """Work that was captured, with the addresses it had then."""

    def launch(self) -> None:
        """Do it again, on the compute stream."""
        ...


class Cuda(Protocol):
    """One GPU. Entering makes its context the thread's own, and the compute stream the one of the array library;
    leaving undoes it. Buffers and Stagings are freed by then, and arrays over them are gone.

    All but `gpu` raise EngineError where CUDA fails.
    """

    @property
    def gpu(self) -> Gpu: ...

    @property
    def xp(self) -> Any:
        """The array library, cupy; it works in order on the compute stream."""
        ...

    @property
    def compute(self) -> int:
        """Handle of the compute stream, which waits for no other by itself."""
        ...

    @property
    def copy(self) -> int:
        """Handle of the copy stream, likewise."""
        ...

    def __enter__(self) -> Cuda: ...

    def __exit__(self, *exception: object) -> None: ...

    def allocate(self, size: int) -> Buffer:
        """`size` bytes, at least one, of any content. OutOfDeviceMemory."""
        ...

    def array(self, buffer: Buffer, shape: tuple[int, ...], dtype: str) -> Any:
        """The head of a buffer as an array of xp; no copy."""
        ...

    def staging(self, size: int) -> Staging:
        """`size` bytes, at least one, of any content. OutOfDeviceMemory, since the host counts as well."""
        ...

    def mapped(self, array: NDArray[Any]) -> Any:
        """The same as an array of xp that the device reads from the host's memory; freed with the last view of it.

        For GPUs that share it.
        """
        ...

    def copy_in(self, source: NDArray[Any], destination: Any) -> None:
        """Copy contiguous Staging memory into a contiguous array of xp, of the same size, on the copy stream."""
        ...

    def record(self, stream: int) -> Event:
        """What the stream has been given so far."""
        ...

    def wait(self, stream: int, event: Event) -> None:
        """The stream goes on after the event; the host does not wait."""
        ...

    def captured(self, work: Callable[[], None]) -> Graph:
        """What `work` puts on the compute stream, without doing it."""
        ...

    def synchronise(self) -> None:
        """Wait, on the host, for both streams."""
        ...

    def memory(self) -> tuple[int, int]:
        """Bytes that are free, and bytes in all."""
        ...

    def cap(self, size: int) -> None:
        """From now on xp's own arrays may take `size` bytes."""
        ...

    def translated(self) -> AbstractContextManager[None]:
        """OutOfDeviceMemory and EngineError for what xp raises in the block."""
        ...
