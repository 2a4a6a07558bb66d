"""What a benchmark ran on, as its table says it."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("openvino", "torch", "numpy", "scipy", "pydicom")
_UNITS = {"amx_bf16": "AMX bf16", "avx512_bf16": "AVX-512 bf16", "avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}
"""What multiplies, the best first, by the kernel's name."""


@dataclass(frozen=True, slots=True)
class Machine:
    """cores: that the benchmark used; load: processes that wanted a core in the minute before it began."""

    processor: str
    unit: str
    cores: int
    memory_gib: float
    load: float
    versions: str


def this_machine(cores: int) -> Machine:
    """Linux only."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    name = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    flags = set((re.search(r"^(?:flags|Features)\s*: (.*)$", text, re.MULTILINE) or [""])[0].split())
    return Machine(
        processor=name[1] if name else platform.machine(),
        unit=next((unit for flag, unit in _UNITS.items() if flag in flags), "none known"),
        cores=cores,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        load=os.getloadavg()[0],
        versions=", ".join([f"Python {platform.python_version()}", *(f"{one} {version(one)}" for one in LIBRARIES)]),
    )
