"""What all TensorRT engines of a process have in common: the device, and memory that they use one after the other.

Engines work on one stream, so they need one scratch buffer, one for images, and two for answers that take turns. The
first engine to enter opens the device; the last to leave frees everything, in whatever order they go.
"""

from __future__ import annotations

import logging
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from runtime.engines.cuda import ALIGNMENT, Buffer, Cuda
from runtime.engines.messages import Messages, messages_of
from runtime.engines.upload import Upload
from runtime.engines.vendor import TensorRt
from runtime.errors import EngineError, OutOfDeviceMemory

if TYPE_CHECKING:
    import tensorrt as trt

_log = logging.getLogger(__name__)
_Made = TypeVar("_Made")
_OUT_OF_MEMORY = re.compile(r"out ?of ?memory", re.IGNORECASE)
ADVICE = "Close what else uses the GPU, or set the device to cpu."


class Growing:
    """One buffer, replaced by a larger one where more is asked for."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self._buffer: Buffer | None = None

    @property
    def pointer(self) -> int:
        """0 where there is none."""
        return self._buffer.pointer if self._buffer else 0

    @property
    def size(self) -> int:
        """Bytes; 0 where there is none."""
        return self._buffer.size if self._buffer else 0

    def at_least(self, size: int) -> Buffer:
        """`size` bytes or more, of any content. OutOfDeviceMemory: then there is none."""
        if self._buffer is None or self._buffer.size < size:
            self.free()
            self._buffer = self._cuda.allocate(max(size, ALIGNMENT))
        return self._buffer

    def free(self) -> None:
        buffer, self._buffer = self._buffer, None
        if buffer is not None:
            try:
                self._cuda.synchronise()  # the stream may still be at work with it
            finally:
                buffer.free()


class Shared:
    """See the module. `batch`: the most slices at a time; `pool`: bytes that the array library may take for itself."""

    def __init__(self, cuda: Cuda, tensorrt: TensorRt, batch: int, pool: int) -> None:
        self.cuda, self.tensorrt = cuda, tensorrt
        self.scratch, self.images, self.upload = Growing(cuda), Growing(cuda), Upload(cuda)
        self.batch = batch
        self._pool = pool
        self._both_answers = (Growing(cuda), Growing(cuda))
        self._turn = 0
        self._engines = 0
        self._opened = ExitStack()
        self._messages: Messages | None = None
        self._runtime: trt.Runtime | None = None

    def enter(self) -> None:
        """One engine more. EngineError."""
        if not self._engines:
            self._open()
        self._engines += 1

    def settle(self) -> None:
        """Wait until nothing is at work any more. Never raises, as `leave`."""
        try:
            self.cuda.synchronise()
        except EngineError as error:
            _log.warning("the GPU did not come to rest: %s", error)

    def leave(self) -> None:
        """One engine less. Never raises: a device that can't be freed any more is told to the log."""
        self._engines -= 1
        if not self._engines:
            try:
                self._opened.close()
            except EngineError as error:
                _log.warning("the GPU could not be left in order: %s", error)

    def deserialised(self, plan: bytes, name: str) -> trt.ICudaEngine:
        """TensorRT's engine of a plan; entered only. OutOfDeviceMemory, EngineError."""
        if self._runtime is None:
            raise RuntimeError("no engine has entered")
        if self._messages:
            self._messages.errors.clear()  # of building the plan, which has the same log
        return self.made(self._runtime.deserialize_cuda_engine(plan), f"load {name}")

    @property
    def complains(self) -> bool:
        """Whether TensorRT has logged an error since `made` last looked."""
        return bool(self._messages and self._messages.errors)

    @property
    def answers(self) -> Growing:
        """Of the call whose turn it is; the other one holds those of the call before."""
        return self._both_answers[self._turn]

    def take_turns(self) -> None:
        """The next call begins."""
        self._turn = 1 - self._turn

    def made(self, result: _Made | None, doing: str) -> _Made:
        """`result`, unless it is the None or False with which TensorRT fails: OutOfDeviceMemory or EngineError then."""
        said, errors = "", self._messages.errors if self._messages else []
        if errors and self._messages:
            said = self._messages.last()
            errors.clear()
        if result is not None and result is not False:
            return result
        kind = OutOfDeviceMemory if _OUT_OF_MEMORY.search(said) else EngineError
        raise kind(f"{self.tensorrt} can't {doing}: {said or 'it gives no reason.'}")

    def halve(self, error: OutOfDeviceMemory) -> None:
        """Half as many slices at a time from now on, for all engines. EngineError where it is one already."""
        if self.batch == 1:
            raise EngineError(f"{error} That was with one slice at a time. {ADVICE}") from error
        self.batch //= 2
        _log.warning("the GPU's memory is full: from now on %d slices at a time. %s", self.batch, error)
        self.scratch.free()
        self.images.free()

    def _open(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(self.cuda)
            self.cuda.cap(self._pool)
            stack.callback(self._forget)
            self._messages = messages_of(self.tensorrt.module)
            self._messages.errors.clear()
            try:
                self._runtime = self.tensorrt.module.Runtime(self._messages.logger)
            except TypeError as error:  # 'factory function returned nullptr': all that the bindings say of it
                raise EngineError(f"{self.tensorrt} can't start: {self._messages.last() or error}") from error
            for memory in (self.scratch, self.images, *self._both_answers, self.upload):
                stack.callback(memory.free)
            self._opened = stack.pop_all()

    def _forget(self) -> None:
        self._runtime = self._messages = None
