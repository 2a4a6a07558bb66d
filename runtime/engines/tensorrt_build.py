"""An ONNX file to a TensorRT plan: strongly typed, one dynamic profile, TensorRT's own words where it fails.

The graph says which numbers are FP16: TensorRT 11 knows no other way, and 10.3 knows this one. A plan fits the
TensorRT, driver and GPU that it was built by and for; where plans are kept is plans.py's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.engines.ahead_of_time import build_for
from runtime.engines.gpu import Gpu
from runtime.engines.messages import Messages, messages_of
from runtime.engines.profile import Profile
from runtime.engines.timing_cache import attach_timing_cache, keep_timing_cache
from runtime.engines.vendor import TensorRt, Vendor
from runtime.errors import ConfigurationError, EngineError
from runtime.progress import Progress, silent

if TYPE_CHECKING:
    import tensorrt as trt

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """workspace_mib: memory that kernels may ask for at the profile's largest shapes. To TensorRT for RTX that is all
        activations, too: of the paper's network 2.1 GB for 8 slices of 1024 x 1024, and with less it does not build
    optimisation_level: 0 to 5, as in TensorRT: how long it searches for faster kernels
    capability: of a GPU that this machine need not have, such as SM86; for TensorRT for RTX alone. Empty: of its own
    ValueError where a number can't be right.
    """

    workspace_mib: int = 4096
    optimisation_level: int = 3
    capability: str = ""

    def __post_init__(self) -> None:
        if self.workspace_mib < 1 or not 0 <= self.optimisation_level <= 5:
            raise ValueError("the workspace starts at 1 MiB, and optimisation levels are 0 to 5")


def default_options(gpu: Gpu | None) -> BuildOptions:
    """For that GPU, or for one elsewhere. Where it shares its memory with the processor, a quarter of it at most."""
    options = BuildOptions()
    if gpu is None or not gpu.shares_memory:
        return options
    return replace(options, workspace_mib=min(options.workspace_mib, gpu.memory // 4 // MIB))


@dataclass(frozen=True, slots=True)
class AskedOptions:
    """What is asked of plans before it is known which GPU they are for. workspace_mib: 0 for default_options'."""

    workspace_mib: int = 0
    optimisation_level: int = BuildOptions().optimisation_level

    def of(self, gpu: Gpu | None) -> BuildOptions:
        """For that GPU, or for one elsewhere. ValueError as of BuildOptions."""
        return BuildOptions(self.workspace_mib or default_options(gpu).workspace_mib, self.optimisation_level)


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
    """Parse and build. `timing_cache`: a file of timing_cache.py's, which may be absent; its folder is there.

    EngineError with TensorRT's reasons; ConfigurationError where it can't start, or knows no such capability.
    """
    trt, messages, started = tensorrt.module, messages_of(tensorrt.module), time.monotonic()
    messages.errors.clear()
    builder = _builder(tensorrt, messages)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    _parse(tensorrt, network, onnx, messages)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib * MIB)
    config.builder_optimization_level = options.optimisation_level
    monitor = _monitor(trt, progress, onnx.name)
    config.progress_monitor = monitor
    if options.capability:
        if tensorrt.vendor is not Vendor.RTX:
            raise ConfigurationError(f"{tensorrt} builds for this machine's GPU alone: name no compute capability.")
        build_for(trt, config, options.capability)
    images = network.get_input(0)
    shapes = builder.create_optimization_profile()
    shapes.set_shape(images.name, *profile.shapes(images.shape[1]))
    config.add_optimization_profile(shapes)
    cache_file = timing_cache if tensorrt.vendor is Vendor.TENSORRT else None
    cache = attach_timing_cache(config, cache_file) if cache_file else None
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f"{tensorrt} can't build {onnx.name}: {messages.last()}{_advice(messages.last(), options)}")
    if cache_file and cache is not None:
        keep_timing_cache(cache, cache_file)
    return Built(bytes(plan), network.num_layers, time.monotonic() - started)


def _builder(tensorrt: TensorRt, messages: Messages) -> trt.Builder:
    try:
        return tensorrt.module.Builder(messages.logger)
    except TypeError as error:  # 'factory function returned nullptr': all that the bindings say of it
        reason = messages.last() or str(error)
        raise ConfigurationError(f"{tensorrt} can't start: {reason} Does `nvidia-smi` show a GPU?") from error


def _parse(tensorrt: TensorRt, network: trt.INetworkDefinition, onnx: Path, messages: Messages) -> None:
    parser = tensorrt.module.OnnxParser(network, messages.logger)
    if not parser.parse_from_file(str(onnx)) or parser.num_errors:
        reasons = "; ".join(_reason(parser.get_error(number)) for number in range(parser.num_errors))
        raise EngineError(f"{tensorrt} can't read {onnx.name}: {reasons or messages.last()}")


def _reason(error: trt.ParserError) -> str:
    """Which node, and what of it, in one line."""
    where = f"{error.node_operator()} {error.node_name()}".strip()
    return " ".join(f"{where}: {error.desc()}".lstrip(": ").split())


def _advice(reason: str, options: BuildOptions) -> str:
    """What to do about a build that failed for want of memory; empty where nothing is known."""
    if "memory" not in reason.lower() and "workspace" not in reason.lower():
        return ""
    return f" It was allowed {options.workspace_mib} MiB: give --workspace more, or free memory on the GPU."


def _monitor(trt: Any, progress: Progress, name: str) -> trt.IProgressMonitor:
    """The outermost phase's steps; TensorRT holds it by a bare pointer, so it must outlive the build."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # a class once a TensorRT is known
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            if parent_phase is None:
                self.steps[phase_name] = num_steps

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name in self.steps:
                progress(name, step + 1, self.steps[phase_name])
            return True

        def phase_finish(self, phase_name: str) -> None:
            if steps := self.steps.pop(phase_name, 0):
                progress(name, steps, steps)  # not every step is told of

    return Monitor()
