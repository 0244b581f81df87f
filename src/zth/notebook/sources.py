"""What was judged, as text: so that to look at the stubs is no try, and the same cells run again are one."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FunctionType

from zth.notebook.names import Names
from zth.workbook.exercise import Exercise


def text_of(objects: Names) -> str | None:
    """The objects by name, as they were written; None where that is not known, as at Python's own prompt."""
    texts = {name: _source(thing) for name, thing in sorted(objects.items())}
    return None if None in texts.values() else "\n".join(f"{name}: {text}" for name, text in texts.items())


def is_begun(exercise: Exercise, objects: Names) -> bool:
    """Whether one of them is more than the stub has, whatever the language of the stub.

    >>> from zth.workbook.exercise import get
    >>> is_begun(get("2.5"), {}), is_begun(get("2.5"), {"cross_entropy": max})
    (False, True)
    """
    stubs = [_definitions(stub.read_text(encoding="utf-8")) for stub in exercise.stubs]
    return any(not _is_one_of(_source(thing), [stub.get(name) for stub in stubs]) for name, thing in objects.items())


def _is_one_of(source: str | None, stubs: list[str | None]) -> bool:
    return source is not None and source in stubs


def _definitions(source: str) -> dict[str, str]:
    """The functions and classes of a file, each as `_source` gives it."""
    nodes = ast.parse(source).body
    return {node.name: _plain(node) for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _plain(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Without comments; of a class its methods, since a notebook does not know where the rest of it stands."""
    methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
    return "\n".join(map(ast.unparse, methods)) if isinstance(node, ast.ClassDef) else ast.unparse(node)


def _source(thing: object) -> str | None:
    if isinstance(thing, type):
        methods = [_source(each) for each in vars(thing).values() if isinstance(each, FunctionType)]
        return None if None in methods else "\n".join(filter(None, methods))
    if not inspect.isroutine(thing):
        return _repr(thing)
    try:
        source = textwrap.dedent(inspect.getsource(thing))
    except TypeError:  # written in C
        return _repr(thing)
    except OSError:
        return None
    try:
        node = ast.parse(source).body[0]
    except (SyntaxError, IndexError):  # a lambda in the middle of something
        return source
    return _plain(node) if isinstance(node, ast.FunctionDef) else source


def _repr(thing: object) -> str | None:
    try:
        return repr(thing)
    except Exception:  # the learner's own __repr__
        return None
