"""How much memory this process may still take for what it does next: a soft limit, above what it has already.

Set in a process that reads what nobody trusts. The hard limit stays where it is, so that the next step can be given
more. What would go beyond becomes a MemoryError.
"""

from __future__ import annotations

import resource
from pathlib import Path

_STATM = Path("/proc/self/statm")
"""Sizes in pages, that of the address space first (proc(5))."""


def allow(more_bytes: int) -> None:
    """From now on at most so much address space beyond what is taken now, and never more than the hard limit."""
    taken = int(_STATM.read_text().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = taken + more_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
