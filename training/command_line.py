"""How the workstation's commands begin and end: with all they need, an exit code, and an error in one sentence.

Imports nothing that `make demo` does not install.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from runtime.errors import ConfigurationError, StrokeboxError


@contextmanager
def everything() -> Iterator[None]:
    """For a command's imports. SystemExit, with a sentence, where torch is missing, and all that comes with it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if find_spec("torch") is not None:
            raise
        print(f"{error.name} is not installed: run `make everything` first.", file=sys.stderr)
        sys.exit(ConfigurationError.exit_code)


def carried_out(parser: argparse.ArgumentParser, words: Sequence[str] | None) -> int:
    """Call the `command` that `parser` sets with what it parsed. The exit code is what it returns, if anything, or the
    error's (runtime/errors.py)."""
    arguments = parser.parse_args(words)
    try:
        return arguments.command(arguments) or 0
    except StrokeboxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
