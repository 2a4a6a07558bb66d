from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from runtime.engines.cuda import Buffer, Staging
from runtime.engines.pycuda import PyCuda
from runtime.errors import EngineError, OutOfDeviceMemory
from tests.fake_cuda import ORIN, Misuse
from tests.fake_pycuda import (
    FakeCompileError,
    FakeError,
    FakeLibraries,
    FakeMemoryError,
    FakeOutOfMemoryError,
    FakeRuntimeError,
)

COMPUTE, COPY = 7, 8


def opened(libraries: FakeLibraries) -> PyCuda:
    return PyCuda(libraries.driver, libraries.cupy, ORIN)


def test_nothing_is_asked_of_it_before_it_is_entered() -> None:
    libraries = FakeLibraries()
    assert opened(libraries).gpu is ORIN
    assert libraries.calls == []


def test_the_context_is_the_first_to_come_and_the_last_to_go() -> None:
    libraries = FakeLibraries()
    cuda = opened(libraries)
    for _ in range(2):
        with cuda:
            cuda.allocate(10).free()
    once = ["push", "Stream(1)", "Stream(1)", "use 7", "mem_alloc", "free"]
    once += ["free_all_blocks", "free pinned", "use no more", "pop"]
    assert libraries.calls == [*once, *(call.replace("7", "9") for call in once)]


@pytest.mark.parametrize(
    "make",
    [
        lambda cuda: cuda.allocate(8),
        lambda cuda: cuda.staging(8),
        lambda cuda: cuda.mapped(np.zeros(2)).data.mem.owner.array,
        lambda cuda: cuda.record(cuda.copy),
        lambda cuda: cuda._streams[cuda.copy],
    ],
)
def test_nothing_may_outlive_the_context(make: Callable[[PyCuda], object]) -> None:
    kept = []
    with pytest.raises(Misuse, match="outlived their context"), opened(FakeLibraries()) as cuda:
        kept.append(make(cuda))


def test_arrays_lie_where_the_memory_does() -> None:
    libraries = FakeLibraries()
    with opened(libraries) as cuda:
        buffer = cuda.allocate(800)
        array = cuda.array(buffer, (10, 10), "float64")
        assert (array.shape, array.dtype, array.data.ptr) == ((10, 10), np.float64, buffer.pointer)
        assert (array.data.mem.size, array.data.mem.owner, array.data.mem.device_id) == (800, buffer, 0)
        assert cuda.memory() == (200, 8 << 30)
        buffer.free()
        cuda.cap(12345)
    assert libraries.limit == 12345


def test_what_cupy_keeps_is_given_back_before_memory_counts_as_full() -> None:
    libraries = FakeLibraries(free=10, pooled=90)
    with opened(libraries) as cuda:
        cuda.allocate(100).free()
        assert libraries.calls[-4:] == ["mem_alloc", "free_all_blocks", "mem_alloc", "free"]
        with pytest.raises(OutOfDeviceMemory, match="out of memory"):
            cuda.allocate(101)


def test_copies_and_events() -> None:
    libraries = FakeLibraries()
    with opened(libraries) as cuda:
        assert (cuda.compute, cuda.copy) == (COMPUTE, COPY)
        buffer, staging = cuda.allocate(100), cuda.staging(64)
        assert staging.array.dtype == np.uint8
        assert staging.array.shape == (64,)
        cuda.copy_in(staging.array[:16].view(np.int16), cuda.array(buffer, (8,), "int16"))
        event = cuda.record(cuda.copy)
        cuda.wait(cuda.compute, event)
        event.synchronise()
        cuda.synchronise()
        staging.free()
        buffer.free()
        del event
        assert libraries.calls[4:] == [
            *("mem_alloc", "pagelocked_empty(0)", f"copy 16 to {buffer.pointer:#x} on 8"),
            *("Event(2)", "7 waits for 8", "synchronize event of 8", "synchronize 7", "synchronize 8"),
            *("free host", "free"),
        ]


def test_mapped_memory_goes_when_nothing_reads_it_any_more() -> None:
    libraries = FakeLibraries()
    with opened(libraries) as cuda:
        array = cuda.mapped(np.arange(6, dtype=np.int16).reshape(2, 3)[:, ::-1])
        assert (array.shape, array.dtype, array.data.ptr) == ((2, 3), np.int16, 1 << 50)
        assert np.array_equal(array.data.mem.owner.array, [[2, 1, 0], [5, 4, 3]])
        assert libraries.calls[4:] == ["pagelocked_empty(4)"]
        del array
        assert libraries.calls[4:] == ["pagelocked_empty(4)", "synchronize 7"]


def test_a_capture_is_ended_whatever_happens_in_it() -> None:
    libraries = FakeLibraries()

    def broken() -> None:
        raise FakeError("launch failed")

    with opened(libraries) as cuda:
        cuda.captured(lambda: libraries.call("work")).launch()
        assert libraries.calls[4:] == ["begin_capture", "work", "end_capture", "launch on 7"]
        with pytest.raises(EngineError, match="launch failed"):
            cuda.captured(broken)
        assert libraries.calls[-2:] == ["begin_capture", "end_capture"]


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (FakeMemoryError("full"), OutOfDeviceMemory),
        (FakeOutOfMemoryError("full"), OutOfDeviceMemory),
        (FakeRuntimeError(2), OutOfDeviceMemory),
        (FakeRuntimeError(700), EngineError),
        (FakeCompileError("no headers"), EngineError),
        (FakeError("illegal address"), EngineError),
    ],
)
def test_errors_of_both_libraries_are_ours(raised: Exception, becomes: type[EngineError]) -> None:
    with pytest.raises(EngineError, match="CUDA says") as caught, opened(FakeLibraries()).translated():
        raise raised
    assert type(caught.value) is becomes


@pytest.mark.parametrize(("call", "make"), [("free", PyCuda.allocate), ("free host", PyCuda.staging)])
def test_memory_that_can_not_be_freed_is_our_error(call: str, make: Callable[[PyCuda, int], Buffer | Staging]) -> None:
    libraries = FakeLibraries()
    with opened(libraries) as cuda:
        memory = make(cuda, 8)
        libraries.failing[call] = FakeError("an illegal memory access was encountered")
        with pytest.raises(EngineError, match="CUDA says: an illegal memory access"):
            memory.free()


def test_other_errors_are_not() -> None:
    with pytest.raises(ValueError, match="ours"), opened(FakeLibraries()).translated():
        raise ValueError("ours")


def test_where_the_driver_sees_no_gpu_that_is_what_is_said() -> None:
    """In a process of its own: others may have loaded the stand-in of a driver."""
    program = "from runtime.engines.pycuda import find_cuda; find_cuda()"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert re.search(r"EngineError: (This machine has no NVIDIA driver|The NVIDIA driver finds no GPU)", ended.stderr)
