"""The command that proves the checks: by what must pass and fail, by mutants, and under other conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from zth.cli.measure import shown
from zth.cli.terminal import JsonOption, err, out, print_json
from zth.errors import ConfigError
from zth.processes import keep_to_one_thread
from zth.workbook.exercise import Exercise, exercises, get
from zth.workbook.jail import Jail
from zth.workbook.matrix import matrix as judge_across
from zth.workbook.mutation import LEAST_REJECTED, Mutation, rows
from zth.workbook.mutation import mutate as judge_mutants
from zth.workbook.prove import Proof, prove

Flag = Annotated[bool, Parameter(negative="")]
_UNEXPLAINED = (
    "Not explained: add a case to the check, or say in equivalent.toml why it answers every question rightly."
)


def prove_(
    exercise: str = "",
    /,
    *,
    mutate: Flag = False,
    mutants: int = 100,
    matrix: Flag = False,
    as_json: JsonOption = False,
) -> int:
    """Prove that the checks reject what is wrong and accept what is right.

    Parameters
    ----------
    exercise
        Which one, as in 1.2. Default: all.
    mutate
        Make small changes in right answers instead, and count those that the check rejects.
    mutants
        With --mutate: at most so many for each exercise, drawn by a lot that always falls alike.
    matrix
        Judge the right answers instead, in both dtypes, on one and two threads, plain and compiled.
    as_json
        Print each proof as JSON.
    """
    if mutate and matrix:
        raise ConfigError("--mutate and --matrix are two proofs; got both.", "Run one after the other.")
    if mutants < 1:
        raise ConfigError(f"--mutants is at least 1; got {mutants}.", "100 is the default.")
    keep_to_one_thread()
    chosen = [get(exercise)] if exercise else exercises()
    if mutate:
        return _mutate(chosen, mutants, as_json)
    with Jail(preload=("torch",)) as jail:
        return _proofs(chosen, partial(_across if matrix else _prove, jail), as_json)


def _prove(jail: Jail, exercise: Exercise) -> list[Proof]:
    with err().status(f"Proving {exercise.id} ..."):
        return list(prove(exercise, jail))


def _across(jail: Jail, exercise: Exercise) -> list[Proof]:
    with shown(exercise.id) as show:
        return list(judge_across(exercise, jail, partial(show, "right answers")))


def _proofs(chosen: Sequence[Exercise], proved: Callable[[Exercise], list[Proof]], as_json: bool) -> int:
    proofs: list[Proof] = []
    for each in chosen:
        found = proved(each)
        proofs += found
        if not as_json:
            _print_proofs(each, found)
    if as_json:
        print_json([vars(proof) for proof in proofs])
    wrong = sum(not proof.ok for proof in proofs)
    err().print(f"[red]{wrong} of {len(proofs)} failed[/]" if wrong else f"[green]{len(proofs)} proofs hold[/]")
    return 1 if wrong else 0


def _print_proofs(exercise: Exercise, proofs: list[Proof]) -> None:
    table = Table(
        title=f"{exercise.id} {escape(exercise.task.title)}", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("")
    table.add_column("submission", overflow="fold")
    table.add_column("what the check said", overflow="fold")
    for proof in proofs:
        table.add_row("[green]✓[/]" if proof.ok else "[red]✗[/]", escape(proof.submission), escape(proof.why))
    out().print(table)


# --- mutants -------------------------------------------------------------------------------------------------------


def _mutate(chosen: Sequence[Exercise], at_most: int, as_json: bool) -> int:
    found: list[Mutation] = []
    try:
        for each in chosen:
            with shown(each.id) as show:
                found.append(judge_mutants(each, at_most, partial(show, "mutants")))
            if not as_json:
                _print_survivors(found[-1])
    finally:  # an interruption must not cost what is known by then
        if as_json:
            print_json([each.to_json() for each in found])
        elif found:
            _print_mutations(found)
    failed = [each.exercise for each in found if not each.ok]
    told = f"[red]not as it should be: {', '.join(failed)}[/]" if failed else "[green]every survivor is explained[/]"
    err().print(told)
    return 1 if failed else 0


def _print_survivors(each: Mutation) -> None:
    for fate in each.survivors:
        mark = "[green]=[/]" if fate.said else "[red]✗[/]"
        out().print(f"{mark} {each.exercise} {escape(fate.mutant.file)}, line {fate.mutant.line}")
        out().print(f"    [red]- {escape(fate.mutant.was)}[/]\n    [green]+ {escape(fate.mutant.now)}[/]")
        out().print(f"    {escape(fate.said) or _UNEXPLAINED}")
    for key in each.idle:
        out().print(f"[red]✗[/] {each.exercise} equivalent.toml explains what does not pass: {escape(key)}")


def _print_mutations(found: list[Mutation]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("exercise")
    for column in ("places", "mutants", "rejected", "", "named", "raised", "wrong", "stopped", "survived"):
        table.add_column(column, justify="right")
    for row in rows(found):
        table.add_row(*row)
    out().print(table)
    out().print(f"[dim]Wanted: {LEAST_REJECTED:.0%} rejected, and every survivor explained.[/]")
