"""The page as a whole: complete, self-contained, harmless."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from pathlib import Path

import pytest

from zth import report
from zth.errors import RunError
from zth.runs import Run, find


def test_the_page_is_well_formed(built, read_page):
    page = read_page(built.read_text(encoding="utf-8"))
    assert page.unclosed == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert sorted(ids) == sorted(set(ids))
    targets = {link["href"][1:] for link in page.all("a")}
    assert targets <= set(ids)
    labels = {attributes["aria-labelledby"] for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert labels <= set(ids)
    assert [len(page.all(tag)) for tag in ("h1", "main", "nav", "header", "footer")] == [1, 1, 1, 1, 1]
    assert page.all("html", lang="en")
    assert page.all("meta", name="viewport", content="width=device-width, initial-scale=1")


def test_nothing_is_fetched(built, read_page):
    page = read_page(built.read_text(encoding="utf-8"))
    for tag, attributes in page.tags:
        for key in ("src", "srcset", "data", "poster", "action"):
            assert key not in attributes, (tag, attributes)
        if "href" in attributes:
            assert attributes["href"].startswith(("#", "data:")), (tag, attributes)
    style = re.search(r"<style>(.*?)</style>", page.text, re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_names_every_script_and_forbids_the_network(built, read_page):
    page = read_page(built.read_text(encoding="utf-8"))
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    programs = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(program.encode()).digest()).decode() for program in programs]
    assert re.findall(r"'sha256-([^']+)'", policy["content"]) == hashes
    assert len(hashes) == 3
    assert policy["content"].startswith("default-src 'none'; ")
    assert "http" not in policy["content"]


def test_plotly_stands_in_the_page_once(built):
    assert built.read_text(encoding="utf-8").count("* plotly.js v") == 1


def test_hostile_text_has_no_power(built, read_page):
    page = read_page(built.read_text(encoding="utf-8"))
    assert page.all("img") == []
    assert not [attributes for _, attributes in page.tags if any(key.startswith("on") for key in attributes)]
    # it is there to be read, as text
    assert "<img src=x onerror=alert(1)>" in page.words
    assert "<b>bold</b>" in page.words


def test_every_run_is_shown_and_bad_ones_hide_nothing(built, read_page):
    page = read_page(built.read_text(encoding="utf-8"))
    sections = [section["id"] for section in page.all("section")]
    numbered = ["glance", "measure-2.2", "measure-2.5", "measure-9.4", "measure-10.1"]
    assert [name for name in sections if name in numbered] == numbered
    assert len(sections) == len(numbered) + 2  # the hostile one and the damaged one
    assert "A later run, of" in page.words
    assert "was interrupted. KeyboardInterrupt" in page.words
    assert "This run failed. ValueError: a <b>bold</b> claim" in page.words
    assert "So far, so good." in page.words
    assert "This run cannot be read." in page.words


def test_figures_json_has_a_row_for_each_figure_in_the_order_of_the_page(built):
    rows = json.loads((built.parent / "figures.json").read_text(encoding="utf-8"))
    assert [row["exercise"] for row in rows[:12]] == ["2.2"] * 4 + ["9.4"] * 4 + ["10.1"] * 4
    assert rows[0] == {
        "exercise": "2.2",
        "name": "dev loss",
        "value": 2.45331,
        "unit": "nats",
        "reference": 2.4533,
        "source": "lecture 2",
        "verdict": "as the course",
        "ok": True,
    }
    assert [(row["verdict"], row["ok"]) for row in rows[1:4]] == [
        ("better", True),
        ("worse", False),
        ("measured", None),
    ]
    assert rows[3]["value"] == "inf"


def test_the_same_runs_give_the_same_bytes(runs_folder, built, tmp_path):
    again = report.build(find(runs_folder), tmp_path)
    assert again.read_bytes() == built.read_bytes()


def test_building_takes_under_two_seconds(runs_folder, tmp_path):
    start = time.perf_counter()
    report.build(find(runs_folder), tmp_path)
    assert time.perf_counter() - start < 2


def test_the_title_is_escaped(runs_folder, tmp_path):
    path = report.build(find(runs_folder), tmp_path / "deep" / "er", title="<i>Mine & $yours</i>")
    assert "<title>&lt;i&gt;Mine &amp; $yours&lt;/i&gt;</title>" in path.read_text(encoding="utf-8")


def test_half_a_character_does_not_stop_the_page(tmp_path):
    with Run.create(kind="measure", name="1.1", root=tmp_path / "runs", title="half \ud800") as run:
        run.text("\ud800")
        run.log(step=0, sample="\ud800")
    path = report.build(find(tmp_path / "runs"), tmp_path)
    assert "\\ud800" in path.read_text(encoding="utf-8")


def test_no_runs(tmp_path):
    with pytest.raises(RunError, match="make tour"):
        report.build([], tmp_path)


def test_a_place_that_cannot_be_written(runs_folder, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(RunError, match="--out"):
        report.build(find(runs_folder), tmp_path / "taken")
    with pytest.raises(RunError, match="--out"):
        report.build(find(runs_folder), tmp_path / "taken" / "below")


def test_nothing_is_left_beside_the_page(built: Path):
    assert sorted(path.name for path in built.parent.iterdir()) == ["figures.json", "index.html"]
