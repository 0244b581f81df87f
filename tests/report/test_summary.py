from __future__ import annotations

import pytest

from zth.report import summary
from zth.runs import Run, find


def test_counts_rows_time_and_what_did_not_finish(runs_folder):
    total = summary(find(runs_folder))
    # three runs of one figure each verdict, and the hostile one's that is as its reference
    assert total.counts == {"as the course": 4, "better": 3, "worse": 3, "measured": 3}
    assert len(total.rows) == 13
    assert [(record.name, record.status) for record in total.unfinished] == [
        ("2.2", "interrupted"),
        ("2.5", "failed"),
        ("2026-01-01_000000_measure-1.1", "damaged"),
    ]
    shown = [section.record.meta.get("seconds") or 0 for section in total.sections]
    assert total.seconds == pytest.approx(sum(shown), rel=1e-12)


def test_only_the_shown_run_of_a_name_counts(tmp_path):
    for value in (1.0, 2.0):
        with Run.create(kind="measure", name="1.1", root=tmp_path) as run:
            run.figure("n", value)
    total = summary(find(tmp_path))
    assert [row["value"] for row in total.rows] == [2.0]


def test_nothing():
    total = summary([])
    assert (total.rows, total.unfinished, total.seconds) == ([], [], 0.0)
    assert set(total.counts.values()) == {0}
