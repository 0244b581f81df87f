"""Pictures of what the lectures build: the graph behind a value, and where a GPT's heads look."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from zth.autograd import graph
from zth.autograd.value import Value
from zth.errors import ConfigError
from zth.notebook.result import Picture
from zth.texts import say

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_LECTURE = "data", "grad", "_prev"
"""What a Value has that was written along with lecture 1."""


def picture(thing: Any, ids: Any, characters: Sequence[str], *, down: bool, limit: int) -> Picture | Figure:
    """Raises ConfigError for what cannot be drawn."""
    if isinstance(thing, Value):
        return _graph(thing, down, limit)
    if all(hasattr(thing, name) for name in _LECTURE):
        return _graph(cast(Value, _Seen(thing, {})), down, limit)
    if getattr(thing, "family", "") == "gpt":
        return _attention(thing, ids, characters)
    raise ConfigError(
        say("draw cannot draw a {type}.", type=type(thing).__name__),
        say("It draws a Value of lecture 1, zth's or your own, and a GPT's attention: draw(model, ids, characters)."),
    )


def _graph(value: Value, down: bool, limit: int) -> Picture:
    return Picture(drawing=graph.svg(value, down=down, limit=limit), words=graph.dot(value, limit=limit))


class _Seen:
    """A learner's Value, as one of ours looks. `seen` has those that were met, by id: each is drawn once."""

    def __init__(self, value: Any, seen: dict[int, _Seen]) -> None:
        self._value, self._seen = value, seen
        seen[id(value)] = self
        self.data, self.grad = float(value.data), float(value.grad)
        self.label = str(getattr(value, "label", ""))
        self.op = SimpleNamespace(symbol=str(getattr(value, "_op", "·"))) if value._prev else None

    @property
    def operands(self) -> list[_Seen]:
        return [self._seen.get(id(each)) or _Seen(each, self._seen) for each in self._value._prev]


def _attention(model: Any, ids: Any, characters: Sequence[str]) -> Figure:
    """A GPTModel, (T,) ids, T characters -> a map (T, T) for each head of each layer."""
    import torch

    from zth.workbook.l07_gpt import maps

    row = torch.as_tensor([] if ids is None else ids).detach().cpu()
    if row.ndim != 1 or not 0 < len(row) <= model.block_size:
        raise ConfigError(
            say(
                "draw got ids of shape {shape}; it wants one line of 1 to {most} ids.",
                shape=tuple(row.shape),
                most=model.block_size,
            ),
            say("As in: {call}", call='draw(model, vocabulary.encode("ROMEO:"), "ROMEO:")'),
        )
    if len(characters) != len(row):
        raise ConfigError(
            say("draw got {n} ids and {m} characters.", n=len(row), m=len(characters)),
            say("Pass a character for each id."),
        )
    weights = maps.weights_of(model, row[None].long())[:, 0]  # (L, 1, H, T, T) -> (L, H, T, T)
    panels = [
        maps.Map(say("layer {layer}, head {head}", layer=layer + 1, head=head + 1), each)
        for layer, heads in enumerate(weights)
        for head, each in enumerate(heads)
    ]
    return maps.drawn(panels, characters)
