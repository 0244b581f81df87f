"""`zth prove`: mutants and the matrix, as they are printed."""

from __future__ import annotations

import json

import pytest

from zth.cli import main
from zth.cli import prove as command
from zth.workbook.mutants import Mutant
from zth.workbook.mutation import Fate, Mutation


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def survived(why: str) -> Mutation:
    """A hundred mutants, of which one has passed."""
    changed = Mutant(file="right/a.py", line=3, was="xs[i]", now="xs[None]", kind="Name", source="")
    fates = [Fate(mutant=changed, outcome="named", said="a slip")] * 99
    return Mutation(
        exercise="1.1", places=300, fates=[*fates, Fate(mutant=changed, outcome="survived", said=why)], idle=[]
    )


def test_a_survivor_is_shown_as_a_change(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(command, "judge_mutants", lambda *_: survived(""))
    code, out, err = run(capsys, "prove", "1.1", "--mutate")
    assert code == 1
    for told in ("right/a.py, line 3", "- xs[i]", "+ xs[None]", "Not explained", "99.0 %"):
        assert told in out
    assert "not as it should be: 1.1" in err
    assert "97 % of all are wanted: met, 99.00 %" in out
    monkeypatch.setattr(command, "judge_mutants", lambda *_: survived("It is [always] the same."))
    code, out, err = run(capsys, "prove", "1.1", "--mutate")
    assert code == 0
    assert "It is [always] the same." in out


def test_an_interruption_keeps_what_is_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [survived("why")]

    def interrupted(*_: object) -> Mutation:
        if not known:
            raise KeyboardInterrupt
        return known.pop()

    monkeypatch.setattr(command, "judge_mutants", interrupted)
    code, out, _ = run(capsys, "prove", "--mutate", "--json")
    assert code == 130
    (told,) = json.loads(out)
    assert (told["exercise"], told["rejected"], told["survived"], told["ok"]) == ("1.1", 99, 1, True)


def test_mutants_of_a_real_exercise(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "prove", "1.1", "--mutate", "--mutants", "3", "--json")
    (told,) = json.loads(out)
    assert code == (0 if told["ok"] else 1)
    assert (told["mutants"], told["rejected"] + told["survived"], told["idle"]) == (3, 3, [])
    assert told["rejected"] > 0
    assert told["places"] > 200
    assert all(fate["was"] != fate["now"] and fate["said"] for fate in told["fates"])


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [(("--mutate", "--matrix"), "are two proofs"), (("--mutate", "--mutants", "0"), "at least 1; got 0")],
)
def test_what_makes_no_sense_is_told(
    arguments: tuple[str, ...], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "prove", "1.1", *arguments)
    assert code == 2
    assert wanted in " ".join(err.split())
