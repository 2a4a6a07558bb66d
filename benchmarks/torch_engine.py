"""The bundle's networks in PyTorch, behind the protocol of engines: a second opinion on a GPU, and the speed to beat.

Half precision and channels-last, eager or compiled, as one would run them without TensorRT. DLPack carries the arrays
of CuPy (or numpy) over and back without a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils.dlpack import from_dlpack

from runtime.bundle import Bundle
from runtime.engines.base import Backend, Ensemble
from runtime.errors import EngineError
from runtime.planes import Plane
from training.continued import unfolded
from training.model import Probabilities, Unet, Width

Network = Callable[[torch.Tensor], torch.Tensor]


@dataclass(slots=True)
class Spans:
    """How long the device spent on calls; on a GPU told by its own clock, when all of them are over."""

    device: str
    clock: Callable[[], float]
    ended: list[Callable[[], float]] = field(default_factory=list)

    def timed(self, work: Callable[[], torch.Tensor]) -> torch.Tensor:
        if self.device != "cuda":
            start = self.clock()
            answer = work()
            took = self.clock() - start
            self.ended.append(lambda: took)
            return answer
        before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]  # so in torch
        before.record()
        answer = work()
        after.record()
        self.ended.append(lambda: before.elapsed_time(after) / 1000)
        return answer

    @property
    def seconds(self) -> float:
        synchronise(self.device)
        return sum(span() for span in self.ended)


class TorchEngine:
    """See runtime.engines.base.Engine. Entering puts the network on the device, leaving takes it away."""

    def __init__(self, unet: Unet, device: str, dtype: torch.dtype, xp: Any, spans: Spans | None = None) -> None:
        self._unet, self._device, self._dtype, self._xp, self._spans = unet, device, dtype, xp, spans
        self._network: Network | None = None

    @property
    def backend(self) -> Backend:
        name = torch.cuda.get_device_name() if self._device == "cuda" else self._device
        return Backend("PyTorch", torch.__version__, str(self._dtype).removeprefix("torch."), name)

    def __enter__(self) -> TorchEngine:
        self._network = ready(self._unet, self._device, self._dtype)
        return self

    def __exit__(self, *exception: object) -> None:
        self._network = None
        self._unet.to("cpu", torch.float32)

    def infer(self, images: Any) -> Any:
        """See Engine.infer."""
        if self._network is None:
            raise RuntimeError("infer() outside the engine's context")
        network = self._network
        try:
            with torch.no_grad():
                slices = from_dlpack(images).to(self._dtype, memory_format=torch.channels_last)
                answer = self._spans.timed(lambda: network(slices)) if self._spans else network(slices)
                return self._xp.from_dlpack(answer.float().contiguous())
        except RuntimeError as error:
            raise EngineError(f"PyTorch failed: {error}") from error


def ready(unet: Unet, device: str, dtype: torch.dtype, *, compiled: bool = False) -> Network:
    """The network as it is run: (N, C, H, W) of `dtype`, channels last, to probabilities (N, 2, H, W)."""
    network = Probabilities(unet).eval().to(device, dtype).to(memory_format=torch.channels_last)
    return torch.compile(network) if compiled else network


def synchronise(device: str) -> None:
    """Wait for PyTorch's device."""
    if device == "cuda":
        torch.cuda.synchronize()


def bundle_networks(bundle: Bundle, width: Width = Width.SMALL) -> dict[Plane, list[Unet]]:
    """The bundle's own weights in float32; ValueError where they are of another width."""
    return {plane: [unfolded(path, width, []) for path in bundle.models(plane)] for plane in Plane}


def torch_ensemble(
    networks: Mapping[Plane, Sequence[Unet]], device: str, dtype: torch.dtype, xp: Any, spans: Spans | None = None
) -> Ensemble:
    """An engine for each network."""
    return Ensemble(
        {plane: tuple(TorchEngine(one, device, dtype, xp, spans) for one in networks[plane]) for plane in Plane}
    )
