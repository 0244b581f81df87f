"""Everything that comes from a run folder passes here on its way into the page: escaped, and so without power."""

from __future__ import annotations

import html
import re
from itertools import groupby
from typing import Any

from zth.files import dumps


def escape(value: object) -> str:
    """Text for an element or a quoted attribute.

    >>> escape('<b class="x">')
    '&lt;b class=&quot;x&quot;&gt;'
    """
    return html.escape(str(value))


def markdown(text: str) -> str:
    """Paragraphs, "- " lists, `code` and **bold**; everything else is plain text.

    >>> markdown("Is **it** `x < 1`?")
    '<p>Is <strong>it</strong> <code>x &lt; 1</code>?</p>'
    """
    pieces = []
    for kind, lines in groupby(text.splitlines(), key=_line_kind):
        if kind == "item":
            items = "".join(f"<li>{inline(line.lstrip()[2:])}</li>" for line in lines)
            pieces.append(f"<ul>{items}</ul>")
        elif kind == "text":
            pieces.append(f"<p>{inline(' '.join(line.strip() for line in lines))}</p>")
    return "".join(pieces)


def inline(text: str) -> str:
    """`code` and **bold** in a line; everything else is plain text.

    >>> inline("`x < 1`")
    '<code>x &lt; 1</code>'
    """
    parts = re.split(r"(`[^`]+`)", escape(text))
    return "".join(
        f"<code>{part[1:-1]}</code>" if i % 2 else re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", part)
        for i, part in enumerate(parts)
    )


def plain(text: str) -> str:
    """The same line without its marks, for those who are read to.

    >>> plain("**Is** `x` small?")
    'Is x small?'
    """
    return re.sub(r"`([^`]+)`|\*\*(.+?)\*\*", r"\1\2", text)


def json_block(name: str, value: Any) -> str:
    """A script element that holds data: "<" is escaped, so no text in it can end the element or open another."""
    text = dumps(value, indent=None).replace("<", "\\u003c")
    return f'<script type="application/json" id="{escape(name)}">{text}</script>'


def slug(text: str) -> str:
    """
    >>> slug("measure 2.3 <x>")
    'measure-2.3-x'
    """
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.").lower()[:60] or "run"


def _line_kind(line: str) -> str:
    return "item" if line.lstrip().startswith("- ") else "text" if line.strip() else "gap"
