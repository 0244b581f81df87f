"""Config dataclasses as flags: one flag a field, its docstring as the help.

Which flags `zth train` and `zth tune` have depends on the model: so --model is read first (`family_of`), and the rest
by an inner command that is made for it (`run_inner`).
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, field, fields, make_dataclass
from typing import Annotated, Any, get_type_hints

import cyclopts
from cyclopts import App, Group, Parameter

from zth.cli.help import CompactHelp
from zth.cli.terminal import err
from zth.errors import ConfigError, did_you_mean
from zth.models.protocol import trainable

MODEL_HELP = f"One of {', '.join(trainable())}. Left out: the mlp for a text of lines, the gpt for one long text."


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


def value_of(tokens: Sequence[str], name: str) -> str | None:
    """What a flag is given, before anything else is read; None where it is left out.

    >>> value_of(["names", "--model=gru"], "--model"), value_of(["--model"], "--model"), value_of([], "--model")
    ('gru', '', None)
    """
    found = None
    for token, after in zip(tokens, [*tokens[1:], ""], strict=False):  # with no token, none after it
        if token == name:
            found = after
        elif token.startswith(f"{name}="):
            found = token.removeprefix(f"{name}=")
    return found


def first_argument(tokens: Sequence[str], switches: Sequence[str]) -> str | None:
    """The first token that is neither a flag nor the value of one; `switches` are the flags that take no value.

    >>> first_argument(["--lr", "0.1", "--json", "my.txt"], ["--json"]), first_argument(["--lr", "0.1"], [])
    ('my.txt', None)
    """
    before = ""
    for token in tokens:
        takes_value = before.startswith("--") and "=" not in before and before not in switches
        if not token.startswith("-") and not takes_value:
            return token
        before = token
    return None


def family_of(tokens: Sequence[str], verb: str, default: str = "mlp") -> str:
    """What --model names, before anything else is read. Raises ConfigError for an unknown one.

    >>> family_of(["names", "--model=gru"], "train"), family_of([], "train")
    ('gru', 'mlp')
    """
    named = value_of(tokens, "--model")
    family = default if named is None else named
    if family not in trainable():
        raise ConfigError(f"There is no model {family!r} to {verb}.", did_you_mean(family, trainable()))
    return family


def run_inner(
    name: str,
    what: str,
    examples: str,
    command: Callable[..., int],
    tokens: Sequence[str],
    wrong: Callable[[cyclopts.CycloptsError], ConfigError],
) -> int:
    """Run `command` as "zth name" with `tokens`; `wrong` says in our words what cyclopts could not make sense of."""
    inner = App(
        name=f"zth {name}",
        help=what,
        help_format="plaintext",
        help_formatter=CompactHelp(),
        help_epilogue=examples,
        version_flags=[],
        suppress_keyboard_interrupt=False,
    )
    inner["--help"].show = False
    inner.default(command)
    try:
        result = inner(
            list(tokens), exit_on_error=False, print_error=False, result_action="return_value", error_console=err()
        )
    except cyclopts.CycloptsError as error:
        raise wrong(error) from error
    return result if isinstance(result, int) else 0
