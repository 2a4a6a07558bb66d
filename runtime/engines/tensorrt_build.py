"""An ONNX file to a TensorRT plan: strongly typed, one dynamic profile, TensorRT's own words where it fails.

The graph says which numbers are FP16: TensorRT 11 knows no other way, and 10.3 knows this one. A plan fits the
TensorRT, driver and GPU that it was built by and for; where plans are kept is plans.py's. TensorRT for RTX builds for
GPUs that the machine need not have, by compute capability.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.engines.messages import Messages
from runtime.engines.profile import Profile
from runtime.engines.vendor import TensorRt, Vendor
from runtime.errors import ConfigurationError, EngineError
from runtime.progress import Progress, silent

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """workspace_mib: memory that kernels may ask for beside the activations
    optimisation_level: 0 to 5, as in TensorRT: how long it searches for faster kernels
    capabilities: such as SM86; for TensorRT for RTX alone. Empty: the GPU of this machine
    ValueError where a number can't be right.
    """

    workspace_mib: int = 1024
    optimisation_level: int = 3
    capabilities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.workspace_mib < 1 or not 0 <= self.optimisation_level <= 5:
            raise ValueError("the workspace starts at 1 MiB, and optimisation levels are 0 to 5")


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """plan: what TensorRT deserialises; layers: of the network as parsed; seconds: parsing and building."""

    plan: bytes
    layers: int
    seconds: float


def build_plan(
    tensorrt: TensorRt,
    onnx: Path,
    profile: Profile,
    options: BuildOptions,
    timing_cache: Path | None = None,
    progress: Progress = silent,
) -> Built:
    """Parse and build. `timing_cache`: a file, shared by all models of a box, of how fast kernels were; may be absent.

    EngineError with TensorRT's reasons; ConfigurationError for compute capabilities that it doesn't know.
    """
    trt, messages, started = tensorrt.module, Messages(tensorrt.module), time.monotonic()
    builder = trt.Builder(messages.logger)
    if not builder:
        raise EngineError(f"{tensorrt} can't start: {messages.last()} Look at `nvidia-smi`: is there a driver?")
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, messages.logger)
    if not parser.parse_from_file(str(onnx)):
        reasons = "; ".join(parser.get_error(number).desc() for number in range(parser.num_errors))
        raise EngineError(f"{tensorrt} can't read {onnx.name}: {reasons or messages.last()}")
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib * MIB)
    config.builder_optimization_level = options.optimisation_level
    _target(tensorrt, config, options.capabilities)
    cache = _timing_cache(config, timing_cache)
    monitor = _monitor(trt, progress, onnx.name)
    config.progress_monitor = monitor

    images = network.get_input(0)
    shapes = builder.create_optimization_profile()
    shapes.set_shape(images.name, *profile.shapes(images.shape[1]))
    config.add_optimization_profile(shapes)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f"{tensorrt} can't build {onnx.name}: {messages.last()}")
    if timing_cache is not None and cache is not None:
        _keep(timing_cache, bytes(cache.serialize()))
    return Built(bytes(plan), network.num_layers, time.monotonic() - started)


def _target(tensorrt: TensorRt, config: Any, capabilities: tuple[str, ...]) -> None:
    if not capabilities:
        return
    if tensorrt.vendor is not Vendor.RTX:
        raise ConfigurationError(f"{tensorrt} builds for the GPU of this machine alone: leave --capability out.")
    known = tensorrt.module.ComputeCapability
    if strange := [one for one in capabilities if one not in known.__members__]:
        names = ", ".join(name for name in known.__members__ if name.startswith("SM"))
        raise ConfigurationError(f"{tensorrt} doesn't know {', '.join(strange)}. It knows: {names}.")
    config.num_compute_capabilities = len(capabilities)
    for number, name in enumerate(capabilities):
        if not config.set_compute_capability(known.__members__[name], number):
            raise ConfigurationError(f"{tensorrt} doesn't build for {name}.")


def _timing_cache(config: Any, path: Path | None) -> Any:
    """What TensorRT remembers of earlier builds; whatever is in the file, it may refuse it and start anew."""
    if path is None:
        return None
    try:
        before = path.read_bytes()
    except OSError:
        before = b""
    for content in (before, b""):
        cache = config.create_timing_cache(content)
        if cache is not None and config.set_timing_cache(cache, False):
            return cache
    return None


def _keep(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".part")
    temporary.write_bytes(content)
    temporary.replace(path)


def _monitor(trt: Any, progress: Progress, name: str) -> Any:
    """The outermost phase's steps; TensorRT holds it by a bare pointer, so it must outlive the build."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            if parent is None:
                self.steps[phase] = steps

        def step_complete(self, phase: str, step: int) -> bool:
            if phase in self.steps:
                progress(name, step + 1, self.steps[phase])
            return True

        def phase_finish(self, phase: str) -> None:
            self.steps.pop(phase, None)

    return Monitor()
