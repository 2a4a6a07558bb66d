"""What a GPU box has of what its engines need, and what is missing; asked of packages' metadata, nothing is loaded."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from runtime.engines.gpu import Gpu

MISSING = "not installed"
PACKAGES = {
    "CuPy": ("cupy-cuda12x", "cupy-cuda13x", "cupy"),
    "cuCIM": ("cucim-cu12", "cucim-cu13", "cucim"),
    "PyCUDA": ("pycuda",),
    "TensorRT": ("tensorrt", "tensorrt-cu12", "tensorrt-cu13"),
    "TensorRT for RTX": ("tensorrt-rtx-cu13", "tensorrt-rtx-cu12", "tensorrt-rtx"),
    "PyTorch": ("torch",),
    "numpy": ("numpy",),
    "scipy": ("scipy",),
}
"""By the names that their distributions go by, one of which a box has."""


@dataclass(frozen=True, slots=True)
class Environment:
    """gpu: the first one; python: version and machine; packages: versions, or MISSING, by name."""

    gpu: Gpu
    python: str
    packages: dict[str, str]

    @classmethod
    def of(cls, gpu: Gpu, installed: Callable[[str], str] = version) -> Environment:
        return cls(
            gpu,
            f"{platform.python_version()} on {platform.machine()}",
            {name: _version(names, installed) for name, names in PACKAGES.items()},
        )

    @property
    def missing(self) -> list[str]:
        return [name for name, found in self.packages.items() if found == MISSING]


def _version(names: Sequence[str], installed: Callable[[str], str]) -> str:
    for name in names:
        try:
            return f"{installed(name)} ({name})"
        except PackageNotFoundError:
            continue
    return MISSING
