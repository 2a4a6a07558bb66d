"""From a bundle to running engines: the only place that probes for hardware and falls back."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from runtime.bundle import Bundle
from runtime.compute import Compute, cpu
from runtime.engines.base import Engine, Ensemble
from runtime.engines.openvino import OpenVinoEngine
from runtime.errors import ConfigurationError
from runtime.planes import Plane


class Device(str, Enum):
    """What the caller asks for."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


def load(bundle: Bundle, device: Device, cache: Path | None = None) -> tuple[Ensemble, Compute]:
    """The bundle's engines, not yet entered, and the array library that fits them.

    `cache` is a folder for compiled models; it may be empty or absent. ConfigurationError where `device` is not to be
    had.
    """
    if device is Device.GPU:
        raise ConfigurationError("This version has engines for the CPU only; use --device cpu or auto.")
    members: dict[Plane, tuple[Engine, ...]] = {
        plane: tuple(OpenVinoEngine(path, cache) for path in bundle.models(plane)) for plane in Plane
    }
    return Ensemble(members), cpu()
