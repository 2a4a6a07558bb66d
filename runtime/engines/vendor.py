"""Which TensorRT a box has: NVIDIA's own, or TensorRT for RTX. Two modules with one interface, imported here alone.

A box has one of them at most; JetPack and data-centre cards take the first, RTX cards the second. What of the
interface is used, is in TensorRT 10.3 (JetPack 6), 10.13 (JetPack 7), 11.x and RTX 1.x alike; a test compares names and
signatures with the real bindings of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any

from runtime.errors import NotInstalled


class Vendor(str, Enum):
    """Whose runtime plans are built for and run by."""

    TENSORRT = "tensorrt"
    RTX = "rtx"

    @property
    def module(self) -> str:
        return "tensorrt_rtx" if self is Vendor.RTX else "tensorrt"

    @property
    def words(self) -> str:
        return "TensorRT for RTX" if self is Vendor.RTX else "TensorRT"


INSTALL = {
    Vendor.TENSORRT: "It comes with JetPack or as NVIDIA's packages; .venv must see them: docs/it.md.",
    Vendor.RTX: "Install it with `make rtx`.",
}


@dataclass(frozen=True, slots=True)
class TensorRt:
    """An imported TensorRT. module: `tensorrt` or `tensorrt_rtx`."""

    vendor: Vendor
    module: Any

    @property
    def version(self) -> str:
        return str(self.module.__version__)

    def __str__(self) -> str:
        return f"{self.vendor.words} {self.version}"


def find_tensorrt(wanted: Vendor | None = None) -> TensorRt:
    """The one that is `wanted`, or the first that can be imported. NotInstalled says what to do."""
    failures = []
    for vendor in [wanted] if wanted else Vendor:
        try:
            return TensorRt(vendor, import_module(vendor.module))
        except (ImportError, OSError) as error:  # OSError: one of its libraries can't be loaded
            failures.append(f"{vendor.words} can't be loaded ({error}). {INSTALL[vendor]}")
    raise NotInstalled(" ".join(failures))
