"""What of TensorRT's interface a source file uses, held against a listing of one version's bindings.

Types are followed as far as the source tells them: `trt`, and whatever is called `module`, is TensorRT; what its
classes and methods return is in the listing; parameters, results and fields are annotated `trt.X`. What can't be
followed is no loophole: a name that only TensorRT's classes have, on something of unknown type, is a problem, too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODULE = "<module>"
_ALIASES = ("trt", "trt_rtx")
_FOREIGN = re.compile(r"^\w+::I?(\w+)$")


@dataclass(frozen=True, slots=True)
class Type:
    """A class of TensorRT's, or an object of one."""

    name: str
    is_class: bool = False


@dataclass(slots=True)
class Project:
    """What our own sources say: results of functions, types of fields, and every name that they define."""

    results: dict[str, Type] = field(default_factory=dict)
    identities: dict[str, int] = field(default_factory=dict)
    """Functions that return one of their arguments, and which."""
    fields: dict[str, Type] = field(default_factory=dict)
    defined: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, sources: Iterable[str]) -> Project:
        project = cls()
        for source in sources:
            for node in ast.walk(ast.parse(source)):
                project._take(node)
        return project

    def _take(self, node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self.defined.add(node.name)
        if isinstance(node, ast.FunctionDef):
            if (of := annotated(node.returns)) is not None:
                self.results[node.name] = of
            elif isinstance(node.returns, ast.Name) and node.returns.id.startswith("_"):
                parameters = [one for one in node.args.args if one.arg != "self"]
                for number, one in enumerate(parameters):
                    if one.annotation and node.returns.id in ast.unparse(one.annotation).split(" | "):
                        self.identities[node.name] = number
        if isinstance(node, ast.AnnAssign):
            name = node.target.attr if isinstance(node.target, ast.Attribute) else ast.unparse(node.target)
            self.defined.add(name)
            if (of := annotated(node.annotation)) is not None:
                self.fields[name] = of


def annotated(annotation: ast.expr | None) -> Type | None:
    """The class of `trt.X` and `trt.X | None`."""
    if annotation is None:
        return None
    for part in ast.unparse(annotation).strip("'\"").split(" | "):
        alias, _, name = part.partition(".")
        if alias in _ALIASES and name:
            return Type(name)
    return None


class Uses(ast.NodeVisitor):
    """Goes through one file. found: each use as Class.member; problems: what the listing does not have."""

    def __init__(self, file: Path, api: Mapping[str, Any], project: Project) -> None:
        self.found: set[str] = set()
        self.problems: list[str] = []
        self._file, self._api, self._project = file, api, project
        self._fields = dict(project.fields)
        self._scopes: list[dict[str, Type]] = [{alias: Type(MODULE) for alias in _ALIASES}]
        members = {name for members in api["classes"].values() for name in members}
        self._only_tensorrts = {name for name in members if "_" in name.strip("_")} - project.defined
        tree = ast.parse(file.read_text(encoding="utf-8"))
        self._is_tensorrts = any(isinstance(node, ast.Name) and node.id in _ALIASES for node in ast.walk(tree))
        self.visit(tree)  # once for the fields, which methods further up may use
        self.found.clear()
        self.problems.clear()
        self.visit(tree)

    # What is visited ------------------------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        scope = {}
        for argument in (*node.args.args, *node.args.kwonlyargs):
            if argument.arg in _ALIASES:
                scope[argument.arg] = Type(MODULE)
            elif (of := annotated(argument.annotation)) is not None:
                scope[argument.arg] = of
        for annotation in (node.returns, *(argument.annotation for argument in node.args.args)):
            if (of := annotated(annotation)) is not None:
                self._have_class(of.name, node)
        self._scopes.append(scope)
        for part in node.body:
            self.visit(part)
        self._scopes.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            of = self._type(base)
            if of is not None and of.is_class:
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                        self._overrides(of.name, method)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if (of := annotated(node.annotation)) is not None:
            self._have_class(of.name, node)
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        of = self._type(node.value)
        for target in node.targets:
            pairs = [(target, of)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = [(one, self._type(value)) for one, value in zip(target.elts, node.value.elts, strict=True)]
            for one, its in pairs:
                if isinstance(one, ast.Name):
                    self._scopes[-1].pop(one.id, None)
                    if its is not None:
                        self._scopes[-1][one.id] = its
                elif isinstance(one, ast.Attribute) and its is not None:
                    self._fields.setdefault(one.attr, its)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.generic_visit(node)
        if node.attr.startswith("__") and node.attr != "__init__":
            return
        owner = self._type(node.value)
        if owner is None:
            if self._is_tensorrts and node.attr in self._only_tensorrts:
                self._problem(node, f"{node.attr} is TensorRT's, but of what? Annotate {ast.unparse(node.value)}")
            return
        if owner.name == MODULE:
            self._have_class(node.attr, node)
            return
        member = self._member(owner.name, node.attr)
        if member is None:
            self._problem(node, f"there is no {owner.name}.{node.attr}")
            return
        self.found.add(f"{owner.name}.{node.attr}")
        if isinstance(node.ctx, ast.Store) and not member.get("settable"):
            self._problem(node, f"{owner.name}.{node.attr} can't be set")

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        called, signatures = self._called(node)
        if signatures and not any(_fits(node, signature["parameters"], called) for signature in signatures):
            self._problem(node, f"{ast.unparse(node.func)} does not take what it is given: {signatures}")

    # What is known --------------------------------------------------------------------------------------------------

    def _type(self, node: ast.expr) -> Type | None:
        if isinstance(node, ast.Name):
            return next((scope[node.id] for scope in reversed(self._scopes) if node.id in scope), None)
        if isinstance(node, ast.IfExp):
            return self._type(node.body) or self._type(node.orelse)
        if isinstance(node, ast.NamedExpr):
            return self._type(node.value)
        if isinstance(node, ast.Attribute):
            return self._type_of_attribute(node)
        return self._type_of_call(node) if isinstance(node, ast.Call) else None

    def _type_of_attribute(self, node: ast.Attribute) -> Type | None:
        owner = self._type(node.value)
        if owner is None:
            return Type(MODULE) if node.attr == "module" else self._fields.get(node.attr)
        if owner.name == MODULE:
            return Type(node.attr, is_class=True) if node.attr in self._api["classes"] else None
        if owner.is_class and f"{owner.name}.{node.attr}" in self._api["classes"]:
            return Type(f"{owner.name}.{node.attr}", is_class=True)
        member = self._member(owner.name, node.attr) or {}
        return self._known(member.get("returns", ""))

    def _type_of_call(self, node: ast.Call) -> Type | None:
        made = self._type(node.func)
        if made is not None and made.is_class:
            return Type(made.name)
        _, signatures = self._called(node)
        if signatures:
            return self._known(signatures[0]["returns"])
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
        number = self._project.identities.get(name)
        if number is not None and number < len(node.args):
            return self._type(node.args[number])
        return self._project.results.get(name)

    def _called(self, node: ast.Call) -> tuple[str, list[dict[str, Any]]]:
        """The kind of what is called, and its signatures: of a method, or of a class that is made an object of."""
        made = self._type(node.func)
        if made is not None and made.is_class:
            return "class", (self._member(made.name, "__init__") or {}).get("signatures", [])
        if isinstance(node.func, ast.Attribute) and (owner := self._type(node.func.value)) is not None:
            member = self._member(owner.name, node.func.attr) or {}
            return "unbound" if owner.is_class else "method", member.get("signatures", [])
        return "", []

    def _member(self, of: str, name: str) -> dict[str, Any] | None:
        members: Mapping[str, dict[str, Any]] = self._api["classes"].get(of, {})
        return members.get(name)

    def _known(self, name: str) -> Type | None:
        foreign = _FOREIGN.match(name)
        name = foreign.group(1) if foreign else name
        return Type(name) if name in self._api["classes"] else None

    def _have_class(self, name: str, node: ast.AST) -> None:
        if name.split(".")[0] in self._api["names"] and ("." not in name or name in self._api["classes"]):
            self.found.add(name)
        else:
            self._problem(node, f"there is no {name}")

    def _overrides(self, of: str, method: ast.FunctionDef) -> None:
        signatures = (self._member(of, method.name) or {}).get("signatures", [])
        names = [argument.arg for argument in method.args.args][1:]
        if names in [[name for name, _ in signature["parameters"]] for signature in signatures]:
            self.found.add(f"{of}.{method.name}")
        else:
            self._problem(method, f"{of}.{method.name} is never called with {names}: {signatures}")

    def _problem(self, node: ast.AST, what: str) -> None:
        self.problems.append(f"{self._file.name}:{getattr(node, 'lineno', 0)}: {what}")


def _fits(call: ast.Call, parameters: list[tuple[str, bool]], called: str) -> bool:
    """Whether the parameters, (name, is optional), take the arguments; those of a starred one may be any number."""
    arguments = call.args[1:] if called == "unbound" else call.args
    if any(isinstance(one, ast.Starred) for one in arguments) or any(one.arg is None for one in call.keywords):
        return len(arguments) <= len(parameters)
    keywords = {one.arg for one in call.keywords}
    left = parameters[len(arguments) :]
    needed = {name for name, optional in left if not optional}
    return len(arguments) <= len(parameters) and needed <= keywords <= {name for name, _ in left}


def sources(*folders: Path) -> Iterator[Path]:
    """Python files that speak to TensorRT."""
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            if re.search(r"\btrt\b|\btrt_rtx\b|\.module\.", path.read_text(encoding="utf-8")):
                yield path
