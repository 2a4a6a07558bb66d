"""CUDA kernels without CUDA: the source compiled as C++, its grid walked thread by thread, for tests.

Takes kernels whose threads do not wait for each other, and launches them as CuPy's RawModule does: arrays as pointers,
numbers as NumPy scalars of exactly the parameter's size. What a kernel writes beside its arrays is an error, and so is
a result that depends on what lies beside them.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BEFORE = """
#include <cstddef>
#include <type_traits>
#include <utility>
#define __global__
#define __device__
struct Place { unsigned x, y, z; };
static Place gridDim, blockDim, blockIdx, threadIdx;
#line 1 "kernel"
"""
_AFTER = """
template <typename Parameter> int kind()
{
    using Pointee = typename std::remove_pointer<Parameter>::type;
    return std::is_pointer<Parameter>::value ? -(int)sizeof(Pointee) : (int)sizeof(Parameter);
}
template <typename... Parameters> int describe(void (*)(Parameters...), int* kinds)
{
    const int all[] = {kind<Parameters>()...};
    for (std::size_t i = 0; i < sizeof...(Parameters); i++) kinds[i] = all[i];
    return sizeof...(Parameters);
}
template <typename... Parameters, std::size_t... I>
void thread(void (*kernel)(Parameters...), void** arguments, std::index_sequence<I...>)
{
    kernel(*static_cast<Parameters*>(arguments[I])...);
}
template <typename... Parameters>
void walk(void (*kernel)(Parameters...), const unsigned* grid, const unsigned* block, void** arguments)
{
    gridDim = {grid[0], 1, 1};
    blockDim = {block[0], 1, 1};
    for (blockIdx.x = 0; blockIdx.x < grid[0]; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < block[0]; threadIdx.x++)
            thread(kernel, arguments, std::index_sequence_for<Parameters...>());
}
"""
_LAUNCHER = """
extern "C" int describe_{name}(int* kinds) {{ return describe({name}, kinds); }}
extern "C" void walk_{name}(const unsigned* grid, const unsigned* block, void** arguments)
{{
    walk({name}, grid, block, arguments);
}}
"""
_KERNEL = re.compile(r'extern "C" __global__ void (\w+)\(')
_MOST_PARAMETERS = 16
_MARGIN_BYTES = 4096


class HostModule:
    """One source; see cupy.RawModule."""

    def __init__(self, code: str) -> None:
        self._library = _compiled(code)

    def get_function(self, name: str) -> HostKernel:
        return HostKernel(self._library, name)


class HostKernel:
    """One kernel; see cupy.RawKernel. Arrays must be contiguous: a pointer knows no strides."""

    def __init__(self, library: ctypes.CDLL, name: str) -> None:
        self._name = name
        self._walk = library[f"walk_{name}"]
        kinds = (ctypes.c_int * _MOST_PARAMETERS)()
        self._kinds = kinds[: library[f"describe_{name}"](kinds)]

    def __call__(
        self, grid: tuple[int], block: tuple[int], arguments: Sequence[NDArray[np.generic] | np.generic]
    ) -> None:
        """TypeError where arguments don't fit the parameters; IndexError where the kernel leaves its arrays."""
        given = [-one.itemsize if isinstance(one, np.ndarray) else one.itemsize for one in arguments]
        if given != self._kinds:
            raise TypeError(f"{self._name} takes {self._kinds} (bytes; pointers negative), not {given}")
        results = [self._run(grid, block, arguments, margin) for margin in (0x00, 0xFF)]
        for array, zeros, ones in zip(arguments, *results, strict=True):
            if isinstance(array, np.ndarray):
                if not np.array_equal(zeros, ones):
                    raise IndexError(f"what {self._name} computes depends on what lies beside its arrays")
                array.view(np.uint8).reshape(-1)[:] = zeros

    def _run(
        self,
        grid: tuple[int],
        block: tuple[int],
        arguments: Sequence[NDArray[np.generic] | np.generic],
        margin: int,
    ) -> list[NDArray[np.uint8]]:
        """The bytes of each argument after a run on copies that have `margin` on both sides."""
        copies, pointers = [], (ctypes.c_void_p * len(arguments))()
        places = [ctypes.c_void_p() for _ in arguments]
        for number, argument in enumerate(arguments):
            is_array = isinstance(argument, np.ndarray)
            if isinstance(argument, np.ndarray) and not argument.flags.c_contiguous:
                raise TypeError(f"{self._name} was given an array with strides")
            content = np.frombuffer(argument.tobytes(), np.uint8)
            copy = np.pad(content, _MARGIN_BYTES, constant_values=margin)
            copies.append(copy)
            address = copy.ctypes.data + _MARGIN_BYTES
            places[number].value = address
            # A launch takes the address of each parameter: of the pointer for an array, of the number for a number.
            pointers[number] = ctypes.addressof(places[number]) if is_array else address
        self._walk((ctypes.c_uint * 1)(*grid), (ctypes.c_uint * 1)(*block), pointers)
        for copy in copies:
            if (copy[:_MARGIN_BYTES] != margin).any() or (copy[-_MARGIN_BYTES:] != margin).any():
                raise IndexError(f"{self._name} writes beside its arrays")
        return [copy[_MARGIN_BYTES:-_MARGIN_BYTES] for copy in copies]


@cache
def _compiled(code: str) -> ctypes.CDLL:
    launchers = "".join(_LAUNCHER.format(name=name) for name in _KERNEL.findall(code))
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / f"{hashlib.sha256(code.encode()).hexdigest()}.so"
        flags = ["-std=c++14", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-parentheses", "-shared", "-fPIC"]
        done = subprocess.run(
            ["g++", *flags, "-x", "c++", "-", "-o", library],
            input=_BEFORE + code + _AFTER + launchers,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise ValueError(f"g++ can't compile the kernels:\n{done.stderr}")
        return ctypes.CDLL(str(library))
