"""bench/_table.py: ratios, what counts as missed, JSON, the notes below a table."""

from __future__ import annotations

import json
from types import ModuleType

import pytest


@pytest.fixture
def bench(modules) -> ModuleType:
    import _table

    return _table


def test_what_is_missed(bench) -> None:
    def row(**more: object) -> object:
        return bench.Row(name="x", ours=2.0, baseline=5.0, unit="ms", **more)

    assert row().ratio == 2.5
    assert not row().missed
    assert [row(target=target).missed for target in (2, 2.5, 3)] == [False, False, True]
    assert [row(most=most).missed for most in (1.9, 2.0)] == [True, False]
    assert row(target=2, failed=True).missed


def test_json_has_the_same_first_keys_for_every_row(bench, capsys) -> None:
    rows = [
        bench.Row(name="a", ours=1.0, baseline=2.0, unit="s"),
        bench.Row(
            name="b", ours=1.0, baseline=2.0, unit="s", most=0.5, baseline_peak_mb=7.0, note="how", how="where"
        ),
    ]
    bench.show("Title", rows, as_json=True)
    first, second = json.loads(capsys.readouterr().out)
    assert list(first) == ["name", "ours", "baseline", "unit", "ratio", "target", "peak_mb"]
    assert (
        second.items()
        >= {"most": 0.5, "missed": True, "baseline_peak_mb": 7.0, "note": "how", "how": "where"}.items()
    )


def test_a_table_has_both_peaks_and_each_note_once(bench, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    how = "python bench/x.py: 2 cores [here]"
    rows = [
        bench.Row(
            name="a", ours=1.0, baseline=2.0, unit="s", peak_mb=3.25, baseline_peak_mb=4.0, how=how, note="three"
        ),
        bench.Row(name="b", ours=1.0, baseline=2.0, unit="s", most=0.5, how=how),
    ]
    bench.show("Title", rows, as_json=False)
    out = capsys.readouterr().out
    assert "3.2 / 4.0" in out
    assert "at most 0.5" in out
    assert "a: three" in out
    assert out.count(how) == 1
    assert "b:" not in out


def test_times_are_halved_by_quartiles(bench) -> None:
    times = bench.Times([5.0, 1.0, 3.0, 2.0, 4.0])
    assert (times.median, times.spread) == (3.0, (2.0, 4.0))


def test_who_goes_first_alternates(bench) -> None:
    order: list[str] = []
    ours, baseline = bench.interleave(lambda: order.append("o"), lambda: order.append("b"), repeats=2)
    assert "".join(order) == "obboob"
    assert (len(ours.seconds), len(baseline.seconds)) == (2, 2)
