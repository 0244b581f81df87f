"""bench/scalar_gpt.py: every row is made, at tiny sizes, and sides that train otherwise are found."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.fixture
def bench(modules, monkeypatch) -> ModuleType:
    import scalar_gpt

    short = [[0, 5, 0], [0, 1, 0], [0, 9, 0], [0, 2, 0]]
    settings = {"TURNS": 2, "PER_TURN": 1, "WHOLE": 3, "USUAL": 3, "documents": lambda *_: short}
    for name, value in settings.items():
        monkeypatch.setattr(scalar_gpt, name, value)
    return scalar_gpt


def test_every_row(bench) -> None:
    rows = {row.name: row for row in bench.measure()}
    assert len(rows) == 9
    assert [row.target for row in rows.values() if row.target] == [3.0, 100.0]
    assert all(row.ours > 0 and row.baseline > 0 and "one thread" in row.how for row in rows.values())
    assert rows["3 documents, tapes included"].note.startswith("loss of the last 100: ")


def test_the_sides_must_agree(bench) -> None:
    class Side:
        def __init__(self, losses: list[float]) -> None:
            self.losses = losses

    bench.agree({bench.ENGINE: Side([3.0, 2.0]), bench.REPLAY: Side([3.0, 2.0 + 1e-12])})
    for other in ([3.0], [3.0, 2.0 + 1e-8]):
        with pytest.raises(AssertionError, match="replay"):
            bench.agree({bench.ENGINE: Side([3.0, 2.0]), bench.REPLAY: Side(other)})
