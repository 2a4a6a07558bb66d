"""How the workstation's commands end: with an exit code, and an error in one sentence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from runtime.errors import StrokeboxError


def carried_out(parser: argparse.ArgumentParser, words: Sequence[str] | None) -> int:
    """Call the `command` that `parser` sets with what it parsed. The exit code is the error's (runtime/errors.py)."""
    arguments = parser.parse_args(words)
    try:
        arguments.command(arguments)
    except StrokeboxError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0
