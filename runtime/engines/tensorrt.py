"""One TensorRT plan on the GPU, behind the protocol of all engines.

Memory is the engines' common one (shared.py); TensorRT itself holds the weights. A call puts its work on the compute
stream and returns; what fails later is told where the host next waits. Where the memory does not do, the call is made
again with half as many slices at a time.

With `graphs`, what a call puts on the stream is captured as a CUDA graph, one for each shape and place in memory, and
launched from then on. Each has an execution context of its own, as NVIDIA advises: a context that is given other shapes
makes what was captured from it invalid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.engines.base import Backend
from runtime.engines.cuda import Buffer, Graph
from runtime.engines.shared import ADVICE, Shared
from runtime.errors import EngineError, OutOfDeviceMemory

if TYPE_CHECKING:
    import tensorrt as trt

Shape = tuple[int, ...]
CLASSES = 2
GRAPHS = 8
"""That an engine keeps: a study has two sizes of a batch, and answers lie in two places."""
_BYTES = {"float32": 4, "float16": 2}


@dataclass(frozen=True, slots=True)
class _Tensor:
    """The input or the output of an engine."""

    name: str
    dtype: str

    def bytes_of(self, shape: Shape) -> int:
        return math.prod(shape) * _BYTES[self.dtype]


@dataclass(slots=True)
class _Context:
    """An execution context of TensorRT, the shape that it was last given, and the scratch bytes it needs for it."""

    of_trt: trt.IExecutionContext
    shape: Shape = ()
    scratch: int = 0


@dataclass(frozen=True, slots=True)
class _Captured:
    """A graph, and the scratch bytes that it needs where they were: a smaller buffer may lie there since."""

    graph: Graph
    scratch: int


class TensorRtEngine:
    """Loaded on entering, freed on leaving. `plan` finds or builds what TensorRT loads."""

    def __init__(self, name: str, plan: Callable[[], bytes], shared: Shared, *, graphs: bool = False) -> None:
        self._name, self._plan, self._shared, self._graphs = name, plan, shared, graphs
        self._network: _Network | None = None

    @property
    def backend(self) -> Backend:
        tensorrt, gpu = self._shared.tensorrt, self._shared.cuda.gpu
        return Backend(tensorrt.vendor.words, tensorrt.version, precision="f16", device=f"GPU ({gpu.name})")

    def __enter__(self) -> TensorRtEngine:
        self._shared.enter()
        try:
            self._network = _Network(self._name, self._plan(), self._shared, self._graphs)
        except OutOfDeviceMemory as error:
            self._shared.leave()
            raise EngineError(f"{error} {ADVICE}") from error
        except BaseException:
            self._shared.leave()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._shared.settle()
        if self._network is not None:
            self._network.free()
            self._network = None
        self._shared.leave()

    def infer(self, images: Any) -> Any:
        """See Engine.infer. EngineError also where the plan was not built for slices of that size."""
        if self._network is None:
            raise RuntimeError("infer() outside the engine's context")
        return self._network.infer(images)


class _Network:
    """What TensorRT made of a plan. Nothing but this holds TensorRT's objects, so that `free` does free them, even
    while an error is on its way whose traceback still holds this.
    """

    def __init__(self, name: str, plan: bytes, shared: Shared, with_graphs: bool) -> None:
        self._name, self._shared, self._with_graphs = name, shared, with_graphs
        self._engine = shared.deserialised(plan, name)
        self._contexts: list[_Context] = []
        self._graphs: dict[tuple[Shape, int, int, int], _Captured] = {}
        try:
            self._images, self._answers = self._tensors()
            self._largest = tuple(self._engine.get_tensor_profile_shape(self._images.name, 0)[2])
            self._context = self._new_context()
        except BaseException:
            self.free()
            raise

    def free(self) -> None:
        """Nothing on the stream may need it any more."""
        self._forget_graphs()
        for context in self._contexts:
            context.of_trt = None
        self._engine = None  # after its contexts

    def _tensors(self) -> tuple[_Tensor, _Tensor]:
        """Input and output. EngineError where the plan has others."""
        module = self._shared.tensorrt.module
        dtypes = {module.DataType.FLOAT: "float32", module.DataType.HALF: "float16"}
        images, answers = list[_Tensor](), list[_Tensor]()
        for name in map(self._engine.get_tensor_name, range(self._engine.num_io_tensors)):
            of_mode = images if self._engine.get_tensor_mode(name) == module.TensorIOMode.INPUT else answers
            of_mode.append(_Tensor(name, dtypes.get(self._engine.get_tensor_dtype(name), "")))
        if len(images) != 1 or len(answers) != 1 or not (images[0].dtype and answers[0].dtype):
            raise EngineError(f"{self._name} must have one input and one output, of float32 or float16")
        return images[0], answers[0]

    def infer(self, images: Any) -> Any:
        """See Engine.infer."""
        self._check(images.shape)
        shared, shape = self._shared, (len(images), CLASSES, *images.shape[2:])
        shared.take_turns()
        with shared.cuda.translated():
            answers = self._filled(images, shape)
            return shared.cuda.array(answers, shape, self._answers.dtype).astype("float32", copy=False)

    def _check(self, shape: Shape) -> None:
        _, channels, height, width = self._largest
        if shape[1] != channels:
            raise EngineError(f"{self._name} takes {channels} windows, not {shape[1]}")
        if shape[2] > height or shape[3] > width:
            raise EngineError(
                f"Slices of {shape[2]} x {shape[3]} pixels are larger than {self._name} was built for, {height} x "
                f"{width}. On the CPU there is no such limit."
            )

    def _filled(self, images: Any, shape: Shape) -> Buffer:
        """The answers, of `shape`, made with as many slices at a time as the memory allows."""
        while True:
            try:
                answers = self._shared.answers.at_least(self._answers.bytes_of(shape))
                self._fill(answers, images)
                return answers
            except OutOfDeviceMemory as error:
                self._shared.halve(error)

    def _fill(self, answers: Buffer, images: Any) -> None:
        shared = self._shared
        batch = min(shared.batch, self._largest[0])
        slice_bytes = self._answers.bytes_of((CLASSES, *images.shape[2:]))
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            held = shared.images.at_least(self._images.bytes_of(part.shape))
            with shared.cuda.translated():
                shared.cuda.array(held, part.shape, self._images.dtype)[...] = part
            into = answers.pointer + start * slice_bytes
            if self._with_graphs:
                self._launch(part.shape, held.pointer, into)
            else:
                self._prepare(self._context, part.shape, held.pointer, into)
                self._execute(self._context)

    def _prepare(self, context: _Context, shape: Shape, images: int, answers: int) -> None:
        made, doing = self._shared.made, f"prepare {self._name} for {shape}"
        if shape != context.shape:
            context.shape = ()
            made(context.of_trt.set_input_shape(self._images.name, shape), doing)
            scratch_bytes = context.of_trt.update_device_memory_size_for_shapes()
            # 0: there is no need of any, or it failed, of which only the log tells.
            context.scratch = made(scratch_bytes if scratch_bytes or not self._shared.complains else None, doing)
            context.shape = shape
        scratch = self._shared.scratch.at_least(context.scratch)
        context.of_trt.set_device_memory(scratch.pointer, scratch.size)
        made(context.of_trt.set_tensor_address(self._images.name, images), doing)
        made(context.of_trt.set_tensor_address(self._answers.name, answers), doing)

    def _execute(self, context: _Context) -> None:
        self._shared.made(context.of_trt.execute_async_v3(self._shared.cuda.compute), f"run {self._name}")

    def _launch(self, shape: Shape, images: int, answers: int) -> None:
        """As a graph, or this once without, to capture it."""
        shared = self._shared
        known = self._graphs.get((shape, images, answers, shared.scratch.pointer))
        if known is not None and known.scratch <= shared.scratch.size:
            known.graph.launch()
            return
        if len(self._graphs) == GRAPHS:
            shared.cuda.synchronise()
            self._forget_graphs()
        context = self._new_context()
        try:
            self._prepare(context, shape, images, answers)
            self._execute(context)  # does what TensorRT put off until now, and what no capture must hold
            graph = shared.cuda.captured(lambda: self._execute(context))
        except BaseException:
            shared.settle()  # the stream may still be at work with it
            self._contexts.pop().of_trt = None
            raise
        self._graphs[(shape, images, answers, shared.scratch.pointer)] = _Captured(graph, context.scratch)

    def _new_context(self) -> _Context:
        strategy = self._shared.tensorrt.module.ExecutionContextAllocationStrategy.USER_MANAGED
        made = self._shared.made(self._engine.create_execution_context(strategy), f"prepare {self._name}")
        self._contexts.append(_Context(made))
        return self._contexts[-1]

    def _forget_graphs(self) -> None:
        self._graphs.clear()
        for context in self._contexts[1:]:
            context.of_trt = None
        del self._contexts[1:]
