"""Run folders -> one self-contained HTML page. Reads run folders only (zth.runs); knows no model and no exercise."""

from __future__ import annotations

from zth.report.build import build
from zth.report.numbers import figure_texts, number
from zth.report.select import Section, sections
from zth.report.summary import Summary, summary

__all__ = ["Section", "Summary", "build", "figure_texts", "number", "sections", "summary"]
