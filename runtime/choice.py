"""Command line options that take one value of an enumeration of strings, and say which there are."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from enum import Enum
from typing import TypedDict, TypeVar

AnEnum = TypeVar("AnEnum", bound=Enum)


class Choice(TypedDict):
    """What `add_argument` is given."""

    type: Callable[[str], Enum]
    metavar: str


def one_of(choices: type[AnEnum]) -> Choice:
    """For `add_argument(name, **one_of(Plane))`. Help and error name the values; argparse ends with code 2."""
    values = [str(one.value) for one in choices]

    def parsed(word: str) -> AnEnum:
        try:
            return choices(word)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"'{word}' is none of {', '.join(values)}") from error

    return {"type": parsed, "metavar": "|".join(values)}
