"""The driver's library is compiled here, with the signatures of cuda.h."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.engines.gpu import Gpu, find_gpu
from runtime.errors import EngineError
from tests.compiled import shared_library

DRIVER = """
#include <stddef.h>
#include <string.h>
int cuInit(unsigned int flags) { return flags ? 1 : %(init)s; }
int cuDriverGetVersion(int *version) { *version = 13020; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = 40 + ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    if (device != 40) return 101;
    strncpy(name, "Orin (nvgpu)", length);
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    if (device != 40) return 101;
    *value = attribute == 75 ? 8 : attribute == 76 ? 7 : attribute == 18 ? 1 : -1;
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    if (device != 40) return 101;
    *bytes = (size_t)8 << 30;
    return 0;
}
"""


def test_the_driver_is_asked_for_name_capability_and_versions(tmp_path: Path) -> None:
    library = shared_library(DRIVER % {"init": 0}, tmp_path / "libcuda.so.1")
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  540.4.0  Release Build\n"
    )
    gpu = find_gpu(str(library), tmp_path / "version")
    assert gpu == Gpu("Orin (nvgpu)", "8.7", "540.4.0", "13.2", memory=8 << 30, shares_memory=True)
    assert str(gpu) == "Orin (nvgpu) (compute capability 8.7)"
    assert find_gpu(str(library), tmp_path / "nowhere").driver == "13020"


def test_without_a_driver_or_a_gpu_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no NVIDIA driver"):
        find_gpu(str(tmp_path / "libcuda.so.1"))
    library = shared_library(DRIVER % {"init": 100}, tmp_path / "libcuda-100.so.1")  # CUDA_ERROR_NO_DEVICE
    with pytest.raises(EngineError, match=r"no GPU .*cuInit: CUDA error 100"):
        find_gpu(str(library))
