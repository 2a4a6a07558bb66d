"""How much device memory an analysis will take: an estimate, from the networks' own graphs and the settings.

Activations by liveness: a tensor is held from the operation that makes it to the last one that reads it, and one that
works element by element writes over an input that nobody reads again. TensorRT does with less in some places and takes
more in others, so the figure is an estimate and is called one; `make gpu-check` prints what was measured beside it.
What CUDA, TensorRT and CuPy take for themselves is not in it. OpenVINO reads the graph, since every box has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import openvino

from runtime.bundle import Bundle
from runtime.engines.openvino import core
from runtime.engines.profile import BATCH, Profile
from runtime.engines.tensorrt_build import MIB
from runtime.errors import EngineError
from runtime.planes import Plane

IN_PLACE = frozenset({"Add", "Multiply", "Subtract", "Divide", "Relu", "Sigmoid", "Clamp"})
VOXEL_BYTES = 2 + 2 * 4 + 2 * 1 + 2 * 1 + 1
"""Of a volume on the device: HU int16, V float32 and votes bool of two classes, both closed, the labels."""
IMAGES, PROBABILITIES = 1, 2
"""Buffers of each: an engine's answers must outlast the next engine's. What CuPy makes for a batch is its pool's."""
FLOAT = 4
STUDY_VOXELS = 320 * 512 * 512
"""Of the study that memory is estimated for: 320 slices of 512 x 512, which is a head at 0.5 mm."""
OVERHEAD = 1.8
"""TensorRT for RTX 1.7 asks, when it builds, for up to 1.8 times the activations as counted here: of the small network
and the paper's, with 1 to 8 slices of 512 x 512 and 1024 x 1024."""
_Tensor: TypeAlias = tuple[str, int]
"""The operation that makes it, and which of its outputs it is."""


@dataclass(frozen=True, slots=True)
class NetworkMemory:
    """Bytes of one network at one shape.

    weights: as stored; activations: the most at one time; images, probabilities: in and out
    """

    weights: int
    activations: int
    images: int
    probabilities: int


def network_memory(onnx: Path, shape: Sequence[int]) -> NetworkMemory:
    """Of images (N, C, H, W). ValueError where the file is no network that takes them."""
    try:
        model = core().read_model(onnx)
        model.reshape({0: list(shape)})
    except RuntimeError as error:
        raise ValueError(f"{onnx.name} can't be read for {tuple(shape)}: {error}") from error
    operations = model.get_ordered_ops()
    return NetworkMemory(
        weights=sum(_bytes(one.output(0)) for one in operations if one.get_type_name() == "Constant"),
        activations=_peak(operations),
        images=math.prod(shape) * FLOAT,
        probabilities=shape[0] * 2 * math.prod(shape[2:]) * FLOAT,
    )


def _peak(operations: Sequence[openvino.Node]) -> int:
    """Bytes of the tensors between the network's input and its output, at the moment when they are most."""
    readers: dict[_Tensor, int] = {}
    outside: set[_Tensor] = set()
    for number, operation in enumerate(operations):
        read = [_tensor(source) for source in operation.input_values()]
        readers |= dict.fromkeys(read, number)
        if operation.get_type_name() == "Result":
            outside |= set(read)  # the runner's own buffer
    most, held = 0, dict[_Tensor, int]()
    for number, operation in enumerate(operations):
        kind = operation.get_type_name()
        if kind in ("Constant", "Parameter", "Result"):
            continue
        made = {_tensor(one): _bytes(one) for one in operation.outputs() if _tensor(one) not in outside}
        last = {one for one in map(_tensor, operation.input_values()) if one in held and readers[one] == number}
        written_over = max((held[one] for one in last), default=0) if kind in IN_PLACE else 0
        most = max(most, sum(held.values()) + max(sum(made.values()) - written_over, 0))
        held = {one: size for one, size in (held | made).items() if one not in last and one in readers}
    return most


def _tensor(output: openvino.Output) -> _Tensor:
    return output.get_node().get_friendly_name(), output.get_index()


def _bytes(output: openvino.Output) -> int:
    return int(math.prod(output.get_shape()) * output.get_element_type().size)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes on the device.

    weights: of all networks; scratch: one buffer for all contexts, for the activations of the neediest
    workspace: what kernels may ask for beside it, at most; buffers: of images and probabilities
    volume: of one study's arrays
    """

    weights: int
    scratch: int
    buffers: int
    volume: int
    workspace: int

    @property
    def total(self) -> int:
        return self.weights + self.scratch + self.buffers + self.volume + self.workspace

    def __str__(self) -> str:
        """One line, in MiB."""
        parts = ("weights", "scratch", "buffers", "volume", "workspace")
        words = ", ".join(f"{part} {getattr(self, part) / MIB:.0f}" for part in parts)
        return f"Device memory, an estimate: {self.total / MIB:.0f} MiB ({words})"


def memory_plan(
    models: Mapping[Plane, Sequence[Path]],
    profiles: Mapping[Plane, Profile],
    channels: int,
    voxels: int,
    workspace_mib: int,
) -> MemoryPlan:
    """For these networks at the optimum of their profiles, and a study of so many voxels. ValueError as above.

    workspace_mib: as of BuildOptions; of what is allowed for the largest batch, the optimum has its share
    """
    share = max(one.batch * math.prod(one.optimum) / (BATCH * math.prod(one.largest)) for one in profiles.values())
    networks = [network_memory(onnx, profiles[plane].shapes(channels)[1]) for plane in Plane for onnx in models[plane]]
    return MemoryPlan(
        weights=sum(one.weights for one in networks),
        scratch=round(OVERHEAD * max(one.activations for one in networks)),
        buffers=IMAGES * max(one.images for one in networks)
        + PROBABILITIES * max(one.probabilities for one in networks),
        volume=voxels * VOXEL_BYTES,
        workspace=round(workspace_mib * MIB * share),
    )


def bundle_memory(bundle: Bundle, workspace_mib: int, batch: int = BATCH) -> MemoryPlan:
    """For a bundle's networks, `batch` slices at a time, and a study of STUDY_VOXELS. EngineError if not readable."""
    models = {plane: bundle.models(plane) for plane in Plane}
    profiles = {plane: replace(profile, batch=batch) for plane, profile in bundle.manifest.profiles.items()}
    channels = len(bundle.manifest.spec.windows)
    try:
        return memory_plan(models, profiles, channels, STUDY_VOXELS, workspace_mib)
    except ValueError as error:
        raise EngineError(f"The networks' memory can't be estimated: {error}.") from error
