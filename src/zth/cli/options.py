"""Config dataclasses as flags: one flag a field, its docstring as the help."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, field, fields, make_dataclass
from typing import Annotated, Any, get_type_hints

from cyclopts import Group, Parameter


def flags(name: str, group: Group, *configs: tuple[type[Any], Mapping[str, Any], Sequence[str]]) -> type[Any]:
    """A dataclass with the fields of several: (config, its defaults where others are wanted, fields to leave out).

    An option of it, `Annotated[..., Parameter(name="*")]`, gives each field a flag. A default of None with the flag
    left out means that the caller decides.
    """
    rows: list[Any] = []
    for config, defaults, hidden in configs:
        hints, docs = get_type_hints(config), field_docs(config)
        for each in fields(config):
            if each.name not in hidden:
                default = defaults.get(each.name, each.default)
                assert default is not MISSING, (config, each.name)
                shown = Parameter(group=group, help=docs.get(each.name, ""))
                rows.append((each.name, Annotated[hints[each.name], shown], field(default=default)))
    made = make_dataclass(name, rows, frozen=True, kw_only=True)
    made.__module__ = __name__  # else it says "types", and cyclopts takes it for one of Python's own
    return made


def field_docs(config: type[Any]) -> dict[str, str]:
    """Field -> the string below it in the source, base classes included.

    >>> from zth.models.mlp import MLPConfig
    >>> field_docs(MLPConfig)["block_size"], field_docs(MLPConfig)["hidden"]
    ('How many characters back it looks.', 'Units in each hidden layer.')
    """
    found: dict[str, str] = {}
    for kind in reversed(config.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        assert isinstance(body, ast.ClassDef), kind
        for row, after in zip(body.body, body.body[1:], strict=False):
            match row, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = " ".join(text.split())
    return found


def flag(name: str) -> str:
    """A field's flag, as people type it.

    >>> flag("block_size")
    '--block-size'
    """
    return "--" + name.replace("_", "-")
