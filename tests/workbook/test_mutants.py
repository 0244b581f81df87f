"""Mutants: one change each, none that nothing can notice, and a fair choice of them."""

from __future__ import annotations

from zth.workbook.mutants import drawn, mutants

SOURCE = '''"""A file."""

__all__ = ["mean"]
Numbers = list[float]


def mean(xs: Numbers, shift: float = 0.5) -> float:
    """The mean."""
    "a second text"
    assert xs, "nothing to average"
    if not xs:
        raise ValueError("no numbers: " + "give one")
    total = sum(x * y for x, y in zip(xs, xs, strict=True))
    return shift + total
'''


def test_a_mutant_is_the_file_with_one_line_changed() -> None:
    for mutant in mutants("answer.py", SOURCE):
        before, after = SOURCE.splitlines(), mutant.source.splitlines()
        changed = [place for place, (old, new) in enumerate(zip(before, after, strict=True), 1) if old != new]
        assert changed == [mutant.line]
        assert (before[mutant.line - 1].strip(), after[mutant.line - 1].strip()) == (mutant.was, mutant.now)


def test_what_nothing_can_notice_is_left_out() -> None:
    lines = {mutant.line for mutant in mutants("answer.py", SOURCE)}
    assert lines == {7, 13, 14}  # not the texts, types, `__all__`, nor what is refused
    assert not any("strict=False" in mutant.now for mutant in mutants("answer.py", SOURCE))


def test_only_the_lines_that_are_named() -> None:
    assert {mutant.line for mutant in mutants("answer.py", SOURCE, [14])} == {14}


def test_a_change_that_is_no_program_is_left_out() -> None:
    made = mutants("answer.py", "for x in [1, 2]:\n    break\n")  # mutmut makes a return of it, outside a function
    assert not any("return" in mutant.now for mutant in made)


def test_the_choice_is_always_the_same() -> None:
    found = mutants("answer.py", SOURCE)
    chosen = drawn(found, 5)
    assert len(set(chosen)) == 5
    assert set(chosen) < set(found)
    assert chosen == drawn(found, 5)
    assert drawn(found, 1000) == sorted(found, key=lambda mutant: (mutant.line, mutant.now))
    assert drawn([], 10) == []
