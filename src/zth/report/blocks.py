"""A run's blocks -> HTML. A block that cannot be shown becomes a notice in its place and hides nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from zth.errors import RunError
from zth.report.markup import escape, inline, json_block, markdown, plain
from zth.report.numbers import column, figure_texts
from zth.report.svg import clean
from zth.runs import Figure, Record

# What the page itself decides, alike for all plots: its colours, its width, and the title, which stands above.
_PAGE_DECIDES = ("template", "title", "width", "paper_bgcolor", "plot_bgcolor")
VERDICT_CLASS = {"as the course": "same", "better": "better", "worse": "worse", "measured": "measured"}
_VERDICT_SIGN = {"as the course": "=", "better": "↑", "worse": "↓", "measured": "·"}


def story(record: Record, anchor: str) -> str:
    """All blocks of a run in the order of telling; figures that stand side by side share one table."""
    figures = list(record.figures)
    pieces = []
    for is_figure, group in groupby(enumerate(record.blocks), key=lambda pair: _kind(pair[1]) == "figure"):
        if is_figure:
            told = [_take(figures, block) for _, block in group]
            pieces.append(figure_table([figure for figure in told if figure is not None]))
            pieces += [notice("A figure is missing: figures.json lacks it.") for figure in told if figure is None]
        else:
            pieces += [_block(block, record.folder, f"{anchor}-{i}") for i, block in group]
    return "".join(pieces) + figure_table(figures)


def figure_table(figures: list[Figure]) -> str:
    """Measured numbers beside their references; nothing for none."""
    if not figures:
        return ""
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("Figure", "Measured", "Reference", "Source", "Verdict")
    )
    rows = "".join(_figure_row(figure) for figure in figures)
    return f'<table class="figures"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def badge(verdict: str, text: str = "") -> str:
    """A verdict in words and a sign, so that its colour is never alone."""
    sign = f'<span aria-hidden="true">{_VERDICT_SIGN[verdict]}</span>'
    return f'<span class="badge {VERDICT_CLASS[verdict]}">{sign} {escape(text or verdict)}</span>'


def notice(problem: str, detail: str = "") -> str:
    """Something went wrong with a run or a part of it."""
    more = f" <code>{escape(detail)}</code>" if detail else ""
    return f'<p class="notice" role="note">{escape(problem)}{more}</p>'


def _block(block: Any, folder: Path, name: str) -> str:
    try:
        makers = {"text": _text, "table": _table, "plot": _plot, "svg": _svg}
        kind = _kind(block)
        if kind not in makers:
            return notice(
                f"This part of the run is of a kind that the page does not know: {kind or repr(block):.80}."
            )
        return makers[kind](block, folder, name)
    except Exception as error:  # whatever a damaged or foreign run folder holds, the rest of the page stands
        problem = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        return notice(f"The {_kind(block)} “{block.get('title', '')}” cannot be shown.", problem)


def _text(block: Mapping[str, Any], _folder: Path, _name: str) -> str:
    return f'<div class="prose">{markdown(str(block["markdown"]))}</div>'


def _table(block: Mapping[str, Any], _folder: Path, name: str) -> str:
    columns, rows = [str(title) for title in block["columns"]], [list(row) for row in block["rows"]]
    if any(len(row) != len(columns) for row in rows):
        raise RunError(f"It has {len(columns)} columns and a row of another length.")
    made = [column([row[i] for row in rows]) for i in range(len(columns))]
    sides = [' class="number"' if numeric else "" for _, numeric in made]
    head = "".join(f'<th scope="col"{side}>{escape(title)}</th>' for title, side in zip(columns, sides, strict=True))
    texts = zip(*(cells for cells, _ in made), strict=True)
    body = "".join(
        "<tr>" + "".join(f"<td{side}>{escape(text)}</td>" for text, side in zip(row, sides, strict=True)) + "</tr>"
        for row in texts
    )
    # the scrolling box takes the focus, so that a keyboard can scroll it
    return (
        f'<figure class="block"><h3 id="{name}">{escape(block["title"])}</h3>'
        f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{name}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>"
    )


def _plot(block: Mapping[str, Any], folder: Path, name: str) -> str:
    figure = _read_plot(folder, str(block["file"]))
    height = figure["layout"].pop("height", None)
    high = f' style="--height:{min(max(height, 160), 2000):.0f}px"' if isinstance(height, (int, float)) else ""
    title, caption = escape(block["title"]), str(block.get("caption", ""))
    told = f"Plot: {title}. {escape(plain(caption))}"
    return (
        f'<figure class="block"><h3>{title}</h3>'
        f'<div class="plot" data-plot="{name}" role="group" aria-label="{told}"{high}></div>'
        f"{_caption(block)}{json_block(name, figure)}</figure>"
    )


def _read_plot(folder: Path, file: str) -> dict[str, Any]:
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise RunError("Its file lies outside the run folder.")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RunError(f"There is no {file}.") from error
    figure = json.loads(text, parse_constant=lambda _: None)  # NaN: a gap, as Plotly itself writes it
    if not isinstance(figure, dict) or not isinstance(figure.get("data"), list):
        raise RunError(f"{file} is no Plotly figure.")
    layout = figure.get("layout")
    kept = {key: value for key, value in layout.items() if key not in _PAGE_DECIDES} if layout else {}
    return {"data": figure["data"], "layout": kept}


def _svg(block: Mapping[str, Any], _folder: Path, name: str) -> str:
    markup = str(block["markup"])
    # drawn in the colour of the text, a picture follows the theme; any other was drawn for white paper
    paper = "" if "currentColor" in markup else " on-paper"
    return (
        f'<figure class="block"><h3 id="{name}">{escape(block["title"])}</h3>'
        f'<div class="scroll picture{paper}" tabindex="0" role="region" aria-labelledby="{name}">'
        f"{clean(markup, name, str(block['title']))}</div>{_caption(block)}</figure>"
    )


def _caption(block: Mapping[str, Any]) -> str:
    text = str(block.get("caption", ""))
    return f"<figcaption>{inline(text)}</figcaption>" if text else ""


def _figure_row(figure: Figure) -> str:
    value, reference = figure_texts(figure)
    unit = f' <span class="unit">{escape(figure.unit)}</span>' if figure.unit else ""
    return (
        f'<tr><th scope="row">{escape(figure.name)}</th>'
        f'<td class="number value">{value}{unit}</td>'
        f'<td class="number reference">{reference}</td>'
        f'<td class="source">{escape(figure.source)}</td>'
        f'<td class="verdict">{badge(figure.verdict)}</td></tr>'
    )


def _take(figures: list[Figure], block: Mapping[str, Any]) -> Figure | None:
    """The first figure of that name, removed: two of one name are told in turn."""
    found: Iterator[Figure] = (figure for figure in figures if figure.name == block.get("name"))
    figure = next(found, None)
    if figure is not None:
        figures.remove(figure)
    return figure


def _kind(block: Any) -> str:
    return str(block.get("kind", "")) if isinstance(block, dict) else ""
