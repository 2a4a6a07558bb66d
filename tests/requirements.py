"""What tests need that not every machine has, and when they may skip for want of it."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import pytest

from runtime.engines.vendor import TensorRt, Vendor, find_tensorrt

DATA = Path(__file__).parents[2] / "shared" / "data"


def require_data(name: str) -> Path:
    """The path of ../shared/data/`name`; skips the test, or fails it where STROKEBOX_REQUIRE contains 'data'."""
    path = DATA / name
    if path.exists():
        return path
    if "data" in os.environ.get("STROKEBOX_REQUIRE", "").split(","):
        pytest.fail(f"STROKEBOX_REQUIRE=data, but there is no {path}")
    pytest.skip(f"no {path}")


_CAPABILITIES = 1 << 21 | 1 << 19
"""CAP_SYS_ADMIN, to mount, and CAP_SYS_PTRACE, to trace (capabilities(7)): root has both, but not in containers."""


def require_root(*programs: str) -> None:
    """Skips the test without root or one of the programs, or fails it where STROKEBOX_REQUIRE contains 'root'."""
    missing = [name for name in programs if shutil.which(name) is None]
    status = Path("/proc/self/status").read_text()
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    if effective & _CAPABILITIES == _CAPABILITIES and not missing:
        return
    why = f"no {missing[0]}" if missing else "not root, or not with all its rights"
    if "root" in os.environ.get("STROKEBOX_REQUIRE", "").split(","):
        pytest.fail(f"STROKEBOX_REQUIRE=root, but: {why}")
    pytest.skip(why)


def require_rtx() -> TensorRt:
    """TensorRT for RTX, which `make test` installs; skips the test on processors that it isn't made for."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip(f"no TensorRT for RTX on {platform.machine()}")
    return find_tensorrt(Vendor.RTX)
