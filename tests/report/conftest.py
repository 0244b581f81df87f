from __future__ import annotations

import html.parser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import plotly.graph_objects as go
import pytest

from zth import report
from zth.runs import Run, find

HOSTILE = "</script><script>fetch('https://example.org')</script><img src=x onerror=alert(1)>\"'&"
SVG = '<svg width="90" height="30" viewBox="0 0 90 30"><text id="t" x="2" y="20">a + b</text></svg>'
VOID = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class Page:
    """A page as Python's own HTML parser reads it."""

    text: str
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: str = ""
    unclosed: list[str] = field(default_factory=list)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        found = [attributes for name, attributes in self.tags if name == tag]
        return [each for each in found if all(each.get(key) == value for key, value in wanted.items())]


class _Reader(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page("")
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.unclosed.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in {"script", "style"}:
            self.page.words += data


def _read(text: str) -> Page:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    reader.page.text = text
    reader.page.unclosed += reader.open
    return reader.page


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    return _read


def fill(run: Run) -> None:
    """One block of each kind."""
    run.data("names", "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d")
    run.text("Is it `better`?\n\n- **yes**, where it has seen the pair")
    run.table("Losses", ["model", "dev"], [["bigram", 2.4533], ["trigram", float("inf")]])
    run.plot("Curve", go.Figure(go.Scatter(y=[3.3, float("nan"), 2.45])), "It falls.")
    run.plot("Counts", go.Figure(go.Heatmap(z=[[1, 2], [3, 4]]), layout={"height": 300, "title": "twice"}))
    run.svg("Graph", SVG)
    run.figure("dev loss", 2.45331, unit="nats", reference=2.4533, source="lecture 2", tolerance=5e-5)
    run.figure("speed", 5.37, unit="×", reference=5.0, better="higher")
    run.figure("memory", 12.25, unit="MB", reference=10.0, better="lower")
    run.figure("unseen", float("inf"), unit="nats")


@pytest.fixture(scope="session")
def runs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of run that a page may meet: done, failed, interrupted, hostile, damaged."""
    root = tmp_path_factory.mktemp("runs")
    for name, title in (("10.1", "Ten"), ("9.4", "Nine"), ("2.2", "2.2 Split the names")):
        with Run.create(
            kind="measure", name=name, root=root, title=title, seed=42, command=["zth", "measure"]
        ) as run:
            fill(run)
    with suppress(KeyboardInterrupt), Run.create(kind="measure", name="2.2", root=root) as run:
        raise KeyboardInterrupt
    with suppress(ValueError), Run.create(kind="measure", name="2.5", root=root, title="Failing") as run:
        run.text("So far, so good.")
        raise ValueError("a <b>bold</b> claim")
    with Run.create(kind="train", name=HOSTILE, root=root, title=HOSTILE, command=["zth", HOSTILE]) as run:
        run.data(HOSTILE, HOSTILE)
        run.text(HOSTILE)
        run.table(HOSTILE, [HOSTILE], [[HOSTILE]])
        run.plot(HOSTILE, go.Figure(go.Scatter(y=[1], name=HOSTILE)), HOSTILE)
        run.figure(HOSTILE, 1.0, unit=HOSTILE, reference=1.0, source=HOSTILE)
        run.svg(HOSTILE, '<svg><script>alert(1)</script><text onclick="alert(1)">x</text></svg>', HOSTILE)
    damaged = root / "2026-01-01_000000_measure-1.1"
    damaged.mkdir()
    (damaged / "run.json").write_text("{")
    return root


@pytest.fixture(scope="session")
def built(runs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report.build(find(runs_folder), tmp_path_factory.mktemp("out"))
