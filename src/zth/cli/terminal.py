"""Where the commands speak: one console, one way to print JSON. rich honours NO_COLOR, pipes and narrow terminals."""

from __future__ import annotations

import codecs
import sys
from functools import cache
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from zth.files import dumps


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would exit with code 1; our main knows that a reader may have had enough


@cache
def out() -> Console:
    """The console on standard output, for results."""
    return _Console(highlight=False)


@cache
def err() -> Console:
    """The console on standard error, for progress and errors, so that a pipe carries results alone."""
    return _Console(stderr=True, highlight=False)


_PLAIN = dict(zip("─━│▌↓↑●○◐·•…✓✗↳→×−–—’“”\xa0", '--||v^*o%.*~+x>>x---\'"" ', strict=True))


def plainly(error: UnicodeError) -> tuple[str, int]:
    """What a terminal gets for the signs that its encoding lacks: as wide, so that a table stays one; "\\u..." else.

    Registered as "plainly" with `codecs`.

    >>> "── ● 1.1 ✓".encode("ascii", "plainly")
    b'-- * 1.1 +'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in signs), error.end


codecs.register_error("plainly", plainly)

JsonOption = Annotated[bool, Parameter(name="--json", negative="")]
"""Print JSON instead of what people read."""


def print_json(value: Any) -> None:
    """One JSON document on standard output, without colour, so that another program can read it."""
    sys.stdout.write(dumps(value) + "\n")
