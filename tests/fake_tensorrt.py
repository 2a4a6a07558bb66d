"""A TensorRT that runs one simple network on a FakeCuda: the part of its module that is used, strict about how.

What NVIDIA's documentation leaves undefined is a Misuse here; what TensorRT refuses, it refuses as TensorRT does: with
None or False and a line in the log. Its plans are JSON: see FakePlan, whose `answer` is what the network computes.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.engines.cuda import ALIGNMENT
from runtime.engines.vendor import TensorRt, Vendor
from tests.fake_cuda import FakeBuffer, FakeCuda, Misuse

Shape = tuple[int, ...]
VERSION = "10.3.0"
LARGEST = (8, 1, 1024, 1024)


class FakeLogger:
    """See trt.ILogger."""

    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def log(self, severity: int, msg: str) -> None:
        raise NotImplementedError


class FakeMode(Enum):
    """See trt.TensorIOMode."""

    INPUT = 1
    OUTPUT = 2


class FakeType(Enum):
    """See trt.DataType."""

    FLOAT = "float32"
    HALF = "float16"
    INT8 = "int8"


class FakeStrategy(Enum):
    """See trt.ExecutionContextAllocationStrategy."""

    STATIC = 0
    USER_MANAGED = 2


@dataclass(frozen=True)
class FakePlan:
    """A network: IS where an image is bright, IH where it is dark, each times a factor.

    largest: (N, C, H, W) of its profile; scratch_pixel_bytes: that it needs for each pixel of a batch
    most: slices for which there is memory while it runs; beyond, it fails as TensorRT does
    """

    factor: float = 1.0
    images: str = "FLOAT"
    answers: str = "FLOAT"
    largest: Shape = LARGEST
    weight_bytes: int = 1000
    scratch_pixel_bytes: int = 4
    most: int = 1000
    outputs: int = 1

    def __bytes__(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, content: bytes) -> FakePlan:
        """ValueError, TypeError where it is none."""
        values = json.loads(content)
        return cls(**{**values, "largest": tuple(values["largest"])})

    def answer(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """(N, C, H, W) to (N, 2, H, W)."""
        bright = images[:, 0].astype(np.float32) * np.float32(self.factor)
        return np.stack([bright, np.float32(self.factor) - bright], axis=1)


@dataclass(eq=False)
class FakeContext:
    """See trt.IExecutionContext. `version` grows with each change, so that a graph can tell that it is out of date;
    `worked` is the number of rests before it last did.
    """

    engine: FakeEngine
    strategy: FakeStrategy
    shape: Shape = ()
    needed: int | None = None
    memory: tuple[int, int] | None = None
    addresses: dict[str, int] = field(default_factory=dict)
    version: int = 0
    settled: int = -1
    worked: int = -1

    def __post_init__(self) -> None:
        self.engine.trt.alive += 1

    def __del__(self) -> None:
        self.engine.trt.alive -= 1
        if self.worked == self.engine.trt.cuda.rests:
            raise Misuse("let go while the stream may be at work with it")

    def set_input_shape(self, name: str, shape: Shape) -> bool:
        self._changed("set_input_shape")
        largest = self.engine.plan.largest
        if (
            name != "images"
            or len(shape) != 4
            or not all(1 <= n <= most for n, most in zip(shape, largest, strict=True))
        ):
            return self.engine.trt.fail(
                f"IExecutionContext::setInputShape: {shape} is not in the profile, up to {largest}"
            )
        self.shape, self.needed = tuple(shape), None
        return True

    def update_device_memory_size_for_shapes(self) -> int:
        self._changed("update_device_memory_size_for_shapes")
        if not self.shape:
            raise Misuse("asked for its memory without a shape")
        if self.engine.trt.refuses_sizes:
            return int(self.engine.trt.fail(self.engine.trt.refuses_sizes))
        self.needed = math.prod(self.shape) * self.engine.plan.scratch_pixel_bytes
        self.memory = None
        return self.needed

    def set_device_memory(self, memory: int, size: int) -> None:
        self._changed("set_device_memory")
        if self.strategy is not FakeStrategy.USER_MANAGED:
            raise Misuse("gave memory to a context that has its own")
        if memory % ALIGNMENT:
            raise Misuse(f"{memory:#x} is not aligned")
        self.memory = memory, size

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self._changed("set_tensor_address")
        if name not in ("images", "answers"):
            return self.engine.trt.fail(f"IExecutionContext::setTensorAddress: there is no tensor {name}")
        if memory % ALIGNMENT:
            raise Misuse(f"{memory:#x} is not aligned")
        self.addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        trt = self.engine.trt
        trt.call("execute_async_v3")
        if stream_handle != trt.cuda.compute:
            raise Misuse("executed on a stream that is not for computing")
        if self.needed is None or self.memory is None or len(self.addresses) < 2:
            raise Misuse("executed without shape, memory for it, or addresses")
        if self.shape[0] > self.engine.plan.most:
            return trt.fail("[defaultAllocator.cpp::allocate::31] Error Code 1: Cuda Runtime (out of memory)")
        if trt.refuses and len(trt.shapes) >= trt.lets_run:
            return trt.fail(trt.refuses)
        if trt.cuda.capturing is None:
            self._compute()
        elif self.settled != self.version:
            raise Misuse("captured before it was run once")
        else:
            version = self.version
            trt.cuda.capturing.append(lambda: self._compute(version))
        self.settled = self.version
        return True

    def _compute(self, version: int | None = None) -> None:
        if version not in (None, self.version):
            raise Misuse("launched a graph of a context that has changed since")
        assert self.memory is not None
        plan, (n, _, height, width) = self.engine.plan, self.shape
        if self.memory[1] < (self.needed or 0):
            raise Misuse(f"{self.memory[1]} bytes of scratch where {self.needed} are needed")
        self.worked = self.engine.trt.cuda.rests
        scratch = self.engine.trt.cuda.memory_at(*self.memory)
        images = self._tensor("images", self.shape, FakeType[plan.images])
        answers = self._tensor("answers", (n, 2, height, width), FakeType[plan.answers])
        if any(np.shares_memory(*two) for two in ((images, answers), (images, scratch), (scratch, answers))):
            raise Misuse("images, answers and scratch overlap")
        self.engine.trt.shapes.append(self.shape)
        answer = plan.answer(images)
        scratch[:] = np.random.default_rng(n).integers(0, 256, scratch.size)
        answers[...] = answer

    def _tensor(self, name: str, shape: Shape, dtype: FakeType) -> NDArray[Any]:
        size = math.prod(shape) * np.dtype(dtype.value).itemsize
        return self.engine.trt.cuda.memory_at(self.addresses[name], size).view(dtype.value).reshape(shape)

    def _changed(self, what: str) -> None:
        self.engine.trt.call(what)
        self.version += 1


@dataclass(eq=False)
class FakeEngine:
    """See trt.ICudaEngine."""

    trt: FakeTensorRt
    plan: FakePlan
    weights: FakeBuffer

    def __post_init__(self) -> None:
        self.trt.alive += 1

    def __del__(self) -> None:
        self.weights.free()
        self.trt.alive -= 1

    @property
    def num_io_tensors(self) -> int:
        return 1 + self.plan.outputs

    def get_tensor_name(self, index: int) -> str:
        return ("images", "answers", "more")[index]

    def get_tensor_mode(self, name: str) -> FakeMode:
        return FakeMode.INPUT if name == "images" else FakeMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> FakeType:
        return FakeType[self.plan.images if name == "images" else self.plan.answers]

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Shape]:
        if name != "images" or profile_index:
            raise Misuse(f"there is no profile {profile_index} of {name}")
        return [(1, self.plan.largest[1], 32, 32), self.plan.largest, self.plan.largest]

    def create_execution_context(self, strategy: FakeStrategy) -> FakeContext | None:
        self.trt.call("create_execution_context")
        return (
            None
            if self.trt.refuses_contexts and not self.trt.fail(self.trt.refuses_contexts)
            else FakeContext(self, strategy)
        )


@dataclass(eq=False)
class FakeRuntime:
    """See trt.Runtime."""

    trt: FakeTensorRt

    def __post_init__(self) -> None:
        self.trt.alive += 1

    def __del__(self) -> None:
        self.trt.alive -= 1

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> FakeEngine | None:
        self.trt.call("deserialize_cuda_engine")
        try:
            plan = FakePlan.read(serialized_engine)
        except (TypeError, ValueError):
            self.trt.fail("IRuntime::deserializeCudaEngine: Error Code 1: Serialization (magic tag does not match)")
            return None
        cuda = self.trt.cuda
        if cuda.used + plan.weight_bytes > cuda.capacity:
            self.trt.fail("IRuntime::deserializeCudaEngine: Error Code 2: OutOfMemory")
            return None
        return FakeEngine(self.trt, plan, cuda.allocate(plan.weight_bytes))


class FakeTensorRt:
    """See the module; this is what `import tensorrt` gives.

    alive: runtimes, engines and contexts that were not let go; shapes: of what was run, in order
    refuses, refuses_contexts, refuses_sizes: what it says where it is to fail when it runs, makes a context, or is
        asked how much memory that needs
    lets_run: how many batches it runs before it refuses one
    """

    __version__ = VERSION
    ILogger, TensorIOMode, DataType = FakeLogger, FakeMode, FakeType
    ExecutionContextAllocationStrategy = FakeStrategy

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda = cuda
        self.alive = 0
        self.shapes: list[Shape] = []
        self.refuses = self.refuses_contexts = self.refuses_sizes = ""
        self.lets_run = 0
        self._logger: FakeLogger | None = None
        cuda.guests.append(lambda: f"{self.alive} objects of TensorRT" if self.alive else "")

    def Runtime(self, logger: FakeLogger) -> FakeRuntime:
        self.call("Runtime")
        self._logger = logger
        return FakeRuntime(self)

    def call(self, what: str) -> None:
        """Note it among the calls of CUDA, in whose context it must be."""
        if not self.cuda.is_open:
            raise Misuse(f"{what} without a context of CUDA")
        self.cuda.calls.append(what)

    def fail(self, words: str) -> bool:
        """False, with the words in the log."""
        assert self._logger is not None
        self._logger.log(FakeLogger.ERROR, words)
        return False


def fake_tensorrt(cuda: FakeCuda) -> TensorRt:
    """As vendor.find_tensorrt finds it."""
    return TensorRt(Vendor.TENSORRT, FakeTensorRt(cuda))


def fake_module(tensorrt: TensorRt) -> FakeTensorRt:
    """The fake behind it."""
    assert isinstance(tensorrt.module, FakeTensorRt)
    return tensorrt.module
