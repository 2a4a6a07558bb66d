"""Root may read whatever a file's mode says, and so sees no unreadable file. Here it is bound by modes for a while."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1 << 1, 1 << 2
_EFFECTIVE = 0
"""Of three 32-bit sets, twice: capget(2)."""


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """For this thread and the block; whoever is not root is bound anyway."""
    libc, header, sets = ctypes.CDLL(None, use_errno=True), (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    before = sets[_EFFECTIVE]
    sets[_EFFECTIVE] = before & ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
    libc.capset(header, sets)
    try:
        yield
    finally:
        sets[_EFFECTIVE] = before
        libc.capset(header, sets)
