"""A class graded by `zth grade`, against a judge that imports torch for every file.

The class is made from what is in the package: for each student and exercise by lot a right answer in one of its
styles, one with a mistake (an operator that is another), a file that imports the solution, the untouched stub, or
nothing; and a few loops that never end, which cost their whole time limit. No two files that are judged are the same.

    python bench/grade.py                    20 students; the row for 200 is extrapolated from them
    python bench/grade.py --students 200     the whole class
    python bench/grade.py --keep FOLDER      keep the class and its marks there

What is extrapolated, and how, stands below the table.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from _table import Row, Times, show
from zth.machine import machine, n_cores
from zth.processes import keep_to_one_thread
from zth.workbook.exercise import Exercise
from zth.workbook.handout import Handout, chosen, write_lock
from zth.workbook.jail import Jail
from zth.workbook.judge import judge

TEN = ("1.1", "1.2", "2.1", "2.3", "3.2", "4.2", "5.1", "5.2", "6.1", "7.1")
"""From every lecture at least one."""
CLASS = 200
LONGEST = 600.0
"""Seconds that a class of 200 may take on two cores."""
KINDS = {"right": 45, "mistake": 35, "solution": 5, "stub": 10, "missing": 5}
"""How many of a hundred files are of which kind."""
LOOPS = 5
"""Files that never end, in a class of 200."""
_OTHER = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


def make_class(folder: Path, exercises: Sequence[Exercise], students: int, seed: int) -> Counter[str]:
    """Write the submissions -> how many there are of each kind."""
    draw, kinds = random.Random(seed), Counter[str]()
    for number in range(students):
        mine = folder / f"student-{number:03}"
        mine.mkdir(parents=True)
        for exercise in exercises:
            (kind,) = draw.choices(list(KINDS), list(KINDS.values()))
            kinds[kind] += 1
            if kind != "missing":
                (mine / exercise.file_name).write_text(source(exercise, kind, draw), encoding="utf-8")
    loops = LOOPS * students // CLASS
    for number in range(loops):  # instead of what they had
        path = folder / f"student-{number:03}" / exercises[number % len(exercises)].file_name
        path.write_text("while True:\n    pass\n", encoding="utf-8")
    kinds["loop"] = loops
    return kinds


def source(exercise: Exercise, kind: str, draw: random.Random) -> str:
    """One file. All but the stub begin with a line of their own, so that no two are the same."""
    if kind == "stub":
        return exercise.stub.read_text(encoding="utf-8")
    first = f"# by {draw.random()}\n"
    if kind == "solution":
        return f"{first}from zth.workbook.{exercise.folder.parent.name}.{exercise.folder.name}.solution import *\n"
    text = draw.choice(exercise.right_answers).read_text(encoding="utf-8")
    return first + (text if kind == "right" else with_a_mistake(text, draw))


def with_a_mistake(text: str, draw: random.Random) -> str:
    """A right answer in which one operator is another."""
    tree = ast.parse(text)
    places = [node for node in ast.walk(tree) if type(getattr(node, "op", None)) in _OTHER]
    if places:
        place = draw.choice(places)
        place.op = _OTHER[type(place.op)]()  # type: ignore[attr-defined]  # only nodes with an op were kept
    return ast.unparse(tree)


@dataclass(frozen=True, kw_only=True)
class Graded:
    """One run of `zth grade`."""

    seconds: float
    judged: int
    per_check: dict[str, list[float]]
    """Exercise -> the seconds of each of its checks."""


def grade(folder: Path, weights: Path, marks: Path, workers: int) -> Graded:
    """Run the command as a teacher does, and read the times of its checks from its journal."""
    command = [sys.executable, "-m", "zth", "grade", str(folder), "--weights", str(weights), "--out", str(marks)]
    started = time.perf_counter()
    subprocess.run([*command, "--workers", str(workers)], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    per_check: dict[str, list[float]] = {}
    for line in marks.with_suffix(".journal.jsonl").read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        per_check.setdefault(told["exercise"], []).append(told["verdict"]["seconds"])
    return Graded(seconds=seconds, judged=sum(map(len, per_check.values())), per_check=per_check)


def alone(folder: Path, exercises: Sequence[Exercise]) -> Times:
    """Seconds of a check with a jail of its own, as `zth check` has it, of a right answer of each exercise."""
    seconds = []
    for exercise in exercises:
        path = folder / exercise.file_name
        path.write_bytes(exercise.right_answers[0].read_bytes())
        started = time.perf_counter()
        judge(exercise, path)
        seconds.append(time.perf_counter() - started)
    return Times(seconds)


def warm(folder: Path, exercises: Sequence[Exercise]) -> Times:
    """The same files with one jail, as each worker has it."""
    seconds = []
    with Jail(preload=("torch",)) as jail:
        judge(exercises[0], exercises[0].right_answers[0], jail)
        for exercise in exercises:
            started = time.perf_counter()
            judge(exercise, folder / exercise.file_name, jail)
            seconds.append(time.perf_counter() - started)
    return Times(seconds)


def measure(words: Sequence[str], students: int, workers: int, seed: int, root: Path) -> list[Row]:
    exercises = chosen(words)
    lock = root / "handout.toml"
    lock.write_text(write_lock(Handout.of(exercises)), encoding="utf-8")
    kinds = make_class(root / "class", exercises, students, seed)
    found = grade(root / "class", lock, root / "marks.csv", workers)
    cold, hot = alone(root, exercises), warm(root, exercises)
    rows = [
        Row.of_times("a check: one jail for all, or a jail each", hot, cold),
        _whole_class(found, students, exercises, workers),
    ]
    told = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
    print(f"{students} students, {len(exercises)} exercises: {told}; {found.judged} judged", file=sys.stderr)
    for exercise, seconds in sorted(found.per_check.items()):
        median, most = statistics.median(seconds), max(seconds)
        print(f"  {exercise}  {len(seconds):4} checks, median {median:.3f} s, longest {most:.1f} s", file=sys.stderr)
    return rows


def _whole_class(found: Graded, students: int, exercises: Sequence[Exercise], workers: int) -> Row:
    """Seconds for a class of 200: measured, or what was measured times as many students.

    The start of the processes is then counted as often too, and the loops that a small class lacks are added with
    their whole time limit; both make the extrapolation rather too long than too short.
    """
    times = CLASS / students
    lacking = LOOPS - LOOPS * students // CLASS * times
    seconds = found.seconds * times + max(lacking, 0) * max(each.limits.seconds for each in exercises) / workers
    told = "measured" if students == CLASS else f"extrapolated from {found.seconds:.1f} s for {students} students"
    return Row(
        name=f"{CLASS} submissions of {len(exercises)} exercises",
        ours=seconds,
        baseline=LONGEST,
        unit="s",
        most=LONGEST,
        note=f"{told}, {workers} workers; the baseline is the limit that was set.",
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exercises", nargs="*", default=TEN, help="lectures or exercises, as in L2 5.1")
    parser.add_argument("--students", type=int, default=20)
    parser.add_argument("--workers", type=int, default=n_cores())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a new folder for the class and its marks")
    parser.add_argument("--json", action="store_true", help="print a list of rows instead of a table")
    given = parser.parse_args(arguments)
    if given.students < 1 or given.workers < 1:
        parser.error("--students and --workers must be at least 1")
    keep_to_one_thread()
    with _folder(given.keep) as root:
        rows = measure(given.exercises, given.students, given.workers, given.seed, root)
    found = machine()
    command = " ".join(["python bench/grade.py", *sys.argv[1:]])
    how = f"{command}: {found['processor']}, {found['cores']} cores, load {os.getloadavg()[0]:.1f} at the end"
    show("A class graded", [replace(row, how=how) for row in rows], as_json=given.json)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="zth-bench-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    main()
