"""Lists what a TensorRT's bindings offer, as JSON: run in a process of its own, since it loads one of several versions.

    python -m tests.bindings.listing MODULE

Every class with its members; of methods the signatures, and of properties the type and whether they can be set, as
pybind11 writes them into docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from importlib import import_module
from typing import Any

_PREFIX = re.compile(r"\btensorrt(_rtx)?_bindings\.tensorrt(_rtx)?\.")
_SIGNATURE = re.compile(r"^(?:\d+\. )?\w*\((?P<parameters>.*)\) -> (?P<returns>.*)$")


def listing(module: Any) -> dict[str, Any]:
    """names: of the module; classes: by their names there, nested ones as Outer.Inner."""
    classes: dict[str, Any] = {}
    for name, value in vars(module).items():
        if inspect.isclass(value):
            _list_class(name, value, classes)
    return {"version": module.__version__, "names": sorted(dir(module)), "classes": classes}


def _list_class(name: str, of: type, into: dict[str, Any]) -> None:
    members = {member: _member(of, member) for member in dir(of) if member == "__init__" or not member.startswith("__")}
    into[name] = members
    for member in members:
        value = getattr(of, member)
        if inspect.isclass(value) and f"{name}.{member}" not in into and value is not of:
            _list_class(f"{name}.{member}", value, into)


def _member(of: type, member: str) -> dict[str, Any]:
    static = inspect.getattr_static(of, member)
    if isinstance(static, property):
        getter = static.fget.__doc__ if static.fget else ""
        of_getter = _signatures(getter or "")
        returns = of_getter[0]["returns"] if of_getter else ""
        return {"kind": "property", "returns": returns, "settable": static.fset is not None}
    value = getattr(of, member)
    if isinstance(value, of):  # of an enumeration
        return {"kind": "value", "returns": of.__qualname__}
    if callable(value) and not inspect.isclass(value):
        return {"kind": "method", "signatures": _signatures(value.__doc__ or "")}
    return {"kind": "value", "returns": _PREFIX.sub("", f"{type(value).__module__}.{type(value).__qualname__}")}


def _signatures(docstring: str) -> list[dict[str, Any]]:
    """[{parameters: [[name, is optional]], returns}], without self; those of all overloads."""
    lines = [line.strip() for line in docstring.splitlines()]
    found = [match for line in lines if (match := _SIGNATURE.match(line))]
    if len(found) > 1:
        found = [match for match in found if "*args, **kwargs" not in match["parameters"]]
    return [
        {"parameters": _parameters(match["parameters"]), "returns": _PREFIX.sub("", match["returns"])}
        for match in found
    ]


def _parameters(text: str) -> list[tuple[str, bool]]:
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "[(<{") - (sign in "])>}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    named = [(part.split(":")[0].split("=")[0].strip(), "=" in part) for part in parts if part.strip()]
    return [(name, optional) for name, optional in named if name not in ("self", "arg0")]


if __name__ == "__main__":
    json.dump(listing(import_module(sys.argv[1])), sys.stdout)
