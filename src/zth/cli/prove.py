"""The command that proves the checks: by what must pass and fail, by mutants, and under other conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from zth.cli.measure import shown
from zth.cli.new_exercise import print_steps, step_rows
from zth.cli.packs import print_broken
from zth.cli.terminal import JsonOption, err, out, print_json
from zth.errors import ConfigError
from zth.processes import keep_to_one_thread
from zth.workbook.exercise import Exercise, drafts, exercises, get
from zth.workbook.jail import Jail
from zth.workbook.matrix import matrix as judge_across
from zth.workbook.mutation import LEAST_REJECTED, Mutation, rows, share_rejected
from zth.workbook.mutation import mutate as judge_mutants
from zth.workbook.prove import Proof
from zth.workbook.unfinished import proofs, steps

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
    """Prove that the checks reject what is wrong and accept what is right. Exit code 1: no; 3: not finished yet.

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
    if not exercise and not matrix:
        chosen += drafts()
    with Jail(preload=("torch",), open_book=True) as jail:
        code = _proofs(chosen, partial(_across if matrix else _prove, jail), as_json)
    return 1 if not exercise and print_broken() else code


def _prove(jail: Jail, exercise: Exercise) -> list[Proof]:
    with err().status(f"Proving {exercise.id} ..."):
        return proofs(exercise, jail)


def _across(jail: Jail, exercise: Exercise) -> list[Proof]:
    with shown(exercise.id) as show:
        return list(judge_across(exercise, jail, partial(show, "right answers")))


def _proofs(chosen: Sequence[Exercise], proved: Callable[[Exercise], list[Proof]], as_json: bool) -> int:
    made: list[Proof] = []
    to_do: list[dict[str, Any]] = []
    for each in chosen:
        found, left = proved(each), steps(each) if each.task.unfinished else []
        made, to_do = made + found, to_do + step_rows(each, left)
        if not as_json:
            _print_proofs(each, found)
            print_steps(each, left)
    if as_json:
        print_json([*map(vars, made), *to_do])
    wrong = sum(not proof.ok for proof in made)
    held = f"[red]{wrong} of {len(made)} failed[/]" if wrong else f"[green]{len(made)} proofs hold[/]"
    err().print(f"{held}[yellow], {len(to_do)} steps to do[/]" if to_do else held)
    return 1 if wrong else 3 if to_do else 0


def _print_proofs(exercise: Exercise, proofs: list[Proof]) -> None:
    named = f"{exercise.id} {escape(exercise.title)}"
    title = f"{named}  [yellow]unfinished[/]" if exercise.task.unfinished else named
    if not proofs:
        out().print(title)
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
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
    few = len(found) > 1 and share_rejected(found) < LEAST_REJECTED
    return 1 if failed or few else 0


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
    shares = ("of all", "not equivalent")
    for column in ("places", "mutants", "rejected", *shares, "named", "raised", "wrong", "stopped", "survived"):
        table.add_column(column, justify="right")
    for row in rows(found):
        table.add_row(*row)
    out().print(table)
    out().print(_whether_enough(share_rejected(found)))


def _whether_enough(share: float) -> str:
    """Of all mutants of this run, those included that are equivalent.

    >>> _whether_enough(0.97), _whether_enough(0.9699)
    ('97 % of all are wanted: met, 97.00 %', '[yellow]97 % of all are wanted: not met, 96.99 %[/]')
    """
    wanted = f"{100 * LEAST_REJECTED:.0f} % of all are wanted"
    if share >= LEAST_REJECTED:
        return f"{wanted}: met, {100 * share:.2f} %"
    return f"[yellow]{wanted}: not met, {100 * share:.2f} %[/]"
