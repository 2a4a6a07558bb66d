"""Which GPU this machine has, and which driver: asked of the driver's own library, and nothing else of CUDA.

It answers before PyCUDA, CuPy or TensorRT are there, and makes no context on the device.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import EngineError

LIBRARY = "libcuda.so.1"
DRIVER = Path("/proc/driver/nvidia/version")
"""Where the kernel's module says its version, if it does."""
_NAME_BYTES = 100
_INTEGRATED, _MAJOR, _MINOR = 18, 75, 76
"""CU_DEVICE_ATTRIBUTE_INTEGRATED, _COMPUTE_CAPABILITY_MAJOR and _MINOR of cuda.h."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """The first GPU.

    capability: such as 8.7; driver, cuda: the driver's version, and of CUDA the newest it runs; memory: bytes
    shares_memory: with the processor, as on a Jetson
    """

    name: str
    capability: str
    driver: str
    cuda: str
    memory: int
    shares_memory: bool

    def __str__(self) -> str:
        return f"{self.name} (compute capability {self.capability})"


def find_gpu(library: str = LIBRARY, driver: Path = DRIVER) -> Gpu:
    """Ask the driver. EngineError where there is none, or no GPU."""
    try:
        cuda = ctypes.CDLL(library)
    except OSError as error:
        raise EngineError(f"This machine has no NVIDIA driver ({error}).") from error
    number, version, major, minor, integrated = (ctypes.c_int() for _ in range(5))
    memory, name = ctypes.c_size_t(), ctypes.create_string_buffer(_NAME_BYTES)
    _call(cuda, "cuInit", 0)
    _call(cuda, "cuDriverGetVersion", ctypes.byref(version))
    _call(cuda, "cuDeviceGet", ctypes.byref(number), 0)
    _call(cuda, "cuDeviceGetName", name, _NAME_BYTES, number)
    _call(cuda, "cuDeviceGetAttribute", ctypes.byref(major), _MAJOR, number)
    _call(cuda, "cuDeviceGetAttribute", ctypes.byref(minor), _MINOR, number)
    _call(cuda, "cuDeviceGetAttribute", ctypes.byref(integrated), _INTEGRATED, number)
    _call(cuda, "cuDeviceTotalMem_v2", ctypes.byref(memory), number)
    return Gpu(
        name=name.value.decode(errors="replace"),
        capability=f"{major.value}.{minor.value}",
        driver=_version(driver) or str(version.value),
        cuda=f"{version.value // 1000}.{version.value % 1000 // 10}",
        memory=memory.value,
        shares_memory=bool(integrated.value),
    )


def _call(cuda: ctypes.CDLL, function: str, *arguments: object) -> None:
    if code := cuda[function](*arguments):
        raise EngineError(f"The NVIDIA driver finds no GPU that it can use ({function}: CUDA error {code}).")


def _version(driver: Path) -> str:
    """Such as 580.65.06; empty where the module says nothing."""
    try:
        found = re.search(r"\d{3,}(\.\d+)+", driver.read_text(encoding="utf-8"))
    except OSError:
        return ""
    return found.group() if found else ""
