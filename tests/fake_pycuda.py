"""What is used of pycuda.driver and of cupy, by their own names and signatures (PyCUDA 2026.1, CuPy 14.2), in memory.

`calls` says what was asked of both, in order; objects of CUDA that outlive their context are a Misuse.
"""

from __future__ import annotations

import itertools
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.fake_cuda import Misuse


class FakeError(Exception):
    """pycuda.driver.Error; the others derive from it."""


class FakeMemoryError(FakeError):
    """pycuda.driver.MemoryError."""


class FakeOutOfMemoryError(MemoryError):
    """cupy.cuda.memory.OutOfMemoryError."""


class FakeRuntimeError(RuntimeError):
    """cupy.cuda.runtime.CUDARuntimeError, cupy.cuda.driver.CUDADriverError."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class FakeCompileError(Exception):
    """cupy.cuda.compiler.CompileException, cupy.cuda.nvrtc.NVRTCError."""


class FakeLibraries:
    """`driver` and `cupy`. free: bytes of the device that are left; pooled: of those that are not, what CuPy keeps.

    failing: what a call raises, by the name it has in `calls`
    """

    def __init__(self, free: int = 1000, pooled: int = 0) -> None:
        self.free, self.pooled = free, pooled
        self.calls: list[str] = []
        self.failing: dict[str, Exception] = {}
        self.alive: set[object] = set()
        self._there: list[weakref.ref[object]] = []
        self.contexts = 0
        self.limit = 0
        self.driver = _driver(self)
        self.cupy = _cupy(self)

    def call(self, what: str) -> None:
        self.calls.append(what)
        if not self.contexts:
            raise Misuse(f"{what} without a context")
        if error := self.failing.get(what):
            self._there.clear()  # the error's traceback holds what it was raised by
            raise error

    def release(self) -> None:
        """cupy.get_default_memory_pool().free_all_blocks()."""
        self.call("free_all_blocks")
        self.free, self.pooled = self.free + self.pooled, 0

    def pop(self) -> None:
        """pycuda.driver.Context.pop()."""
        self.call("pop")
        self.contexts -= 1
        if left := [*self.alive, *filter(None, (there() for there in self._there))]:
            raise Misuse(f"outlived their context: {left}")

    def born(self, of_context: object) -> None:
        """It is to be let go before the context is popped."""
        self._there.append(weakref.ref(of_context))

    def freed(self, of_context: object) -> None:
        """It may be held for longer, since nothing is behind it any more."""
        self._there = [there for there in self._there if there() is not of_context]


class Allocation:
    """pycuda.driver.DeviceAllocation."""

    _addresses = itertools.count(1 << 40, 1 << 20)

    def __init__(self, libraries: FakeLibraries, size: int) -> None:
        libraries.call("mem_alloc")
        if size > libraries.free:
            raise FakeMemoryError("cuMemAlloc failed: out of memory")
        self._libraries, self._size, self._address = libraries, size, next(self._addresses)
        libraries.free -= size
        libraries.alive.add(self)

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        self._libraries.alive.remove(self)
        self._libraries.free += self._size
        self._libraries.call("free")


class HostAllocation(bytearray):
    """pycuda.driver.HostAllocation, the base of a page-locked array."""

    libraries: FakeLibraries

    def free(self) -> None:
        self.libraries.freed(self)
        self.libraries.call("free host")

    def get_device_pointer(self) -> int:
        return 1 << 50


def _driver(libraries: FakeLibraries) -> Any:
    handles = itertools.count(7)

    class Stream:
        def __init__(self, flags: int = 0) -> None:
            libraries.call(f"Stream({flags})")
            libraries.born(self)
            self.handle = next(handles)

        def synchronize(self) -> None:
            libraries.call(f"synchronize {self.handle}")

        def wait_for_event(self, event: Event) -> None:
            libraries.call(f"{self.handle} waits for {event.recorded}")

    class Event:
        recorded = 0

        def __init__(self, flags: int = 0) -> None:
            libraries.call(f"Event({flags})")
            libraries.born(self)

        def record(self, stream: Stream) -> None:
            self.recorded = stream.handle

        def synchronize(self) -> None:
            libraries.call(f"synchronize event of {self.recorded}")

    class Device:
        def __init__(self, number: int) -> None:
            assert number == 0

        def retain_primary_context(self) -> Any:
            def push() -> None:
                libraries.contexts += 1
                libraries.call("push")

            return SimpleNamespace(push=push)

    def pagelocked_empty(shape: Any, dtype: Any, order: str = "C", mem_flags: int = 0) -> Any:
        libraries.call(f"pagelocked_empty({mem_flags})")
        memory = HostAllocation(int(np.prod(shape)) * np.dtype(dtype).itemsize)
        memory.libraries = libraries
        libraries.born(memory)
        return np.ndarray(shape, dtype, memory)

    def memcpy_htod_async(dest: int, src: Any, stream: Stream) -> None:
        libraries.call(f"copy {src.nbytes} to {dest:#x} on {stream.handle}")

    return SimpleNamespace(
        Error=FakeError,
        MemoryError=FakeMemoryError,
        Stream=Stream,
        Event=Event,
        Device=Device,
        Context=SimpleNamespace(pop=libraries.pop),
        event_flags=SimpleNamespace(DISABLE_TIMING=2),
        host_alloc_flags=SimpleNamespace(DEVICEMAP=4),
        init=lambda: None,
        mem_alloc=lambda size: Allocation(libraries, size),
        mem_get_info=lambda: (libraries.free, 8 << 30),
        pagelocked_empty=pagelocked_empty,
        memcpy_htod_async=memcpy_htod_async,
    )


def _cupy(libraries: FakeLibraries) -> Any:
    class Stream:
        def __init__(self, handle: int) -> None:
            self.handle = handle

        @classmethod
        def from_external(cls, shared: Any) -> Stream:
            version, handle = shared.__cuda_stream__()
            assert version == 0
            return cls(handle)

        def __enter__(self) -> Stream:
            libraries.call(f"use {self.handle}")
            return self

        def __exit__(self, *exception: object) -> None:
            libraries.call("use no more")

        def begin_capture(self) -> None:
            libraries.call("begin_capture")

        def end_capture(self) -> Any:
            libraries.call("end_capture")
            return SimpleNamespace(launch=lambda stream: libraries.call(f"launch on {stream.handle}"))

    class UnownedMemory:
        def __init__(self, ptr: int, size: int, owner: object, device_id: int) -> None:
            self.ptr, self.size, self.owner, self.device_id = ptr, size, owner, device_id

    class MemoryPointer:
        def __init__(self, mem: UnownedMemory, offset: int) -> None:
            self.mem, self.ptr = mem, mem.ptr + offset

    class ndarray:  # noqa: N801  # its name
        def __init__(self, shape: tuple[int, ...], dtype: Any, memptr: MemoryPointer) -> None:
            self.shape, self.dtype, self.data = shape, np.dtype(dtype), memptr

    def set_limit(size: int) -> None:
        libraries.limit = size

    pool = SimpleNamespace(free_all_blocks=libraries.release, set_limit=set_limit)
    return SimpleNamespace(
        ndarray=ndarray,
        get_default_memory_pool=lambda: pool,
        get_default_pinned_memory_pool=lambda: SimpleNamespace(free_all_blocks=lambda: libraries.call("free pinned")),
        cuda=SimpleNamespace(
            Stream=Stream,
            UnownedMemory=UnownedMemory,
            MemoryPointer=MemoryPointer,
            memory=SimpleNamespace(OutOfMemoryError=FakeOutOfMemoryError),
            runtime=SimpleNamespace(CUDARuntimeError=FakeRuntimeError),
            driver=SimpleNamespace(CUDADriverError=FakeRuntimeError),
            compiler=SimpleNamespace(CompileException=FakeCompileError),
            nvrtc=SimpleNamespace(NVRTCError=FakeCompileError),
        ),
    )
