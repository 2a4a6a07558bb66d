"""Recipes from configuration files: TOML, checked whole, with every mistake at once and the key that it is at.

A file says what the runs of all planes and seeds share; what differs from the paper's recipe is enough. A table named
`axial`, `coronal` or `sagittal` holds what is that plane's own. What tells one run from another is given beside the
file (`GIVEN`), and is refused in it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runtime.errors import ConfigurationError
from runtime.planes import Plane
from training.config import Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GIVEN = {
    "plane": "--plane",
    "seed": "--seed",
    "fold": "--fold",
    "continues": "--bundle or --start",
    "pretrained": "--pretrained",
}
"""Keys of a recipe that no file holds, and the option that each comes from."""


def load_recipe(path: Path, given: Mapping[str, Any]) -> Recipe:
    """The recipe of one run: the file's settings, its table for the plane, and `given`, which has the keys of GIVEN.

    ConfigurationError with one line for each mistake.
    """
    document = _document(path)
    tables = {plane.value: document.pop(plane.value, {}) for plane in Plane}
    if wrong := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise ConfigurationError(f"{path}: {', '.join(wrong)} must be tables of settings.")
    settings = {**document, **tables[Plane(given["plane"]).value]}
    mistakes = [f"  {key}: is given by {GIVEN[key]}, not here" for key in GIVEN if key in settings]
    if not mistakes:
        try:
            return Recipe.from_json({**settings, **given})
        except ValidationError as error:
            mistakes = [f"  {_at(one['loc'])}{_words(one['type'], one['msg'])}" for one in error.errors()]
    raise ConfigurationError("\n".join([f"The configuration {path} has mistakes:", *mistakes]))


def _document(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"The configuration {path} can't be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The configuration {path} is not TOML: {error}.") from error
    return document


def _at(location: tuple[int | str, ...]) -> str:
    return f"{'.'.join(map(str, location))}: " if location else ""


def _words(kind: str, message: str) -> str:
    words = {"unexpected_keyword_argument": "there is no such setting", "missing": "is missing"}
    return words.get(kind, message.removeprefix("Value error, "))
