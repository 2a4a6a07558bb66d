"""How much device memory an analysis will take: an estimate, from the networks' own graphs and the settings.

Activations by liveness: a tensor is held from the operation that makes it to the last one that reads it, and one that
works element by element writes over an input that nobody reads again. TensorRT plans better in some places and worse
in others, so the figure is an estimate and is called one; `make gpu-check` prints what was measured beside it. OpenVINO
reads the graph, since every box has it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import openvino

from runtime.engines.profile import Profile
from runtime.engines.tensorrt_build import MIB
from runtime.planes import Plane

IN_PLACE = frozenset({"Add", "Multiply", "Subtract", "Divide", "Relu", "Sigmoid", "Clamp"})
VOXEL_BYTES = 2 + 2 * 4 + 2 * 1 + 2 * 1 + 1
"""Of a volume on the device: HU int16, V float32 and votes bool of two classes, both closed, the labels."""
BUFFERS = 2
"""Of images and probabilities each: one batch is computed while the next is made."""
FLOAT = 4


@dataclass(frozen=True, slots=True)
class NetworkMemory:
    """Bytes of one network at one shape. weights: as stored; activations: the most at one time; inputs, outputs."""

    weights: int
    activations: int
    images: int
    probabilities: int


def network_memory(onnx: Path, shape: Sequence[int]) -> NetworkMemory:
    """Of images (N, C, H, W). ValueError where the file is no network that takes them."""
    try:
        model = openvino.Core().read_model(onnx)
        model.reshape({0: list(shape)})
    except RuntimeError as error:
        raise ValueError(f"{onnx.name} can't be read for {tuple(shape)}: {error}") from error
    operations = [one for one in model.get_ordered_ops() if one.get_type_name() != "Constant"]
    constants = [one for one in model.get_ordered_ops() if one.get_type_name() == "Constant"]
    last: dict[tuple[str, int], int] = {}
    for number, operation in enumerate(operations):
        for source in operation.input_values():
            last[(source.get_node().get_friendly_name(), source.get_index())] = number
    held, most, sizes = 0, 0, dict[tuple[str, int], int]()
    for number, operation in enumerate(operations):
        if operation.get_type_name() in ("Parameter", "Result"):
            continue  # both are the runner's own buffers
        read = {(source.get_node().get_friendly_name(), source.get_index()) for source in operation.input_values()}
        dying = {one for one in read if one in sizes and last[one] == number}
        made = {(operation.get_friendly_name(), out.get_index()): _bytes(out) for out in operation.outputs()}
        reused = max((sizes[one] for one in dying), default=0) if operation.get_type_name() in IN_PLACE else 0
        most = max(most, held + max(sum(made.values()) - reused, 0))
        held += sum(made.values()) - sum(sizes.pop(one) for one in dying)
        sizes |= made
    return NetworkMemory(
        weights=sum(_bytes(one.output(0)) for one in constants),
        activations=most,
        images=math.prod(shape) * FLOAT,
        probabilities=shape[0] * 2 * math.prod(shape[2:]) * FLOAT,
    )


def _bytes(output: openvino.Output) -> int:
    return int(math.prod(output.get_shape()) * output.get_element_type().size)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Bytes on the device. weights: of all networks; scratch: one buffer for all contexts, as large as the neediest
    asks for; buffers: of images and probabilities; volume: of one study's arrays; workspace: see BuildOptions.
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
        parts = ("weights", "scratch", "buffers", "volume", "workspace")
        words = ", ".join(f"{part} {getattr(self, part) / MIB:.0f}" for part in parts)
        return f"estimate of device memory: {self.total / MIB:.0f} MiB ({words})"


def memory_plan(
    models: Mapping[Plane, Sequence[Path]],
    profiles: Mapping[Plane, Profile],
    channels: int,
    voxels: int,
    workspace_mib: int,
) -> MemoryPlan:
    """For these networks at the optimum of their profiles, and a study of so many voxels. ValueError as above."""
    networks = [network_memory(onnx, profiles[plane].shapes(channels)[1]) for plane in Plane for onnx in models[plane]]
    return MemoryPlan(
        weights=sum(one.weights for one in networks),
        scratch=max(one.activations for one in networks),
        buffers=BUFFERS * (max(one.images for one in networks) + max(one.probabilities for one in networks)),
        volume=voxels * VOXEL_BYTES,
        workspace=workspace_mib * MIB,
    )
