from __future__ import annotations

import pytest

from zth.errors import RunError
from zth.report.svg import clean


def test_a_picture_of_graphviz_keeps_what_one_sees():
    drawn = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
    <!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
    <!-- a comment -->
    <svg width="62pt" height="44pt" viewBox="0 0 62 44" xmlns="http://www.w3.org/2000/svg">
    <g id="graph0" class="graph" transform="translate(4 40)"><!-- n --><g id="node1"><title>n&lt;1</title>
    <a href="https://example.org"><ellipse fill="none" stroke="black" cx="27" cy="-18" rx="27" ry="18"/></a>
    <text text-anchor="middle" x="27" y="-12">n &amp; m</text></g></g></svg>"""
    safe = clean(drawn, "p", "a graph")
    assert safe.startswith('<svg role="img" aria-label="a graph" width="62pt" height="44pt" viewBox="0 0 62 44">')
    assert '<ellipse fill="none" stroke="black" cx="27" cy="-18" rx="27" ry="18" />' in safe
    assert "n &amp; m</text>" in safe
    assert "n&lt;1</title>" in safe
    assert 'id="p-graph0"' in safe
    assert "example.org" not in safe
    assert "<!--" not in safe


@pytest.mark.parametrize(
    "inside",
    [
        "<script>x</script>",
        '<style>* {fill: url("https://example.org")}</style>',
        '<foreignObject><img src="x"/></foreignObject>',
        '<image href="https://example.org/x.png"/>',
        '<use href="https://example.org/x.svg#y"/>',
        '<animate attributeName="href" to="javascript:x"/>',
        '<g onload="x()" style="background: url(https://example.org)"/>',
        '<rect fill="url(https://example.org)"/>',
        "<rect fill=\"url( 'https://example.org#x')\"/>",
        '<a href="javascript:x"><script>x</script></a>',
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml">x</x:script>',
    ],
)
def test_nothing_that_acts_or_fetches_remains(inside):
    safe = clean(f"<svg>{inside}<path d='M0 0'/></svg>", "p", "x")
    for word in ("script", "style", "example", "href", "onload", "foreign", "animate", "url"):
        assert word not in safe
    assert '<path d="M0 0" />' in safe


def test_references_inside_the_picture_are_renamed_with_their_ids():
    for quote in ("", "'"):
        safe = clean(f'<svg><marker id="m"/><path marker-end="url({quote}#m{quote})"/></svg>', "p-1", "x")
        assert '<marker id="p-1-m" />' in safe
        assert 'marker-end="url(#p-1-m)"' in safe


@pytest.mark.parametrize("markup", ["", "hello", "<svg>", "<html/>", "<svg>&boom;</svg>"])
def test_what_is_no_picture_is_said_so(markup):
    with pytest.raises(RunError, match="SVG"):
        clean(markup, "p", "x")
