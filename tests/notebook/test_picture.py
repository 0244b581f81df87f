"""draw: our Value, a learner's, a GPT; and clear words for the rest."""

from __future__ import annotations

import pytest
import torch

from zth.autograd.value import Value
from zth.errors import ConfigError
from zth.models.gpt import GPTModel
from zth.models.gpt.config import preset
from zth.notebook import draw
from zth.notebook.result import Picture


def test_a_value_is_drawn_as_svg_and_told_as_dot() -> None:
    x = Value(2.0, label="<x>")
    root = (x * 3).tanh()
    root.backward()
    picture = draw(root)
    assert isinstance(picture, Picture)
    html = picture._repr_html_() or ""
    assert html.count("<svg ") == 1
    assert "&lt;x&gt;" in html
    assert "<x>" not in html
    assert repr(picture).startswith("digraph {")
    assert repr(picture).count("->") == 5


def test_a_value_of_the_learners_own() -> None:
    class Mine:
        def __init__(self, data, prev=(), op="", label=""):
            self.data, self.grad, self._prev, self._op, self.label = data, 0.0, prev, op, label

    a = Mine(2.0, label="a")
    twice = Mine(4.0, {a}, "*")
    root = Mine(6.0, (twice, a), "+")
    told = repr(draw(root))
    assert told.count("shape=box") == 3  # a once, although it was used twice
    assert 'label="*"' in told
    assert 'label="a | data 2 | grad 0"' in told


def test_a_graph_too_large_to_read() -> None:
    root = Value(0.0)
    for _ in range(200):
        root = root + 1.0
    with pytest.raises(ConfigError, match="more than 300 values"):
        draw(root)
    assert "digraph" in repr(draw(root, limit=1000, down=True))


@pytest.fixture(scope="module")
def gpt() -> GPTModel:
    return GPTModel(preset("nano", vocab_size=27), generator=torch.Generator().manual_seed(1))


def test_a_gpt_shows_where_its_heads_look(gpt: GPTModel) -> None:
    figure = draw(gpt, [1, 2, 3], "abc")
    assert len(figure.data) == gpt.options.layers * gpt.options.heads
    assert figure.layout.annotations[0].text == "layer 1, head 1"
    assert [round(w, 2) for w in figure.data[0].z[0][:1]] == [1.0]
    assert figure.data[0].z[0][1] is None  # the future


@pytest.mark.parametrize(
    ("ids", "characters", "words"),
    [
        (None, "", "ids of shape \\(0,\\)"),
        (torch.zeros(2, 3), "abc", "ids of shape \\(2, 3\\)"),
        ([0] * 100, "a" * 100, "1 to 16 ids"),
        ([1, 2], "abc", "2 ids and 3 characters"),
    ],
)
def test_a_line_that_does_not_fit(gpt: GPTModel, ids, characters: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        draw(gpt, ids, characters)


@pytest.mark.parametrize("thing", [3, torch.zeros(2), torch.nn.Linear(1, 1)])
def test_what_cannot_be_drawn(thing: object) -> None:
    with pytest.raises(ConfigError, match="draw cannot draw a"):
        draw(thing)
