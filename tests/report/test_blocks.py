"""Blocks one by one: what a page shows of each, and of each that is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from zth.report.blocks import story
from zth.runs import Figure, Record


def told(blocks: list[Any], folder: Path, figures: list[Figure] | None = None) -> str:
    meta = {"kind": "measure", "name": "1.1", "status": "done"}
    return story(Record(folder=folder, meta=meta, figures=figures or [], blocks=blocks), "a")


def plot(folder: Path, figure: Any) -> str:
    (folder / "plot.json").write_text(figure if isinstance(figure, str) else json.dumps(figure))
    return told([{"kind": "plot", "title": "P", "file": "plot.json"}], folder)


def data_of(text: str) -> Any:
    return json.loads(text.partition('application/json" id="a-0">')[2].partition("</script>")[0])


def test_a_table_sets_numbers_right_and_text_left(tmp_path, read_page):
    rows = [["bigram", 2.4533], ["trigram", "inf"]]
    page = read_page(told([{"kind": "table", "title": "T", "columns": ["model", "dev"], "rows": rows}], tmp_path))
    assert page.words == "Tmodeldevbigram2.4533trigram∞"
    assert [cell.get("class") for cell in page.all("td")] == [None, "number", None, "number"]
    assert page.all("div", role="region", tabindex="0")


def test_figures_side_by_side_share_a_table_and_keep_their_place(tmp_path, read_page):
    figures = [Figure(name="a", value=1), Figure(name="b", value=2), Figure(name="a", value=3)]
    blocks = [
        {"kind": "figure", "name": "a"},
        {"kind": "figure", "name": "b"},
        {"kind": "text", "markdown": "between"},
        {"kind": "figure", "name": "a"},
    ]
    page = read_page(told(blocks, tmp_path, figures))
    assert len(page.all("table")) == 2
    assert (
        page.words.replace("FigureMeasuredReferenceSourceVerdict", "|")
        == "|a1· measuredb2· measuredbetween|a3· measured"
    )


def test_captions_of_plots_and_pictures_know_code_and_bold(tmp_path):
    (tmp_path / "plot.json").write_text('{"data": [], "layout": {}}')
    caption = "**Two** of `b1 < 2`"
    blocks = [
        {"kind": "plot", "title": "P", "file": "plot.json", "caption": caption},
        {"kind": "svg", "title": "S", "markup": "<svg></svg>", "caption": caption},
    ]
    page = told(blocks, tmp_path)
    assert page.count("<figcaption><strong>Two</strong> of <code>b1 &lt; 2</code></figcaption>") == 2
    assert 'aria-label="Plot: P. Two of b1 &lt; 2"' in page


def test_a_figure_that_no_block_tells_is_told_at_the_end(tmp_path):
    assert "left over" in told([{"kind": "text", "markdown": "x"}], tmp_path, [Figure(name="left over", value=1)])


def test_each_verdict_is_in_words(tmp_path):
    figures = [
        Figure(name="s", value=1, reference=1),
        Figure(name="b", value=1, reference=2, better="lower"),
        Figure(name="w", value=3, reference=2, better="lower"),
        Figure(name="m", value=1),
    ]
    text = told([], tmp_path, figures)
    for name, words in (
        ("same", "as the course"),
        ("better", "better"),
        ("worse", "worse"),
        ("measured", "measured"),
    ):
        assert f'<span class="badge {name}">' in text
        assert f"</span> {words}</span>" in text


def test_a_plot_leaves_colours_width_and_title_to_the_page_and_keeps_the_rest(tmp_path):
    layout = {"template": {"layout": {}}, "title": "twice", "width": 900, "height": 620, "xaxis": {"type": "log"}}
    text = plot(tmp_path, {"data": [{"y": [1, 2]}], "layout": layout})
    assert data_of(text) == {"data": [{"y": [1, 2]}], "layout": {"xaxis": {"type": "log"}}}
    assert "--height:620px" in text


def test_a_gap_in_a_plot_stays_a_gap(tmp_path):
    assert data_of(plot(tmp_path, '{"data": [{"y": [1, NaN, Infinity]}]}'))["data"] == [{"y": [1, None, None]}]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"kind": "hologram"}, "does not know: hologram"),
        ({}, "does not know"),
        ("text", "does not know: 'text'"),
        (None, "does not know"),
        ({"kind": "text"}, "it has no 'markdown'"),
        ({"kind": "table", "title": "T", "columns": ["a"], "rows": [[1, 2]]}, "a row of another length"),
        ({"kind": "table", "title": "T", "columns": ["a"], "rows": [3]}, "cannot be shown"),
        ({"kind": "table", "title": "T", "columns": ["a"], "rows": [[10**400]]}, "cannot be shown"),
        ({"kind": "plot", "title": "P", "file": "plots/none.json"}, "There is no plots/none.json"),
        ({"kind": "plot", "title": "P", "file": "../outside.json"}, "outside the run folder"),
        ({"kind": "plot", "title": "P", "file": "."}, "cannot be shown"),
        ({"kind": "svg", "title": "S", "markup": "<p>"}, "not well-formed SVG"),
        (
            {"kind": "svg", "title": "S", "markup": "<svg>" + "<g>" * 5000 + "</g>" * 5000 + "</svg>"},
            "cannot be shown",
        ),
        ({"kind": "figure", "name": "gone"}, "A figure is missing"),
    ],
)
def test_a_bad_block_is_a_notice_and_the_next_is_shown(tmp_path, read_page, block, words):
    (tmp_path.parent / "outside.json").write_text('{"data": []}')
    page = read_page(told([block, {"kind": "text", "markdown": "still here"}], tmp_path))
    assert words in page.words
    assert "still here" in page.words
    assert len(page.all("p", role="note")) == 1


@pytest.mark.parametrize(
    "content", ["", "[]", '{"layout": {}}', '{"data": {}}', '{"data": [], "layout": 3}', "[" * 100_000]
)
def test_a_bad_plot_file_is_a_notice(tmp_path, content):
    assert 'class="notice"' in plot(tmp_path, content)
