"""From a bundle to running engines: the only place that probes for hardware and falls back (docs/adr/0010)."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

import numpy as np

from runtime.bundle import Bundle
from runtime.codes import Code, Flag
from runtime.compute import Compute, cpu
from runtime.engines.ahead_of_time import capability_name, known_capability
from runtime.engines.base import SIZE_MULTIPLE, Engine, Ensemble
from runtime.engines.on_gpu import Nvidia, on_gpu
from runtime.engines.openvino import OpenVinoEngine
from runtime.engines.plans import Plans
from runtime.engines.pycuda import find_cuda
from runtime.engines.sightings import Sightings
from runtime.engines.tensorrt_build import AskedOptions
from runtime.engines.vendor import Vendor, find_tensorrt
from runtime.errors import ConfigurationError, EngineError, NotInstalled
from runtime.planes import Plane

_log = logging.getLogger(__name__)
_REASON_LETTERS = 200


class Device(str, Enum):
    """What the caller asks for. auto: the GPU where there is one that works."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


class OnGpuLoss(str, Enum):
    """What becomes of studies where the device is gpu and that is not to be had: the CPU, flagged, or nothing."""

    CPU = "cpu"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Wish:
    """What engines should run on.

    cache: a folder for compiled models and plans; it may be empty or absent
    state: a folder in which it is remembered that a GPU has worked here
    shelf: a cache folder that somebody else fills, only read
    other_state: a state folder of somebody else, only read, and not readable at that where they are kept apart
    build: what plans are built with; None: what stands beside those in `cache`
    """

    device: Device = Device.AUTO
    on_gpu_loss: OnGpuLoss = OnGpuLoss.CPU
    cache: Path | None = None
    state: Path | None = None
    shelf: Path | None = None
    other_state: Path | None = None
    build: AskedOptions | None = None

    @property
    def stops(self) -> bool:
        """Whether nothing may take the GPU's place."""
        return self.device is Device.GPU and self.on_gpu_loss is OnGpuLoss.STOP


@dataclass(frozen=True, slots=True)
class Running:
    """Entered engines, the array library that fits them, and what results must say of the choice.

    spare: the same on the CPU, flagged, for a study that the GPU did not bring to an end; None where there is no need
    of it, or it is not wished
    """

    ensemble: Ensemble
    compute: Compute
    flags: tuple[Flag, ...] = ()
    spare: Callable[[], AbstractContextManager[Running]] | None = None


def find_nvidia() -> Nvidia:
    """What this machine has. EngineError without a GPU, NotInstalled without what it takes to use it."""
    cuda, tensorrt = find_cuda(), find_tensorrt()
    if tensorrt.vendor is Vendor.RTX:
        known_capability(tensorrt.module, capability_name(cuda.gpu))
    return Nvidia(cuda, tensorrt)


def on_cpu(bundle: Bundle, cache: Path | None = None) -> tuple[Ensemble, Compute]:
    """The bundle's engines on the CPU, not yet entered, and numpy; `cache` as in Wish."""
    members: dict[Plane, tuple[Engine, ...]] = {
        plane: tuple(OpenVinoEngine(path, cache) for path in bundle.models(plane)) for plane in Plane
    }
    return Ensemble(members), cpu()


@contextmanager
def running_engines(bundle: Bundle, wish: Wish, find: Callable[[], Nvidia] = find_nvidia) -> Iterator[Running]:
    """The bundle's engines, entered. EngineError, ConfigurationError where what is wished for is not to be had."""
    with ExitStack() as stack:
        yield _chosen(stack, bundle, wish, find)


def _chosen(stack: ExitStack, bundle: Bundle, wish: Wish, find: Callable[[], Nvidia]) -> Running:
    if wish.device is Device.CPU:
        return _running_on_cpu(stack, bundle, wish.cache)
    sightings, nvidia = Sightings(wish.state, wish.other_state), None
    try:
        nvidia = find()
        plans = Plans.within(wish.cache, wish.shelf, wish.build) if wish.cache else None
        ensemble, compute = on_gpu(bundle, nvidia, plans)
        stack.enter_context(ensemble.running())
        _try_out(ensemble, compute, bundle)
    except (EngineError, ConfigurationError) as error:
        if wish.stops:
            raise
        if wish.device is Device.AUTO and nvidia is None and not sightings.last():
            level = logging.WARNING if isinstance(error, NotInstalled) else logging.INFO
            _log.log(level, "no GPU is used: %s", error)
            return _running_on_cpu(stack, bundle, wish.cache)
        _log.warning("the GPU can't be used; studies are analysed on the CPU until the next start. %s", error)
        return _running_on_cpu(stack, bundle, wish.cache, _lost(str(error)))
    sightings.remember(nvidia.cuda.gpu)
    return Running(ensemble, compute, spare=None if wish.stops else partial(_spare, bundle, wish.cache))


def _try_out(ensemble: Ensemble, compute: Compute, bundle: Bundle) -> None:
    """One small batch for each plane. EngineError where what comes back are no probabilities."""
    channels = len(bundle.manifest.spec.windows)
    with compute.guarded():
        images = compute.upload(np.zeros((1, channels, SIZE_MULTIPLE, SIZE_MULTIPLE), dtype=np.float32))
        for plane in Plane:
            answer = compute.to_host(ensemble.mean(plane, images))
            if not ((answer >= 0) & (answer <= 1)).all():
                raise EngineError(f"The {plane.value} engines answer an empty image with what is no probability.")


def _running_on_cpu(stack: ExitStack, bundle: Bundle, cache: Path | None, *flags: Flag) -> Running:
    ensemble, compute = on_cpu(bundle, cache)
    return Running(stack.enter_context(ensemble.running()), compute, flags)


@contextmanager
def _spare(bundle: Bundle, cache: Path | None) -> Iterator[Running]:
    _log.warning("a study that the GPU did not bring to an end is analysed on the CPU")
    with ExitStack() as stack:
        yield _running_on_cpu(stack, bundle, cache, _lost("The GPU did not bring this study to an end."))


def _lost(reason: str) -> Flag:
    return Flag(Code.CPU_FALLBACK, textwrap.shorten(reason, _REASON_LETTERS, placeholder=" ..."))
