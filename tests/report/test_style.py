"""Contrast by the formula of WCAG 2: text is readable in both themes."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

STYLE = (files("zth.report") / "style.css").read_text(encoding="utf-8")
PAIRS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", STYLE)
}
TEXT = ["ink", "soft", "accent", "same", "better", "worse", "measured"]


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_on_known_colours():
    assert contrast("#000000", "#ffffff") == pytest.approx(21, abs=1e-12)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the well-known grey that just fails


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_contrast(theme):
    grounds = {name: ["paper", "card"] for name in TEXT}
    grounds["accent"] = [*grounds["accent"], "wash"]
    for name in ("same", "better", "worse", "measured"):
        grounds[name] = [*grounds[name], f"{name}-wash"]
    for name, behind in grounds.items():
        for ground in behind:
            assert contrast(PAIRS[name][theme], PAIRS[ground][theme]) >= 4.5, (name, ground)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_lines_in_plots_have_contrast(theme):
    for i in range(1, 8):
        assert contrast(PAIRS[f"series-{i}"][theme], PAIRS["paper"][theme]) >= 3, i


def test_every_variable_that_is_used_is_defined():
    script = (files("zth.report") / "page.js").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--([a-z0-9-]+)", STYLE)) | set(re.findall(r'colour\("([a-z-]+)"\)', script))
    set_by_page = {"share", "height", "tone", "sans", "mono"}
    assert used - set_by_page <= set(PAIRS)
