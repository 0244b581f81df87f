"""`zth draw`: an expression as a picture of its graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from zth.autograd import graph
from zth.autograd.expression import parse
from zth.cli.terminal import JsonOption, out, print_json
from zth.errors import ConfigError
from zth.files import atomic_write


def draw(
    expression: str,
    /,
    *values: str,
    to: Annotated[Path, Parameter(name="--out")] = Path("graph.svg"),
    as_json: JsonOption = False,
) -> int:
    """Draw an expression as a graph, with every value and gradient, coloured by gradient.

    Parameters
    ----------
    expression
        As in "tanh(a*b + c)": + - * / ** and abs cos exp log max relu sigmoid sin sqrt tanh.
    values
        The variables' numbers, as in a=2 b=-3 c=10.
    to
        Where to draw: a file that ends in .svg (a picture) or .dot (Graphviz' language).
    as_json
        Print the value and the gradients as JSON.
    """
    root, variables = parse(expression, dict(map(_assignment, values)))
    root.backward()
    if to.suffix not in (".svg", ".dot"):
        raise ConfigError(f"Cannot draw to {to.name}; known endings are .svg and .dot.", "Try --out graph.svg")
    try:
        atomic_write(to, graph.svg(root, title=expression) if to.suffix == ".svg" else graph.dot(root))
    except OSError as error:
        raise ConfigError(f"Cannot write {to}: {error.strerror}.", "Choose another place with --out.") from error
    if as_json:
        gradients = {name: variable.grad for name, variable in variables.items()}
        print_json({"value": root.data, "gradients": gradients, "file": str(to)})
        return 0
    table = Table("", "value", "gradient", box=None, pad_edge=False)
    for name, variable in variables.items():
        table.add_row(name, f"{variable.data:g}", f"{variable.grad:.6g}")
    table.add_row("result", f"{root.data:.6g}", "1")
    out().print(table)
    out().print("\nBlue: the result rises with it. Orange: it falls. The stronger, the more.")
    out().print(f"[bold]{to}[/]")
    return 0


def _assignment(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        if not name.isidentifier():
            raise ValueError
        return name, float(number)
    except ValueError:
        raise ConfigError(f"{text!r} gives no variable a number.", "Write it as in: a=2") from None
