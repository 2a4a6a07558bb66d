"""On a GPU: does CUDA do what the engines ask of it, through PyCUDA and CuPy in one context? TensorRT is not needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.checks import Answer, Bench, Row
from runtime.engines.cuda import Cuda
from runtime.engines.pycuda import find_cuda
from runtime.engines.upload import PART, SMALL, Upload
from runtime.errors import EngineError, OutOfDeviceMemory

MIB = 1 << 20


def check_cuda(_bench: Bench, find: Callable[[], Cuda] = find_cuda) -> Answer:
    """Uploads, memory shared with CuPy, a graph, and memory: too little of it, and none of it lost."""
    with find() as cuda:
        rows: list[Row] = [{"asked": asked, "right": _answer(cuda, check)} for asked, check in _ASKED.items()]
    return Answer.of(all(row["right"] == "yes" for row in rows), "What engines ask of CUDA, through PyCUDA.", rows)


def _answer(cuda: Cuda, check: Callable[[Cuda], bool]) -> str:
    try:
        return "yes" if check(cuda) else "NO"
    except EngineError as error:
        return f"NO: {error}"


def _uploads(cuda: Cuda) -> bool:
    upload, rng = Upload(cuda), np.random.default_rng(1)
    try:
        arrays = [rng.integers(-1024, 3071, (n, 384, 448), dtype=np.int16) for n in (1, 3, 100, 300)]
        assert arrays[0].nbytes < SMALL < PART < arrays[2].nbytes
        arrays.append(arrays[3][::-1, :, 5:])  # of any strides
        return all(np.array_equal(cuda.xp.asnumpy(upload(array) + 1), array + 1) for array in arrays for _ in range(3))
    finally:
        upload.free()


def _maps(cuda: Cuda) -> bool:
    array = np.arange(3 * MIB, dtype=np.int16)
    return bool(np.array_equal(cuda.xp.asnumpy(cuda.mapped(array) + 1), array + 1))


def _shares(cuda: Cuda) -> bool:
    buffer = cuda.allocate(4 * MIB)
    try:
        cuda.array(buffer, (MIB,), "float32")[...] = 7
        return float(cuda.array(buffer, (2, MIB // 2), "float32").sum()) == 7.0 * MIB
    finally:
        cuda.synchronise()
        buffer.free()


def _repeats(cuda: Cuda) -> bool:
    numbers = cuda.xp.zeros(MIB, dtype="float32")
    graph = cuda.captured(lambda: numbers.__iadd__(1))
    before = float(numbers.sum())
    for _ in range(5):
        graph.launch()
    return (before, float(numbers.sum())) == (0.0, 5.0 * MIB)


def _goes_on(cuda: Cuda) -> bool:
    _, total = cuda.memory()
    try:
        cuda.allocate(2 * total).free()
    except OutOfDeviceMemory:
        return _shares(cuda)
    return False


def _gives_back(cuda: Cuda) -> bool:
    before, _ = cuda.memory()
    for _ in range(20):
        cuda.allocate(64 * MIB).free()
    return cuda.memory()[0] >= before - MIB


_ASKED: dict[str, Callable[[Cuda], bool]] = {
    "arrays of any size arrive, three times each": _uploads,
    "the GPU reads what the host wrote": _maps,
    "one array of CuPy over memory of PyCUDA": _shares,
    "a graph adds up, five times": _repeats,
    "too much memory is refused, and work goes on": _goes_on,
    "memory is given back": _gives_back,
}
