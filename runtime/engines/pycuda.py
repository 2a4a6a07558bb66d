"""Cuda as it is: memory and streams of PyCUDA, arrays of CuPy over them, both in the device's primary context.

The context is retained and pushed by hand (pycuda.autoinit makes one of its own, of which CuPy knows nothing), and
popped when all else is freed. CuPy works on PyCUDA's compute stream; it also captures graphs there, which PyCUDA can't.
Checked against the sources of PyCUDA 2026.1 and CuPy 14.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from runtime.engines.cuda import Buffer
from runtime.engines.gpu import Gpu, find_gpu
from runtime.errors import EngineError, NotInstalled, OutOfDeviceMemory

_FIRST = 0
_NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING: the stream waits for no other by itself. PyCUDA has no name for it."""
_OUT_OF_MEMORY = 2
"""CUDA_ERROR_OUT_OF_MEMORY."""


def find_cuda() -> PyCuda:
    """The first GPU. EngineError where there is none, NotInstalled where there is but not what it needs."""
    gpu = find_gpu()
    try:
        return PyCuda(import_module("pycuda.driver"), import_module("cupy"), gpu)
    except (ImportError, OSError) as error:
        raise NotInstalled(
            f"There is a GPU, but PyCUDA and CuPy can't be loaded ({error}). `make gpu-cu12` or `make gpu-cu13` "
            "installs them."
        ) from error


@dataclass(frozen=True, slots=True)
class _Buffer:
    """See cuda.Buffer."""

    memory: Any
    size: int
    translated: Callable[[], Any]

    @property
    def pointer(self) -> int:
        return int(self.memory)

    def free(self) -> None:
        with self.translated():
            self.memory.free()


@dataclass(slots=True)
class _Staging:
    """See cuda.Staging."""

    array: NDArray[Any]
    translated: Callable[[], Any]

    def free(self) -> None:
        memory = self.array.base
        self.array = self.array[:0].copy()
        with self.translated():
            memory.free()  # type: ignore[union-attr]  # PyCUDA's allocation, not an array


@dataclass(frozen=True, slots=True)
class _Event:
    """See cuda.Event."""

    event: Any
    translated: Callable[[], Any]

    def synchronise(self) -> None:
        with self.translated():
            self.event.synchronize()


@dataclass(frozen=True, slots=True)
class _Graph:
    """See cuda.Graph."""

    graph: Any
    stream: Any
    translated: Callable[[], Any]

    def launch(self) -> None:
        with self.translated():
            self.graph.launch(self.stream)


@dataclass(frozen=True, slots=True)
class _StreamProtocol:
    """A stream of PyCUDA as CuPy takes it: by the CUDA stream protocol, version 0."""

    stream: Any

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self.stream.handle


@dataclass(slots=True)
class _Mapped:
    """Memory of the host that the device reads; let go when nothing on the stream reads it any more."""

    array: NDArray[Any]
    stream: Any
    failures: tuple[type[Exception], ...]

    def __del__(self) -> None:
        with suppress(*self.failures):
            self.stream.synchronize()


class PyCuda:
    """See cuda.Cuda. `driver` is pycuda.driver, `cupy` is cupy, `gpu` the first one."""

    def __init__(self, driver: Any, cupy: Any, gpu: Gpu) -> None:
        self._driver, self._cupy, self._gpu = driver, cupy, gpu
        self._opened = ExitStack()
        self._streams: dict[int, Any] = {}
        self._compute = self._copy = 0
        self._current: Any = None
        self._full = (driver.MemoryError, cupy.cuda.memory.OutOfMemoryError)
        self._failures = (
            driver.Error,
            cupy.cuda.compiler.CompileException,
            cupy.cuda.driver.CUDADriverError,
            cupy.cuda.nvrtc.NVRTCError,
            cupy.cuda.runtime.CUDARuntimeError,
        )
        with self.translated():
            driver.init()
            self._device = driver.Device(_FIRST)

    @property
    def gpu(self) -> Gpu:
        return self._gpu

    @property
    def xp(self) -> Any:
        return self._cupy

    @property
    def compute(self) -> int:
        return self._compute

    @property
    def copy(self) -> int:
        return self._copy

    def __enter__(self) -> PyCuda:
        driver, cupy = self._driver, self._cupy
        with self.translated(), ExitStack() as stack:
            self._device.retain_primary_context().push()
            stack.callback(driver.Context.pop)
            stack.callback(self._forget)
            compute, copy = driver.Stream(_NON_BLOCKING), driver.Stream(_NON_BLOCKING)
            self._streams = {compute.handle: compute, copy.handle: copy}
            self._compute, self._copy = compute.handle, copy.handle
            self._current = cupy.cuda.Stream.from_external(_StreamProtocol(compute))
            stack.enter_context(self._current)
            stack.callback(cupy.get_default_pinned_memory_pool().free_all_blocks)
            stack.callback(cupy.get_default_memory_pool().free_all_blocks)
            self._opened = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        with self.translated():
            self._opened.close()

    def _forget(self) -> None:
        self._streams, self._current, self._compute, self._copy = {}, None, 0, 0

    def allocate(self, size: int) -> _Buffer:
        with self.translated():
            try:
                return _Buffer(self._driver.mem_alloc(size), size, self.translated)
            except self._full:
                self._cupy.get_default_memory_pool().free_all_blocks()  # what CuPy keeps for another time
                return _Buffer(self._driver.mem_alloc(size), size, self.translated)

    def array(self, buffer: Buffer, shape: tuple[int, ...], dtype: str) -> Any:
        return self._over(buffer.pointer, buffer.size, buffer, shape, dtype)

    def _over(self, pointer: int, size: int, owner: object, shape: tuple[int, ...], dtype: Any) -> Any:
        cuda = self._cupy.cuda
        memory = cuda.UnownedMemory(pointer, size, owner, _FIRST)
        return self._cupy.ndarray(shape, dtype, cuda.MemoryPointer(memory, 0))

    def staging(self, size: int) -> _Staging:
        with self.translated():
            return _Staging(self._driver.pagelocked_empty(size, "uint8"), self.translated)

    def mapped(self, array: NDArray[Any]) -> Any:
        with self.translated():
            flags = self._driver.host_alloc_flags.DEVICEMAP
            host = self._driver.pagelocked_empty(array.shape, array.dtype, mem_flags=flags)
            host[...] = array
            owner = _Mapped(host, self._streams[self._compute], self._failures)
            return self._over(host.base.get_device_pointer(), host.nbytes, owner, array.shape, array.dtype)

    def copy_in(self, source: NDArray[Any], destination: Any) -> None:
        with self.translated():
            self._driver.memcpy_htod_async(destination.data.ptr, source, self._streams[self._copy])

    def record(self, stream: int) -> _Event:
        with self.translated():
            event = self._driver.Event(self._driver.event_flags.DISABLE_TIMING)
            event.record(self._streams[stream])
            return _Event(event, self.translated)

    def wait(self, stream: int, event: Any) -> None:  # one of its own
        with self.translated():
            self._streams[stream].wait_for_event(event.event)

    def captured(self, work: Callable[[], None]) -> _Graph:
        with self.translated():
            self._current.begin_capture()
            try:
                work()
            except BaseException:
                with suppress(*self._failures):
                    self._current.end_capture()
                raise
            return _Graph(self._current.end_capture(), self._current, self.translated)

    def synchronise(self) -> None:
        with self.translated():
            for stream in self._streams.values():
                stream.synchronize()

    def memory(self) -> tuple[int, int]:
        with self.translated():
            free, total = self._driver.mem_get_info()
            return free, total

    def cap(self, size: int) -> None:
        self._cupy.get_default_memory_pool().set_limit(size=size)

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except (*self._full, *self._failures) as error:
            is_full = isinstance(error, self._full) or getattr(error, "status", 0) == _OUT_OF_MEMORY
            raise (OutOfDeviceMemory if is_full else EngineError)(f"CUDA says: {error}.") from error
