from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from runtime.closing import LARGEST_RADIUS, PackedClosing
from runtime.morphology import close_packed
from tests.device_arrays import XP, asarray
from tests.host_kernels import HostModule

ROOT = Path(__file__).parents[2]
CAPABILITIES = ("75", "80", "87", "90", "110", "120")
"""Of GPUs: Turing, Ampere, Orin, Hopper, Thor, RTX 50."""


def closed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """By the kernels that a GPU gets, on the processor."""
    values: NDArray[np.bool_] = PackedClosing(XP)(asarray(mask), radius).values
    return values


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 12), st.integers(1, 16), st.integers(1, 140)),
    st.integers(0, 20),
)
@example(1, (2, 3, 32), 3)
@example(2, (2, 3, 64), 20)
@example(3, (9, 11, 97), 3)
def test_equals_the_cpu_to_the_bit(seed: int, shape: tuple[int, int, int], radius: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(shape) < rng.choice([0.003, 0.03, 0.3, 0.97])
    assert np.array_equal(closed(mask, radius), close_packed(mask, radius))


@pytest.mark.parametrize("width", [1, 31, 32, 33, 63, 64, 65, 96, 100])
@pytest.mark.parametrize("radius", [1, 3, LARGEST_RADIUS])
def test_any_width_and_volumes_smaller_than_the_ball(width: int, radius: int) -> None:
    mask = np.random.default_rng(width).random((4, 5, width)) < 0.05
    assert np.array_equal(closed(mask, radius), close_packed(mask, radius))


def test_full_empty_and_no_voxels() -> None:
    for mask in (np.ones((5, 6, 70), bool), np.zeros((5, 6, 70), bool), np.zeros((0, 6, 70), bool)):
        assert np.array_equal(closed(mask, 3), mask)


def test_a_mask_with_strides() -> None:
    mask = np.random.default_rng(0).random((40, 6, 5)) < 0.1
    device = asarray(mask).transpose([2, 1, 0])
    assert np.array_equal(PackedClosing(XP)(device, 2).values, close_packed(mask.transpose(2, 1, 0), 2))


def test_the_mask_given_is_left_as_it_is() -> None:
    mask = np.random.default_rng(0).random((5, 6, 40)) < 0.2
    given = asarray(mask)
    for radius in (0, 3):
        PackedClosing(XP)(given, radius).values[...] = False
        assert np.array_equal(given.values, mask)


def test_a_run_must_not_leave_the_neighbouring_words() -> None:
    with pytest.raises(ValueError, match="0 to 31"):
        PackedClosing(XP)(asarray(np.zeros((1, 1, 1), bool)), 32)


def test_what_runs_the_kernels_here_sees_what_they_do_wrong() -> None:
    module = HostModule(
        'extern "C" __global__ void beside(unsigned char* bytes) { bytes[4] = 1; }\n'
        'extern "C" __global__ void peeking(unsigned char* bytes) { bytes[0] = bytes[-1]; }\n'
        'extern "C" __global__ void counted(unsigned char* bytes, long long count) { bytes[0] = count; }\n'
    )
    array = np.zeros(4, np.uint8)
    with pytest.raises(IndexError, match="writes beside"):
        module.get_function("beside")((1,), (1,), [array])
    with pytest.raises(IndexError, match="depends on what lies beside"):
        module.get_function("peeking")((1,), (1,), [array])
    with pytest.raises(TypeError, match=r"not \[-1, 4\]"):
        module.get_function("counted")((1,), (1,), [array, np.int32(3)])
    module.get_function("counted")((1,), (1,), [array, np.int64(3)])
    assert array.tolist() == [3, 0, 0, 0]


def test_nvidias_own_compiler_takes_the_kernels() -> None:
    """NVRTC, which needs no GPU, comes with PyTorch for CUDA; there is none for other builds.

    In a process of its own: beside the libraries that PyTorch has loaded it can crash.
    """
    torch = find_spec("torch")
    if torch is None or torch.origin is None:
        pytest.skip("no PyTorch")
    found = sorted(Path(torch.origin).parents[1].glob("nvidia/*/lib/libnvrtc.so.*"))
    if not found:
        pytest.skip("this PyTorch brings no NVRTC")
    command = [sys.executable, "-m", "tests.nvrtc", str(found[0]), *CAPABILITIES]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(found[0].parent)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sizes = [int(line) for line in done.stdout.splitlines()]
    assert len(sizes) == len(CAPABILITIES)
    assert min(sizes) > 1000
