"""A GPU of numpy: the Cuda protocol, with memory behind made-up addresses, that takes offence at every misuse.

The copy stream is as late as it may be: a copy is made when somebody has to wait for it, and not before. So whoever
reads too early or writes a staging buffer too early gets wrong numbers, as on a device. The compute stream is prompt,
since arrays of numpy are; but memory that its work has touched counts as in use until the host has waited.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.engines.cuda import Buffer
from runtime.engines.gpu import Gpu
from runtime.errors import EngineError, OutOfDeviceMemory

GIB = 1 << 30
ORIN = Gpu("Orin", "8.7", "540.4.0", "12.6", 8 * GIB, shares_memory=True)
CARD = Gpu("A card", "8.9", "580.65.06", "13.0", 16 * GIB, shares_memory=False)
COMPUTE, COPY = 101, 102
UNWRITTEN = 0xFF
"""What fresh memory is full of: as floats, NaN."""


class Misuse(AssertionError):
    """CUDA would have done anything, or nothing, here."""


@dataclass(eq=False)
class FakeBuffer:
    """See cuda.Buffer."""

    cuda: FakeCuda
    pointer: int
    size: int
    memory: NDArray[np.uint8]
    is_in_use: bool = False

    def free(self) -> None:
        if self.pointer not in self.cuda.buffers:
            raise Misuse("freed twice")
        if self.is_in_use:
            raise Misuse("freed while a stream may be at work with it")
        del self.cuda.buffers[self.pointer]
        self.cuda.freed.append(self.pointer)
        self.memory[:] = UNWRITTEN


@dataclass(eq=False)
class FakeStaging:
    """See cuda.Staging."""

    cuda: FakeCuda
    array: NDArray[np.uint8]

    def free(self) -> None:
        if self not in self.cuda.stagings:
            raise Misuse("freed twice")
        if any(np.shares_memory(self.array, copy.source) for copy in self.cuda.late):
            raise Misuse("freed before it was copied")
        self.cuda.stagings.remove(self)


@dataclass(frozen=True)
class FakeEvent:
    """See cuda.Event. copies: how many copies of the copy stream came before it; none where it is of the other one."""

    cuda: FakeCuda
    stream: int
    copies: int

    def synchronise(self) -> None:
        self.cuda.call("synchronise event")
        self.cuda.make_copies(self.copies)


@dataclass(frozen=True)
class FakeGraph:
    """See cuda.Graph. work: what fake contexts put in while they were captured."""

    cuda: FakeCuda
    work: tuple[Callable[[], None], ...]

    def launch(self) -> None:
        self.cuda.call("launch")
        for one in self.work:
            one()


@dataclass(frozen=True)
class _Copy:
    number: int
    source: NDArray[Any]
    destination: NDArray[Any]


@dataclass(eq=False)
class FakeCuda:
    """See cuda.Cuda. `capacity`: bytes that can be allocated; `broken`: why CUDA fails from now on, if it does.

    calls: what was asked of it, in order; peak: the most bytes that were allocated at one time
    rests: how often it is known to have come to the end of all its work
    """

    gpu: Gpu = ORIN
    capacity: int = GIB
    broken: str = ""
    calls: list[str] = field(default_factory=list)
    peak: int = 0
    rests: int = 0
    pool: int | None = None
    xp: Any = np
    is_open: bool = False
    buffers: dict[int, FakeBuffer] = field(default_factory=dict)
    stagings: list[FakeStaging] = field(default_factory=list)
    late: list[_Copy] = field(default_factory=list)
    capturing: list[Callable[[], None]] | None = None
    guests: list[Callable[[], str]] = field(default_factory=list)
    """Asked on leaving what they still have on the device; empty where nothing."""
    reuses_addresses: bool = False
    """Of freed buffers, the last one first, as CUDA's allocator may."""
    freed: list[int] = field(default_factory=list)
    _mapped: list[weakref.ref[NDArray[Any]]] = field(default_factory=list)
    _addresses: Iterator[int] = field(default_factory=lambda: itertools.count(1 << 40, 1 << 32))
    _copies: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _last_copy: int = 0

    @property
    def compute(self) -> int:
        self._must_be_open()
        return COMPUTE

    @property
    def copy(self) -> int:
        self._must_be_open()
        return COPY

    @property
    def used(self) -> int:
        return sum(buffer.size for buffer in self.buffers.values())

    def __enter__(self) -> FakeCuda:
        if self.is_open:
            raise Misuse("entered twice")
        self.is_open = True
        try:
            self.call("open")
        except EngineError:
            self.is_open = False
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._must_be_open()
        left = [guest() for guest in self.guests]
        left += [f"{len(self.buffers)} buffers"] if self.buffers else []
        left += [f"{len(self.stagings)} stagings"] if self.stagings else []
        left += ["mapped memory"] if any(array() is not None for array in self._mapped) else []
        self.is_open = False
        self.calls.append("close")
        if any(left):
            raise Misuse(f"still there when the context goes: {', '.join(filter(None, left))}")

    def allocate(self, size: int) -> FakeBuffer:
        self.call("allocate")
        if size < 1:
            raise Misuse(f"allocated {size} bytes")
        if self.used + size > self.capacity:
            raise OutOfDeviceMemory(f"{size} bytes are not to be had.")
        pointer = self.freed.pop() if self.reuses_addresses and self.freed else next(self._addresses)
        buffer = FakeBuffer(self, pointer, size, np.full(size, UNWRITTEN, np.uint8))
        self.buffers[buffer.pointer] = buffer
        self.peak = max(self.peak, self.used)
        return buffer

    def array(self, buffer: Buffer, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        return self.memory_at(buffer.pointer, size).view(dtype).reshape(shape)

    def memory_at(self, pointer: int, size: int) -> NDArray[np.uint8]:
        """What is there, as uint8 (size,), and from now on in use. Misuse where it is not all in one buffer."""
        for buffer in self.buffers.values():
            start = pointer - buffer.pointer
            if start >= 0 and start + size <= buffer.size:
                buffer.is_in_use = True
                return buffer.memory[start : start + size]
        raise Misuse(f"{size} bytes at {pointer:#x} are in no buffer")

    def staging(self, size: int) -> FakeStaging:
        self.call("staging")
        staging = FakeStaging(self, np.full(size, UNWRITTEN, np.uint8))
        self.stagings.append(staging)
        return staging

    def mapped(self, array: NDArray[Any]) -> NDArray[Any]:
        self.call("mapped")
        if not self.gpu.shares_memory:
            raise Misuse("a card would read this over the bus, three times")
        copy = np.array(array, order="C")
        self._mapped.append(weakref.ref(copy))
        return copy

    def copy_in(self, source: NDArray[Any], destination: NDArray[Any]) -> None:
        self.call("copy")
        if not (source.flags.c_contiguous and destination.flags.c_contiguous):
            raise Misuse("copied what is not contiguous")
        if source.nbytes != destination.nbytes:
            raise Misuse(f"copied {source.nbytes} bytes into {destination.nbytes}")
        if not any(np.shares_memory(source, staging.array) for staging in self.stagings):
            raise Misuse("copied from memory that is not page-locked")
        destination.reshape(-1).view(np.uint8)[:] = UNWRITTEN  # until it is copied
        self._last_copy = next(self._copies)
        self.late.append(_Copy(self._last_copy, source, destination))

    def make_copies(self, until: int) -> None:
        """Of the copy stream, those that were asked for first, up to that number."""
        while self.late and self.late[0].number <= until:
            copy = self.late.pop(0)
            copy.destination[...] = copy.source

    def record(self, stream: int) -> FakeEvent:
        self.call(f"record {self._name(stream)}")
        return FakeEvent(self, stream, self._last_copy if stream == COPY else 0)

    def wait(self, stream: int, event: Any) -> None:
        self.call(f"{self._name(stream)} waits for {self._name(event.stream)}")
        if stream == COMPUTE:
            self.make_copies(event.copies)

    def captured(self, work: Callable[[], None]) -> FakeGraph:
        self.call("capture")
        self.capturing = []
        try:
            work()
            return FakeGraph(self, tuple(self.capturing))
        finally:
            self.capturing = None

    def synchronise(self) -> None:
        self.call("synchronise")
        if self.capturing is not None:
            raise Misuse("waited while a graph was captured")
        self.make_copies(self._last_copy)
        self._rest()

    def memory(self) -> tuple[int, int]:
        self.call("memory")
        return self.capacity - self.used, self.capacity

    def cap(self, size: int) -> None:
        self.call("cap")
        self.pool = size

    @contextmanager
    def translated(self) -> Iterator[None]:
        yield

    def call(self, what: str) -> None:
        """Note it. EngineError where CUDA is broken."""
        self._must_be_open()
        self.calls.append(what)
        if self.broken:
            self._rest()  # nothing is at work any more
            self.late.clear()
            raise EngineError(f"CUDA says: {self.broken}.")

    def _rest(self) -> None:
        self.rests += 1
        for buffer in self.buffers.values():
            buffer.is_in_use = False

    def _name(self, stream: int) -> str:
        self._must_be_open()
        return {COMPUTE: "compute", COPY: "copy"}[stream]

    def _must_be_open(self) -> None:
        if not self.is_open:
            raise Misuse("used outside its context")
