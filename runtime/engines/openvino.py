"""ONNX on the CPU through OpenVINO: bf16 where the processor computes in it, several slices at a time.

Measured (docs/adr/0002): THROUGHPUT with one slice per request beats batches, and the compiled-model
cache saves the compilation at the next start. The cache may be lost at any time; models are compiled again.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from runtime.engines.base import Backend
from runtime.errors import EngineError

Floats32 = NDArray[np.float32]


@cache
def core() -> openvino.Core:
    """The process's only core, never freed.

    Each core lays the thread's alternate signal stack (sigaltstack(2)) into memory of its own and restores the one
    before when it is freed. Freed out of turn, two of them leave a stack that is gone, and the next signal, SIGTERM
    too, is a segmentation fault.
    """
    return openvino.Core()


class OpenVinoEngine:
    """One ONNX model; compiled on entering, freed on leaving."""

    def __init__(self, model: Path, cache: Path | None = None) -> None:
        self._model = model
        self._core = core()
        capabilities = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self._precision = "bf16" if "BF16" in capabilities else "f32"
        self._settings = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": self._precision}
        if cache is not None:
            self._settings["CACHE_DIR"] = str(cache)
        self._requests: tuple[openvino.InferRequest, ...] = ()

    @property
    def backend(self) -> Backend:
        version = openvino.get_version().split("-")[0]
        device = str(self._core.get_property("CPU", "FULL_DEVICE_NAME"))
        return Backend(name="OpenVINO", version=version, precision=self._precision, device=f"CPU ({device})")

    def __enter__(self) -> OpenVinoEngine:
        try:
            try:
                compiled = self._core.compile_model(self._model, "CPU", self._settings)
            except RuntimeError:  # perhaps it is only the cache
                self._settings.pop("CACHE_DIR", None)
                compiled = self._core.compile_model(self._model, "CPU", self._settings)
            count = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
            self._requests = tuple(compiled.create_infer_request() for _ in range(count))
        except RuntimeError as error:
            raise EngineError(f"OpenVINO can't compile {self._model.name}: {error}") from error
        return self

    def __exit__(self, *exception: object) -> None:
        self._requests = ()

    def infer(self, images: Floats32) -> Floats32:
        """See Engine.infer.

        Requests take turns, and results are fetched by this thread: OpenVINO's own queue would call Python back from
        its threads instead.
        """
        if not self._requests:
            raise RuntimeError("infer() outside the engine's context")
        probabilities = np.empty((len(images), 2, *images.shape[2:]), dtype=np.float32)
        running: deque[tuple[int, openvino.InferRequest]] = deque()
        try:
            for index in range(len(images)):
                if len(running) == len(self._requests):
                    _fetch(*running.popleft(), probabilities)
                request = self._requests[index % len(self._requests)]
                request.start_async({0: images[index : index + 1]})
                running.append((index, request))
            while running:
                _fetch(*running.popleft(), probabilities)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed on {self._model.name}: {error}") from error
        finally:
            for _, request in running:
                request.cancel()
        return probabilities


def _fetch(index: int, request: openvino.InferRequest, into: Floats32) -> None:
    request.wait()
    into[index] = request.get_output_tensor(0).data[0]
