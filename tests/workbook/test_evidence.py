"""What a mark rests on, in words and in digests."""

from __future__ import annotations

import numpy as np
import torch

from zth.workbook.answer import Raised
from zth.workbook.check import Part
from zth.workbook.evidence import Collected, digest
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge

PART = Part(name="f", ask=lambda answer, x: answer.f(x), cases=[])


def test_a_digest_tells_values_apart_to_the_last_bit() -> None:
    x = torch.tensor([1.0, 2.0])
    assert digest(x) == digest(x.clone())
    others = [
        torch.nextafter(x, x + 1),
        x.double(),
        x.numpy(),
        x[:, None],
        [1.0, 2.0],
        (1.0, 2.0),
        None,
        float("nan"),
    ]
    assert len({digest(value) for value in [x, *others]}) == len(others) + 1


def test_what_cannot_travel_counts_by_what_it_shows_without_its_address() -> None:
    class Mine:
        pass

    assert digest(Mine()) == digest(Mine())
    assert digest([Mine()]) != digest([PART])
    loop: list[object] = []
    loop.append(loop)
    assert len(digest(loop)) == 16


def test_cases_are_kept_in_the_order_of_asking() -> None:
    collected = Collected()
    collected(PART, (np.float64(2),), 4, 4)
    before = collected.digest
    told = {"type": "ValueError", "bases": [], "message": "at 0x7f12", "frames": [], "note": "", "values": {}}
    collected(PART, (3,), Raised(told), 9)
    assert [case.call for case in collected.cases] == ["f(2.0)", "f(3)"]
    assert collected.cases[1].got == "raised ValueError: at 0x..."
    assert collected.digest != before


def test_a_verdict_has_its_witness_and_is_the_same_with_it(jail: Jail) -> None:
    exercise = get("5.2")
    collected, again = Collected(), Collected()
    path = exercise.right_answers[0]
    verdict = judge(exercise, path, jail, collected)
    assert verdict.ok
    assert judge(exercise, path, jail, again).ok
    assert len(collected.cases) == sum(len(part.inputs()) for part in exercise.parts)
    assert collected.cases == again.cases
    assert collected.digest == again.digest
