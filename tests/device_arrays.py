"""A stand-in for CuPy without a GPU: arrays that are NumPy's inside and as strict as a device's outside.

It offers the functions and arguments of CuPy 14.2 that the runtime uses, and no others: whoever needs one more looks
whether CuPy has it, and adds it here. Nothing crosses from or to the host unseen: NumPy arrays are refused in every
operation, and the number in an array is to be had through `Compute.to_host` alone, which notes what it fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from runtime.closing import PackedClosing
from runtime.compute import Compute
from tests.host_kernels import HostKernel, HostModule


def _binary(ufunc: np.ufunc, *, reflected: bool = False) -> Callable[[DeviceArray, Any], DeviceArray]:
    def operator(self: DeviceArray, other: Any) -> DeviceArray:
        operands = (_inside(other), self.values) if reflected else (self.values, _inside(other))
        return DeviceArray(ufunc(*operands))

    return operator


def _in_place(ufunc: np.ufunc) -> Callable[[DeviceArray, Any], DeviceArray]:
    def operator(self: DeviceArray, other: Any) -> DeviceArray:
        ufunc(self.values, _inside(other), out=self.values, casting="same_kind")
        return self

    return operator


def _refused(self: DeviceArray, *_: object) -> Any:
    raise TypeError("that would fetch from the device in passing: use Compute.to_host")


class DeviceArray:
    """See cupy.ndarray. A reduction gives an array without axes, a slice is a view, as there."""

    __array_ufunc__ = None  # NumPy's own operators leave it to ours

    def __init__(self, values: Any) -> None:
        self.values: NDArray[Any] = np.asarray(values)

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)

    __array__ = __bool__ = __int__ = __float__ = __index__ = __iter__ = _refused

    __add__, __radd__, __iadd__ = _binary(np.add), _binary(np.add, reflected=True), _in_place(np.add)
    __sub__, __rsub__, __isub__ = _binary(np.subtract), _binary(np.subtract, reflected=True), _in_place(np.subtract)
    __mul__, __rmul__, __imul__ = _binary(np.multiply), _binary(np.multiply, reflected=True), _in_place(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.true_divide), _binary(np.true_divide, reflected=True)
    __and__, __iand__ = _binary(np.bitwise_and), _in_place(np.bitwise_and)
    __or__, __ior__ = _binary(np.bitwise_or), _in_place(np.bitwise_or)
    __gt__, __ge__, __lt__, __le__ = map(_binary, (np.greater, np.greater_equal, np.less, np.less_equal))
    __eq__, __ne__ = _binary(np.equal), _binary(np.not_equal)  # type: ignore[assignment]  # arrays compare by element
    __hash__ = None  # type: ignore[assignment]  # as every array's

    def __invert__(self) -> DeviceArray:
        return DeviceArray(~self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> DeviceArray:
        return DeviceArray(self.values[_index(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        index, value = _index(index), _inside(value)
        self.values[index] = value
        if isinstance(index, np.ndarray) and (self.values[index] != value).any():
            raise ValueError("two values for one place: which of them stays is undefined on a device")

    def astype(self, dtype: Any, *, copy: bool = True) -> DeviceArray:
        return DeviceArray(self.values.astype(dtype, copy=copy))

    def transpose(self, axes: Sequence[int]) -> DeviceArray:
        return DeviceArray(self.values.transpose(axes))

    def swapaxes(self, axis1: int, axis2: int) -> DeviceArray:
        return DeviceArray(self.values.swapaxes(axis1, axis2))

    def ravel(self) -> DeviceArray:
        return DeviceArray(self.values.ravel())

    def copy(self) -> DeviceArray:
        return DeviceArray(self.values.copy())

    def min(self) -> DeviceArray:
        return DeviceArray(self.values.min())

    def max(self) -> DeviceArray:
        return DeviceArray(self.values.max())

    def sum(self, axis: Any = None) -> DeviceArray:
        return DeviceArray(self.values.sum(axis=axis))

    def mean(self, dtype: Any = None) -> DeviceArray:
        return DeviceArray(self.values.mean(dtype=dtype))

    def any(self, axis: Any = None) -> DeviceArray:
        return DeviceArray(self.values.any(axis=axis))


def _inside(value: Any) -> Any:
    """What NumPy computes with: the values of a device array, or a number."""
    if isinstance(value, DeviceArray):
        return value.values
    if isinstance(value, bool | int | float | np.generic):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def _index(index: Any) -> Any:
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    if index is None or index is Ellipsis or isinstance(index, slice | int):
        return index
    if isinstance(index, DeviceArray):
        return index.values
    raise TypeError(f"an index of {type(index)} would have to be uploaded")


class _Kernel:
    """See cupy.RawKernel."""

    def __init__(self, kernel: HostKernel) -> None:
        self._kernel = kernel

    def __call__(self, grid: tuple[int], block: tuple[int], arguments: Sequence[Any]) -> None:
        self._kernel(grid, block, [_inside(argument) for argument in arguments])


class RawModule:
    """See cupy.RawModule."""

    def __init__(self, *, code: str) -> None:
        self._module = HostModule(code)

    def get_function(self, name: str) -> _Kernel:
        return _Kernel(self._module.get_function(name))


def asarray(a: Any) -> DeviceArray:
    """The way up: a copy of a NumPy array."""
    return DeviceArray(np.array(a))


def ascontiguousarray(a: DeviceArray) -> DeviceArray:
    return DeviceArray(np.ascontiguousarray(_inside(a)))


def empty(shape: Any, dtype: Any) -> DeviceArray:
    """Full of what nobody should read."""
    array = np.empty(shape, dtype)
    array.view(np.uint8)[...] = 0xA5
    return DeviceArray(array)


def empty_like(prototype: DeviceArray) -> DeviceArray:
    return empty(prototype.shape, prototype.dtype)


def zeros(shape: Any, dtype: Any) -> DeviceArray:
    return DeviceArray(np.zeros(shape, dtype))


def pad(array: DeviceArray, pad_width: Sequence[tuple[int, int]]) -> DeviceArray:
    return DeviceArray(np.pad(_inside(array), pad_width))


def clip(a: DeviceArray, a_min: float, a_max: float, out: DeviceArray) -> DeviceArray:
    np.clip(_inside(a), a_min, a_max, out=_inside(out))
    return out


def where(condition: DeviceArray, x: Any, y: Any) -> DeviceArray:
    return DeviceArray(np.where(_inside(condition), _inside(x), _inside(y)))


def maximum(x1: Any, x2: Any) -> DeviceArray:
    return DeviceArray(np.maximum(_inside(x1), _inside(x2)))


def stack(tup: Sequence[DeviceArray]) -> DeviceArray:
    return DeviceArray(np.stack([_inside(one) for one in tup]))


def flatnonzero(a: DeviceArray) -> DeviceArray:
    return DeviceArray(np.flatnonzero(_inside(a)))


def bincount(x: DeviceArray, weights: DeviceArray | None = None, minlength: int | None = None) -> DeviceArray:
    own = None if weights is None else _inside(weights)
    return DeviceArray(np.bincount(_inside(x), weights=own, minlength=minlength or 0))


def label(input: DeviceArray, structure: NDArray[Any]) -> tuple[DeviceArray, int]:  # noqa: A002  # SciPy's name
    """See cupyx.scipy.ndimage.label, whose structure stays on the host, and is symmetric and 3 voxels wide."""
    if structure.shape != (3,) * input.ndim or not np.array_equal(structure, np.flip(structure)):
        raise ValueError("the structure must be symmetric and 3 voxels wide")
    numbered, count = ndimage.label(_inside(input), structure=structure)
    return DeviceArray(numbered), count


XP = SimpleNamespace(
    **{name: getattr(np, name) for name in ("float32", "float64", "uint8", "uint32", "int64", "intp")},
    RawModule=RawModule,
    asarray=asarray,
    ascontiguousarray=ascontiguousarray,
    bincount=bincount,
    clip=clip,
    empty=empty,
    empty_like=empty_like,
    flatnonzero=flatnonzero,
    maximum=maximum,
    pad=pad,
    stack=stack,
    where=where,
    zeros=zeros,
)
"""As the module `cupy`."""


def device(fetched: list[NDArray[Any]], failures: tuple[type[Exception], ...] = ()) -> Compute:
    """A Compute on it, with the kernels of a GPU; each array that comes back is added to `fetched`."""

    def fetch(array: DeviceArray) -> NDArray[Any]:
        fetched.append(array.values.copy())
        return fetched[-1]

    return Compute("device", XP, SimpleNamespace(label=label), PackedClosing(XP), asarray, fetch, failures)
