"""The graph behind a Value, drawn: as DOT text, and as SVG.

Each Value is a box with its label, data and grad; each operation is a small round box before the one that it made.
A box is coloured by its gradient: blue where the root rises with it, orange where it falls, the stronger the more.
Graphviz (inside the package pygraphviz, so no program need be installed) only finds the places. The drawing is ours,
so it is the same on every machine whatever its fonts, and takes its colours from the page around it.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from html import escape
from typing import NamedTuple

from zth.autograd.plots import BLUE, ORANGE
from zth.autograd.value import Value
from zth.errors import ConfigError, MissingPartError
from zth.texts import say

LIMIT = 300
"""Values in a picture, unless asked for more: beyond that nobody can read it, and the layout takes long."""

_FONT = 11  # px
_CHARACTER = 0.62 * _FONT  # a monospaced character is 0.6 em wide, with a little to spare
_HEIGHT, _MARGIN = 26, 8


def dot(root: Value, *, limit: int = LIMIT) -> str:
    """The graph in Graphviz's own language, for any tool that reads it. Raises ConfigError above `limit` Values.

    >>> print(dot(Value(2.0, label="x") * 3))
    digraph {
      rankdir=LR
      n0 [shape=box label="x | data 2 | grad 0"]
      n1 [shape=box label="data 3 | grad 0"]
      n2 [shape=box label="data 6 | grad 0"]
      n2_op [shape=ellipse label="*"]
      n0 -> n2_op
      n1 -> n2_op
      n2_op -> n2
    }
    """
    picture = _picture(root, limit)
    lines = [f"  {box.name} [{_dot_look(box)}]" for box in picture.boxes]
    return "\n".join(["digraph {", "  rankdir=LR", *lines, *(f"  {a} -> {b}" for a, b in picture.edges), "}"])


def svg(root: Value, *, title: str = "", down: bool = False, limit: int = LIMIT) -> str:
    """The graph as one <svg> element to stand in an HTML page or, as it is, in a file. `title` is read aloud.

    It runs from left to right as in the lecture, or `down` the page, which keeps a long graph narrow.
    Raises ConfigError above `limit` Values, and MissingPartError where pygraphviz is not installed.
    """
    picture = _picture(root, limit)
    layout = _layout(picture, "TB" if down else "LR")
    title = escape(_printable(title or f"graph of {root.label or 'a value'}"))
    boxes = {box.name: box for box in picture.boxes}
    width, height = f"{layout.width:.0f}", f"{layout.height:.0f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" role="img" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="ui-monospace, monospace" font-size="{_FONT}" '
            'text-anchor="middle" fill="currentColor" stroke="none">',
            f"<title>{title}</title>",
            *(_edge(points) for points in layout.edges),
            *(_box(boxes[name], x, y) for name, x, y in layout.places),
            "</svg>",
        ]
    )


class _Box(NamedTuple):
    """A node of the picture: a Value, whose texts are its label (if any), data and grad; or an op's symbol."""

    name: str
    shape: str
    texts: tuple[str, ...]
    shade: float
    """From 0 to 1: how much of the colour is seen."""
    colour: str = "currentColor"
    stroke: float = 1.0

    @property
    def width(self) -> float:
        return max(_HEIGHT, sum(map(_cell_width, self.texts)))


class _Picture(NamedTuple):
    boxes: list[_Box]
    edges: list[tuple[str, str]]


class _Layout(NamedTuple):
    """Sizes and places in px, y downwards; an edge is the control points of its cubic Bézier pieces."""

    width: float
    height: float
    places: list[tuple[str, float, float]]
    edges: list[list[tuple[float, float]]]


def _picture(root: Value, limit: int) -> _Picture:
    boxes: list[_Box] = []
    edges: list[tuple[str, str]] = []
    names: dict[Value, str] = {}
    nodes = _operands_first(root, limit)
    largest = max((abs(node.grad) for node in nodes if math.isfinite(node.grad)), default=0.0)
    for node in nodes:
        name = names[node] = f"n{len(names)}"
        texts = (f"data {node.data:.4g}", f"grad {node.grad:.4g}")
        label = (_printable(node.label),) if node.label else ()
        is_leaf = node.op is None
        look = _tint(node.grad, largest) or (0.1 if is_leaf else 0.0, "currentColor")
        boxes.append(_Box(name, "box", (*label, *texts), *look, 2.0 if is_leaf else 1.0))
        if node.op is not None:
            boxes.append(_Box(f"{name}_op", "ellipse", (node.op.symbol,), 0.15))
            edges += [(names[operand], f"{name}_op") for operand in node.operands]
            edges.append((f"{name}_op", name))
    return _Picture(boxes, edges)


def _tint(grad: float, largest: float) -> tuple[float, str] | None:
    """How strong, and which colour; None for a gradient of 0. By the root of its share: a hundredth is seen, too."""
    if grad == 0 or math.isnan(grad):
        return None
    share = min(1.0, abs(grad) / largest) if largest else 1.0
    return 0.08 + 0.5 * share**0.5, BLUE if grad > 0 else ORANGE


def _operands_first(root: Value, limit: int) -> Collection[Value]:
    """Every node once, after its operands, in an order that depends on the graph alone."""
    done: dict[Value, None] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        waiting = [operand for operand in node.operands if operand not in done]
        if waiting:
            stack.append(waiting[0])
        else:
            done[stack.pop()] = None
        if len(done) + len(stack) > limit:  # those on the stack are further nodes
            raise ConfigError(
                say("The graph has more than {limit} values.", limit=limit),
                say("Draw a part of it, such as one neuron's output, or pass limit={more}.", more=10 * limit),
            )
    return done


def _layout(picture: _Picture, direction: str) -> _Layout:
    """Ask Graphviz for places. It gets sizes and no text, so it never looks for a font."""
    try:
        import pygraphviz
    except ImportError as error:
        raise MissingPartError(
            say("Drawing a graph as SVG needs pygraphviz ({why}).", why=error),
            say("pip install pygraphviz; or use graph.dot()."),
        ) from error
    size = f"height={_HEIGHT / 72}"
    nodes = [f"{box.name} [shape={box.shape} width={box.width / 72} {size}]" for box in picture.boxes]
    edges = [f"{a} -> {b}" for a, b in picture.edges]
    head = (
        f'graph [rankdir={direction} nodesep=0.15 ranksep=0.3] node [label="" fixedsize=true] edge [arrowhead=none]'
    )
    text = pygraphviz.AGraph(string="\n".join(["digraph {", head, *nodes, *edges, "}"])).draw(
        format="plain", prog="dot"
    )
    return _read_plain(text.decode())


def _read_plain(text: str) -> _Layout:
    """Graphviz's plain format: inches, y upwards -> px, y downwards, with a margin."""
    rows = [line.split() for line in text.splitlines()]
    _, _, wide, high = rows[0]

    def place(x: str, y: str) -> tuple[float, float]:
        return float(x) * 72 + _MARGIN, (float(high) - float(y)) * 72 + _MARGIN

    places = [(row[1], *place(row[2], row[3])) for row in rows if row[0] == "node"]
    edges = []
    for row in rows:
        if row[0] == "edge":
            numbers = row[4 : 4 + 2 * int(row[3])]
            edges.append([place(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)])
    return _Layout(float(wide) * 72 + 2 * _MARGIN, float(high) * 72 + 2 * _MARGIN, places, edges)


def _edge(points: list[tuple[float, float]]) -> str:
    """A line with a small head, turned as its last piece runs."""
    start, *rest = (f"{x:.1f},{y:.1f}" for x, y in points)
    (x0, y0), (x, y) = points[-2], points[-1]
    length = max(1e-9, ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5)
    dx, dy = 6 * (x - x0) / length, 6 * (y - y0) / length
    corners = ((x, y), (x - dx - dy / 2, y - dy + dx / 2), (x - dx + dy / 2, y - dy - dx / 2))
    head = f"M{'L'.join(f'{cx:.1f},{cy:.1f}' for cx, cy in corners)}Z"
    line = f'<path d="M{start}C{" ".join(rest)}" fill="none" stroke="currentColor" stroke-opacity="0.6"/>'
    return f'{line}<path d="{head}" fill-opacity="0.6"/>'


def _box(box: _Box, x: float, y: float) -> str:
    """The cells around (x, y); rounder for an op, with a thick frame for a leaf."""
    left, top = x - box.width / 2, y - _HEIGHT / 2
    radius = 4 if box.shape == "box" else _HEIGHT / 2
    colour = "" if box.colour == "currentColor" else f'fill="{box.colour}" '
    stroke = "" if box.stroke == 1 else f' stroke-width="{box.stroke:g}"'
    parts = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{_HEIGHT}" rx="{radius:g}" '
        f'{colour}fill-opacity="{box.shade:.2g}" stroke="currentColor"{stroke}/>'
    ]
    left = x - sum(map(_cell_width, box.texts)) / 2
    for i, text in enumerate(box.texts):
        if i:
            parts.append(f'<path d="M{left:.1f},{top:.1f}v{_HEIGHT}" stroke="currentColor" stroke-opacity="0.4"/>')
        middle = left + _cell_width(text) / 2
        parts.append(f'<text x="{middle:.1f}" y="{y + 0.35 * _FONT:.1f}">{escape(text)}</text>')
        left += _cell_width(text)
    return "".join(parts)


def _cell_width(text: str) -> float:
    return (len(text) + 2) * _CHARACTER


def _printable(text: str) -> str:
    """One line of at most 30 characters that any reader of DOT or XML accepts."""
    text = "".join(c if c.isprintable() else "�" for c in text)
    return text if len(text) <= 30 else text[:29] + "…"


def _dot_look(box: _Box) -> str:
    """As attributes; a colour's last two digits are its opacity."""
    tinted = box.colour != "currentColor"
    colour = f' style=filled fillcolor="{box.colour}{round(255 * box.shade):02x}"' if tinted else ""
    return f'shape={box.shape}{colour} label="{_dot_text(" | ".join(box.texts))}"'


def _dot_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
