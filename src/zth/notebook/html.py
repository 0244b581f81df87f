"""HTML that looks at home in any notebook: no script, no style sheet, the page's own colours and fonts.

Whatever a learner's code gave or printed goes through `text`, which leaves nothing of it that is markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from zth.texts import printable

COLOURS = {"good": "#2e9e5b", "bad": "#d64545", "open": "#c98a12"}
"""Of a lightness that can be read on white and on black."""
_DIM = "opacity:0.65"


def text(value: str) -> str:
    r"""Anything as the text of an element: no tags, no quotes, no character that cannot be seen.

    >>> print(text('<b onclick="x">\x1b[31m'))
    &lt;b onclick=&quot;x&quot;&gt;\x1b[31m
    """
    return escape(printable(value), quote=True)


def block(inner: Iterable[str], *, colour: str) -> str:
    """All of one answer, with a bar of its colour at the left."""
    style = f"border-left:4px solid {COLOURS[colour]};padding:2px 0 2px 12px;margin:4px 0;line-height:1.5"
    return f'<div style="{style}">{"".join(inner)}</div>'


def heading(title: str, aside: str = "") -> str:
    side = f' <span style="{_DIM};font-weight:normal">{text(aside)}</span>' if aside else ""
    return f'<div style="font-weight:bold">{text(title)}{side}</div>'


def paragraph(words: str, *, dim: bool = False, strong: bool = False) -> str:
    style = ";".join([*([_DIM] if dim else []), *(["font-weight:bold"] if strong else [])])
    return f'<div style="margin-top:6px;{style}">{code_marked(words)}</div>'


def code_marked(words: str) -> str:
    """Words in which `this` is code.

    >>> code_marked("try `a < b` first")
    'try <code>a &lt; b</code> first'
    """
    pieces = text(words).split("`")
    if len(pieces) % 2 == 0:  # a backquote without its partner is one of the learner's
        return text(words)
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


def preformatted(words: str) -> str:
    style = "margin:4px 0 0 0;padding:0;background:none;color:inherit;white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<pre style="{style}">{text(words)}</pre>'


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Labels and what they stand for; both are HTML already."""
    plain = "border:none;background:none"
    cell = f"{plain};text-align:left;vertical-align:top;padding:0 14px 0 0"
    lines = [f'<tr style="{plain}"><td style="{cell}">{a}</td><td style="{cell}">{b}</td></tr>' for a, b in rows]
    style = f"{plain};margin:6px 0 0 0;border-collapse:collapse;color:inherit"
    return f'<table style="{style}">{"".join(lines)}</table>'


def mark(sign: str, colour: str) -> str:
    style = f"color:{COLOURS[colour]}" if colour else _DIM
    return f'<span style="{style};font-weight:bold">{text(sign)}</span>'


def dim(words: str) -> str:
    return f'<span style="{_DIM}">{text(words)}</span>'


def monospaced(words: str) -> str:
    return f'<span style="font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere">{text(words)}</span>'


def folded(summary: str, inner: str) -> str:
    head = f'<summary style="{_DIM};cursor:pointer">{text(summary)}</summary>'
    return f'<details style="margin-top:6px">{head}{inner}</details>'
