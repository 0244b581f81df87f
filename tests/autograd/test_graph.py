import re
import sys
import xml.etree.ElementTree as ET

import pytest

from zth.autograd import Value
from zth.autograd.graph import dot, svg
from zth.autograd.nn import MLP, Neuron
from zth.autograd.plots import BLUE, ORANGE
from zth.errors import ConfigError, MissingPartError

SVG = "{http://www.w3.org/2000/svg}"


def little() -> Value:
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    out = (a * b + a).tanh()
    out.label = "out"
    out.backward()
    return out


def texts(markup: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(markup).iter(f"{SVG}text")]


def test_dot_draws_each_value_once_and_each_use() -> None:
    # tanh has the slope 1 - tanh(-4)^2 = 0.001341, times b + 1 = -2 at a, times a = 2 at b
    text = dot(little())
    assert text.splitlines()[2:4] == [
        '  n0 [shape=box style=filled fillcolor="#e8710a1b" label="a | data 2 | grad -0.002682"]',
        '  n1 [shape=box style=filled fillcolor="#4c8bf51b" label="b | data -3 | grad 0.002682"]',
    ]
    assert text.count("shape=box") == 5
    assert text.count("shape=ellipse") == 3
    assert text.count(" -> ") == 8  # 5 operands and 3 results
    assert dot(little()) == text


def test_x_plus_x_has_two_edges() -> None:
    x = Value(1.0)
    assert dot(x + x).count("n0 -> n1_op") == 2


def test_svg_shows_label_data_grad_and_op() -> None:
    shown = texts(svg(little()))
    assert sorted(t for t in shown if not t.startswith(("data", "grad"))) == ["*", "+", "a", "b", "out", "tanh"]
    assert "data -0.9993" in shown
    assert "grad 1" in shown


def test_the_first_operand_stands_above_the_second() -> None:
    root = ET.fromstring(svg(Value(1.0, label="top") / Value(2.0, label="bottom")))
    height = {element.text: float(element.get("y", 0)) for element in root.iter(f"{SVG}text")}
    assert height["top"] < height["bottom"]


def test_svg_stands_in_a_page_as_it_is() -> None:
    markup = svg(little(), title="a tanh")
    root = ET.fromstring(markup)
    assert markup.startswith("<svg ")
    assert (root.tag, root.get("role")) == (f"{SVG}svg", "img")
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.findtext(f"{SVG}title") == "a tanh"
    # the page's own colour for all lines and letters, so that it reads in light and in dark
    colours = {e.get(key) for e in root.iter() for key in ("fill", "stroke") if e.tag != f"{SVG}rect"}
    assert colours <= {None, "none", "currentColor"}
    assert {e.get("fill") for e in root.iter(f"{SVG}rect")} == {None, BLUE, ORANGE}
    assert not [e for e in root.iter() if e.get("id")], "ids of two pictures in one page would clash"


def test_a_box_is_coloured_by_its_gradient() -> None:
    up, down, little, nothing = (Value(1.0, label=name) for name in ("up", "down", "little", "nothing"))
    root = up * 2.0 - down * 0.5 - little * 0.02 + nothing * 0.0
    root.backward()
    boxes = _boxes(svg(root))
    assert {name: boxes[name][0] for name in ("up", "down", "little", "nothing")} == {
        "up": BLUE,
        "down": ORANGE,
        "little": ORANGE,
        "nothing": None,
    }
    strengths = [boxes[name][1] for name in ("up", "down", "little", "nothing")]
    assert strengths == [0.58, 0.33, 0.13, 0.1]  # 0.08 + half the root of its share of the largest; grey for a leaf


def test_without_a_gradient_nothing_is_coloured_and_infinity_fully() -> None:
    x = Value(1.0, label="x")
    assert _boxes(svg(x * 2.0))["x"] == (None, 0.1)
    x.grad = float("inf")
    assert _boxes(svg(x * 2.0))["x"] == (BLUE, 0.58)
    x.grad = float("nan")
    assert _boxes(svg(x * 2.0))["x"] == (None, 0.1)


def _boxes(markup: str) -> dict[str, tuple[str | None, float]]:
    """What a box says first -> its colour and how strong that is."""
    found, box = {}, None
    for element in ET.fromstring(markup).iter():
        if element.tag == f"{SVG}rect":
            box = element
        elif element.tag == f"{SVG}text" and box is not None:
            found[element.text or ""] = (box.get("fill"), float(box.get("fill-opacity", 0)))
            box = None
    return found


def test_svg_keeps_everything_inside_its_frame() -> None:
    root = ET.fromstring(svg(Neuron(4)([1.0, 2.0, 3.0, 4.0])))
    wide, high = float(root.get("width", 0)), float(root.get("height", 0))
    boxes = [[float(r.get(key, 0)) for key in ("x", "y", "width", "height")] for r in root.iter(f"{SVG}rect")]
    assert len(boxes) == 18 + 9
    for x, y, w, h in boxes:
        assert 0 <= x <= x + w <= wide
        assert 0 <= y <= y + h <= high
    for i, (x, y, w, h) in enumerate(boxes):
        assert not any(x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h for x2, y2, w2, h2 in boxes[:i])


def test_svg_is_the_same_each_time_and_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    assert svg(little()) == svg(little())
    assert capfd.readouterr() == ("", "")


def test_any_label_is_escaped() -> None:
    x = Value(1.0, label='<&"\\ü\n\x00]]>' + 40 * "z")
    shown = texts(svg(x, title="</title>"))[0]
    assert shown.startswith('<&"\\ü��]]>zz')
    assert len(shown) == 30
    assert r"<&\"\\ü" in dot(x)


def test_a_single_leaf_and_strange_numbers_can_be_drawn() -> None:
    assert texts(svg(Value(float("nan")))) == ["data nan", "grad 0"]


def test_a_huge_graph_is_refused_before_it_is_laid_out() -> None:
    chain = Value(0.0)
    for _ in range(100_000):
        chain = chain + 1
    for draw in (dot, svg):
        with pytest.raises(ConfigError, match="more than 300 values"):
            draw(chain)
        with pytest.raises(ConfigError, match="more than 300 values"):
            draw(MLP(2, [16, 16, 1])([1.0, 2.0]))
    assert dot(little(), limit=5)
    with pytest.raises(ConfigError, match="limit=40"):
        dot(little(), limit=4)


def test_without_pygraphviz_dot_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(MissingPartError, match="pygraphviz"):
        svg(little())
    assert dot(little())


def test_a_graph_down_the_page_is_narrower_than_one_across_it():
    x = Value(0.1)
    for _ in range(6):
        x = x.tanh()
    across, down = (
        [float(n) for n in re.search(r'width="(\d+)" height="(\d+)"', svg(x, down=down)).groups()]
        for down in (False, True)
    )
    assert across[0] > across[1]
    assert down[0] < down[1]
    assert down[0] < across[0]
