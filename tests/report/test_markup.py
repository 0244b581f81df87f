from __future__ import annotations

import json
import re

import pytest

from zth.report.markup import escape, json_block, markdown, slug


def test_markdown_knows_four_things():
    text = "One\nparagraph.\n\nAnother with `a < b` and **bold**:\n- one\n- `**two**`\nand on."
    assert markdown(text) == (
        "<p>One paragraph.</p><p>Another with <code>a &lt; b</code> and <strong>bold</strong>:</p>"
        "<ul><li>one</li><li><code>**two**</code></li></ul><p>and on.</p>"
    )


@pytest.mark.parametrize(
    "text", ["<script>x</script>", "`<b>`", "**<b>**", "- <b>", "[x](javascript:alert(1))", "<!--"]
)
def test_markdown_lets_no_markup_through(text):
    known = re.sub(r"</?(p|ul|li|code|strong)>", "", markdown(text))
    assert "<" not in known


def test_unpaired_signs_stay_as_they_are():
    assert markdown("2 ** 3 and ` alone") == "<p>2 ** 3 and ` alone</p>"
    assert markdown("") == ""


def test_a_json_block_gives_its_value_back_and_cannot_be_left():
    value = {"name": "</script><!--<script>&\"'", "n": [1, None, 2.5]}
    block = json_block('a"b', value)
    inside = re.fullmatch(r'<script type="application/json" id="a&quot;b">(.*)</script>', block)[1]
    assert "<" not in inside
    assert json.loads(inside) == value


def test_slug_is_fit_for_an_id():
    assert slug("measure-2.3") == "measure-2.3"
    assert re.fullmatch(r"[a-z0-9.-]{1,60}", slug("Größe <x> " * 30))
    assert slug("名前") == "run"


def test_escape_takes_anything():
    assert escape(None) == "None"
    assert escape("a'b\"c") == "a&#x27;b&quot;c"
