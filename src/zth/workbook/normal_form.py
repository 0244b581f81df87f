"""A file without what can be changed without changing the program: names, layout, comments, annotations, imports.

Its *normal form* is its syntax tree without docstrings, annotations and imports, with what stands in the stub
taken out, with every name that the file itself binds numbered in the order of its appearance, and with the top-level
statements in an order of their own. Two files of one form are the same program, up to renaming.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar


@dataclass(frozen=True, kw_only=True)
class Form:
    """A file's normal form, as a number, and how much there is of it."""

    digest: str
    nodes: int


def normal_form(source: str, stub: str = "", names: Iterable[str] = ()) -> Form | None:
    """The form of a file; None where it is no Python, or adds nothing to the stub.

    `names` are kept as they are: those that the exercise prescribes.

    >>> one = "def mean(xs):\\n    total = sum(xs)\\n    return total / len(xs)"
    >>> two = "def mean(values):  # mine\\n    s = sum(values)\\n    return s / len(values)"
    >>> normal_form(one, names=["mean"]) == normal_form(two, names=["mean"])
    True
    """
    try:
        kept = set(names)
        theirs = set(_statements(stub, kept)) if stub else set()
        mine = [text for text in _statements(source, kept) if text not in theirs]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if not mine:
        return None
    nodes = sum(text.count("(") for text in mine)  # each node of a dump opens one parenthesis
    return Form(digest=hashlib.sha256("\n".join(sorted(mine)).encode("utf-8", "replace")).hexdigest(), nodes=nodes)


def imports_of_zth(source: str) -> list[str]:
    """The modules of zth that a file imports: an answer from there is the library's, not the student's.

    >>> imports_of_zth("from zth.layers import Linear\\nimport torch")
    ['zth.layers']
    """
    try:
        tree = _parsed(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append(node.module or "")
    return sorted({name for name in found if name.split(".")[0] == "zth"})


def _parsed(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\\d" in a student's text is theirs to worry about
        return ast.parse(source)


def _statements(source: str, kept: set[str]) -> list[str]:
    """The top-level statements in normal form, without imports and docstrings; a class counts member by member.

    A helper is called by what it does: first all are "helper", then each by the form that it has so.
    """
    tree = _parsed(source)
    helpers = dict.fromkeys(_bound(tree.body) - kept, "helper")
    # a class stands for all its members, which a stub may have held: it stays a "helper"
    bound = {each: _bound([each]) for each in tree.body if not isinstance(each, ast.ClassDef)}
    named = [(bound[each], text) for each, text in _forms(tree, kept, helpers) if each in bound]
    for name in helpers:
        if does := [text for names, text in named if name in names]:
            helpers[name] = f"helper{hashlib.sha256(''.join(does).encode('utf-8', 'replace')).hexdigest()[:16]}"
    return [text for _, text in _forms(_parsed(source), kept, helpers)]


def _forms(tree: ast.Module, kept: set[str], helpers: Mapping[str, str]) -> list[tuple[ast.stmt, str]]:
    """Each top-level statement (a class several times), with its form; the tree is used up."""
    modules = _imported(tree)
    roots = {module.split(".")[0] for module in modules.values()}
    methods = {each.name for kind in _walk(tree, ast.ClassDef) for each in kind.body if isinstance(each, _Definition)}
    attributes = {node.attr for node in _walk(tree, ast.Attribute) if isinstance(node.ctx, ast.Store)}
    return [
        (
            statement,
            prefix + ast.dump(_Normal(piece, modules, roots, kept, helpers, attributes, methods).visit(piece)),
        )
        for statement in tree.body
        for prefix, piece in _pieces(statement)
    ]


N = TypeVar("N", bound=ast.AST)


def _walk(tree: ast.AST, kind: type[N]) -> Iterator[N]:
    return (node for node in ast.walk(tree) if isinstance(node, kind))


def _pieces(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """A statement, or a class as its head and its members: so what a stub's class held already can be taken out."""
    if _says_nothing(statement):
        return
    if not isinstance(statement, ast.ClassDef):
        yield "", statement
        return
    members, statement.body = statement.body, [ast.Pass()]
    yield "", statement
    yield from (("member ", member) for member in members if not _says_nothing(member))


def _says_nothing(statement: ast.stmt) -> bool:
    """Whether it is a docstring, an import (names stand as their library's), or `pass`."""
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, (ast.Import, ast.ImportFrom, ast.Pass))


def _imported(tree: ast.AST) -> dict[str, str]:
    """Local name -> what it stands for, as in {"F": "torch.nn.functional"}."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
            found |= {root: root for alias in node.names if not alias.asname and (root := alias.name.split(".")[0])}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _bound(statements: Sequence[ast.stmt]) -> set[str]:
    """The names that a file's top level binds; inside functions other names are bound."""
    found: set[str] = set()
    for statement in statements:
        if isinstance(statement, _Definition):
            found.add(statement.name)
        else:
            found |= _stored(statement)
    return found


def _stored(tree: ast.AST) -> set[str]:
    return {node.id for node in _walk(tree, ast.Name) if isinstance(node.ctx, ast.Store)}


_Definition = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class _Normal(ast.NodeTransformer):
    """One statement in normal form.

    Names bound inside it are numbered, and so are the attributes that the file sets; the file's helpers have the
    names that `helpers` gives them (their order in the file means nothing); a library's names stand as its own.
    """

    def __init__(
        self,
        piece: ast.stmt,
        modules: Mapping[str, str],
        roots: set[str],
        kept: set[str],
        helpers: Mapping[str, str],
        attributes: set[str],
        methods: set[str],
    ) -> None:
        self._modules, self._roots, self._helpers = modules, roots, helpers
        self._inside = _inner_names(piece) - kept - set(helpers)
        self._set, self._methods = attributes, methods
        self._numbers: dict[tuple[str, str], str] = {}

    def _number(self, kind: str, name: str) -> str:
        return self._numbers.setdefault((kind, name), f"{kind}{len(self._numbers)}")

    def _name(self, name: str) -> str:
        if name in self._inside:
            return self._number("_", name)
        return self._helpers.get(name) or self._modules.get(name, name)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(id=self._name(node.id), ctx=ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        value = self.visit(node.value)
        if isinstance(value, ast.Name) and value.id.split(".")[0] in self._roots:
            return ast.Name(id=f"{value.id}.{node.attr}", ctx=ast.Load())  # torch.nn.functional.x is F.x
        attr = self._number("_.", node.attr) if node.attr in self._set else node.attr
        return ast.Attribute(value=value, attr=attr, ctx=ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        called = node.func
        is_theirs = isinstance(called, ast.Name) and (called.id in self._inside or called.id in self._helpers)
        if is_theirs or (isinstance(called, ast.Attribute) and called.attr in self._methods):
            for keyword in node.keywords:
                keyword.arg = "_" if keyword.arg else None  # a parameter of their own
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(arg=self._name(node.arg), annotation=None)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return ast.Pass()
        return self.visit(ast.Assign(targets=[node.target], value=node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._definition(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._definition(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._definition(node)

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.AST:
        node.name = self._name(node.name)
        if not isinstance(node, ast.ClassDef):
            node.returns = None
        node.body = [line for line in node.body if not _says_nothing(line)] or [ast.Pass()]
        return self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = self._name(node.name) if node.name else None
        return self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.AST:
        node.name = self._name(node.name) if node.name else None
        return self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.AST:
        return ast.MatchStar(name=self._name(node.name) if node.name else None)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        node.rest = self._name(node.rest) if node.rest else None
        return self.generic_visit(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        return ast.Nonlocal(names=[self._name(name) for name in node.names])

    def visit_Global(self, node: ast.Global) -> ast.AST:
        return ast.Global(names=[self._name(name) for name in node.names])


def _inner_names(piece: ast.stmt) -> set[str]:
    """The names that are bound anywhere inside a statement: arguments, variables, nested functions."""
    arguments = {node.arg for node in _walk(piece, ast.arg)}
    nested = {node.name for node in ast.walk(piece) if isinstance(node, _Definition) and node is not piece}
    caught = {node.name for node in _walk(piece, ast.ExceptHandler) if node.name}
    matched = {node.name for node in ast.walk(piece) if isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name}
    rest = {node.rest for node in _walk(piece, ast.MatchMapping) if node.rest}
    return _stored(piece) | arguments | nested | caught | matched | rest
