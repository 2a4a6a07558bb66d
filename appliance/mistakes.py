"""What is wrong with a site's settings, one line a mistake: the key, and a sentence that says what would be right.

Knows the kinds of mistakes that pydantic finds, and no setting; reads no file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SENTENCES = {
    "missing": "is missing.",
    "model_type": "must be a section of its own, not {found}.",
    "float_type": "must be a number, not {found}.",
    "float_parsing": "must be a number, not {found}.",
    "greater_than": "must be more than {gt:g}, not {found}.",
    "greater_than_equal": "must be at least {ge:g}, not {found}.",
    "less_than_equal": "must be at most {le:g}, not {found}.",
    "bool_type": "must be true or false, not {found}.",
    "bool_parsing": "must be true or false, not {found}.",
    "path_type": "must be a path in quotes, not {found}.",
    "enum": "must be {expected}, not {found}.",
    "value_error": "{error}.",
}
"""By pydantic's type of error. In braces: what was found, and what pydantic tells of its rule."""


def mistakes(model: type[BaseModel], document: Mapping[str, Any]) -> list[str]:
    """All that keeps `document` from being one of `model`, whose fields may be models themselves; empty if nothing."""
    try:
        model.model_validate(document)
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc']))}: {_sentence(one, model)}" for one in error.errors()]
    return []


def _sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(error["loc"], model)
    sentence = _SENTENCES.get(error["type"], "{msg}.")
    return sentence.format(found=_shown(error["input"]), msg=error["msg"], **error.get("ctx", {}))


def _unknown(path: Sequence[int | str], model: type[BaseModel]) -> str:
    """The key that the last of `path` may have been meant for, or all that there are in its section."""
    *sections, key = map(str, path)
    for section in sections:
        annotation = model.model_fields[section].annotation
        assert isinstance(annotation, type)  # noqa: S101  # only sections have keys
        model = annotation
    keys = list(model.model_fields)
    if meant := get_close_matches(key, keys, n=1):
        return f"there is no such setting; did you mean {meant[0]}?"
    return f"there is no such setting; there are {', '.join(keys)}."


def _shown(value: Any) -> str:
    """As TOML has it."""
    return str(value) if isinstance(value, float) else json.dumps(value, default=str)
