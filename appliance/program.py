"""How a process of ours starts another one: `python -m` would look for modules in the working folder first, which may
be a stick or a share that somebody has put an `appliance` folder on. Python 3.10 has no -P.
"""

from __future__ import annotations

import sys

_RUN = (
    "import sys; sys.path[:] = filter(None, sys.path); import runpy; "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def program_of(module: str) -> tuple[str, ...]:
    """The words that run a module of ours, wherever this process was started; arguments follow."""
    return sys.executable, "-c", _RUN, module
