"""Writes docs/exercises: a page for each exercise of the course, from its folder.

    python scripts/exercise_pages.py                  write the pages; what has changed is judged again first
    python scripts/exercise_pages.py --measure 2.3    measure 2.3 as well (or all), and keep its figures

What takes time is kept beside the pages: verdicts.json has what a learner sees for each mistake, as the judge said it
of a file that makes this mistake, and a digest of what it depends on; figures.json has the last measurement of each
exercise. So writing the pages is a matter of moments, and the same folders give the same bytes
(tests/test_exercise_pages.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from zth.errors import ExerciseError, ZthError
from zth.files import atomic_write, write_json
from zth.report import figure_texts
from zth.runs import Figure, figure_row, read
from zth.workbook.check import Limits
from zth.workbook.exercise import HINTS, Exercise, exercises, get
from zth.workbook.jail import Jail
from zth.workbook.measure import measure
from zth.workbook.pack import COURSE
from zth.workbook.prove import judge_mistake
from zth.workbook.verdict import PartVerdict

DOCS = Path(__file__).parents[1] / "docs" / "exercises"
SEED = 42
HINT_NAMES = dict(zip(HINTS, ("a nudge", "the idea", "the line"), strict=True))
WRITTEN = "<!-- Written by `make pages` from the exercise's folder: change that, not this. -->"

Facts = Mapping[str, Any]
"""What verdicts.json or figures.json holds, by exercise id."""


def course() -> list[Exercise]:
    return [exercise for exercise in exercises() if exercise.pack == COURSE]


def load(name: str) -> dict[str, Any]:
    path = DOCS / name
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def pages(verdicts: Facts, figures: Facts) -> dict[str, str]:
    """File name -> text, of every page."""
    return {"index.md": index(figures)} | {
        f"{each.id}.md": page(each, verdicts.get(each.id, {}), figures.get(each.id, {})) for each in course()
    }


# --- what is kept -------------------------------------------------------------------------------------------------


def digest(exercise: Exercise) -> str:
    """Of all that an exercise's verdicts depend on inside its folder: its code, without the right answers."""
    found = hashlib.sha256()
    for path in sorted(exercise.folder.glob("*.py")):
        if path.name != "measure.py":
            found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def stale(verdicts: Facts) -> list[Exercise]:
    """The exercises whose verdicts were made from other code."""
    return [each for each in course() if verdicts.get(each.id, {}).get("digest") != digest(each)]


class _Patient(Exercise):
    """The same exercise with all the time in the world: how busy this machine is, is nobody's mistake."""

    @property
    def limits(self) -> Limits:
        return replace(super().limits, seconds=600.0)


def judged(exercise: Exercise) -> dict[str, Any]:
    """What a learner sees for each known mistake, for real. Raises ExerciseError where one is not named."""
    rows = []
    patient = _Patient(exercise.folder, exercise.pack)
    with Jail(
        preload=("torch", f"{exercise.package}.check"), open_book=True
    ) as jail:  # imported once for all of them
        for number, mistake in enumerate(exercise.mistakes):
            verdict = judge_mistake(patient, number, jail)
            failure = verdict.first_failure
            if failure is None or failure.mistake != mistake.name:
                told = verdict.trouble or (failure.says if failure else "it passed")
                problem = f"{exercise.id} does not name {mistake.name!r}: {told}."
                raise ExerciseError(problem, f"zth prove {exercise.id}")
            rows.append({"mistake": mistake.name, **_seen(failure)})
    return {"digest": digest(exercise), "mistakes": rows}


def _seen(failure: PartVerdict) -> dict[str, str]:
    fields = ("name", "state", "call", "got", "wanted", "difference", "says")
    return {field: str(getattr(failure, field)) for field in fields if getattr(failure, field)}


def measured(exercise: Exercise) -> dict[str, Any]:
    """The figures of a fresh quick measurement, and all that decides them."""
    with tempfile.TemporaryDirectory(prefix="zth-pages-") as runs:
        record = read(measure(exercise, preset="quick", seed=SEED, root=Path(runs)).folder)
    kept = ("command", "seed", "started", "seconds", "data", "versions", "machine")
    return {
        **{name: record.meta[name] for name in kept if name in record.meta},
        "figures": [figure_row(figure) for figure in record.figures],
    }


# --- a page -------------------------------------------------------------------------------------------------------


def page(exercise: Exercise, verdicts: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    task = exercise.task
    about = [f"Builds on [{need}]({need}.md){f': {prose(why)}' if why else ''}." for need, why in task.needs.items()]
    about += [f"In the video: [{clip}]({clip.link})." for clip in exercise.clips]
    sections = [
        f"# {exercise.id} {prose(task.title)}",
        WRITTEN,
        " ".join(about),
        task.statement,
        f"Begin: `zth start {exercise.id}`. Judge what you have written: `zth check {exercise.id}`.",
        "## Hints",
        *(
            folded(f"Hint {n}: {HINT_NAMES[name]}", hint)
            for n, (name, hint) in enumerate(zip(HINTS, task.hints, strict=True), 1)
        ),
        "## Mistakes that are recognised",
        mistakes_table(exercise, verdicts.get("mistakes", [])),
        "## Measured",
        measured_table(exercise, figures),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def folded(summary: str, text: str) -> str:
    """Hidden until somebody asks for it, in the site as on GitHub; the blank lines make its inside Markdown."""
    return f'<details markdown="1">\n<summary>{summary}</summary>\n\n{text}\n\n</details>'


def mistakes_table(exercise: Exercise, rows: list[dict[str, str]]) -> str:
    """Mistake, where the judge first sees it, and what the learner reads."""
    intro = (
        f"The check tells {len(rows)} wrong answers from any other, and from each other. This is what the judge said "
        "of a file that makes this one mistake and no other; where more than one part is wrong, the first is told."
    )
    body = [
        f"| {cell(prose(row['mistake']))} | {cell(_where(row))} | {cell(prose(row.get('says', '')))} |"
        for row in rows
    ]
    head = ["| mistake | where it shows | what the learner reads |", "| --- | --- | --- |"]
    return "\n".join([intro, "", *head, *body]) if rows else f"Not judged yet: `make pages` ({exercise.id})."


def _where(row: Mapping[str, str]) -> str:
    """The call, and how the result differs, as on the learner's screen."""
    call = code(row.get("call", row["name"]))
    told = row.get("difference", "") or (f"got {row['got']}" if row.get("got") else "")
    return f"{call}: {prose(told)}" if told else call


def measured_table(exercise: Exercise, found: Mapping[str, Any]) -> str:
    if not exercise.has_measurement:
        return "This exercise asks no question of the data."
    if not found.get("figures"):
        return f"`zth measure {exercise.id}` answers the exercise's question with data."
    head = ["| figure | measured | reference | source | verdict |", "| --- | ---: | ---: | --- | --- |"]
    rows = [_figure(Figure(**_only_fields(row))) for row in found["figures"]]
    versions = ", ".join(f"{name} {found['versions'][name]}" for name in ("python", "torch", "numpy"))
    machine = f"{found['machine'].get('processor', 'unknown')}, {found['machine'].get('cores', '?')} cores"
    data = "".join(f"; {entry['edition']} ({entry['sha256'][:8]})" for entry in found.get("data", []))
    told = (
        f"`{' '.join(found['command'])}`, {found['started'][:10]}, {found['seconds']:.1f} s on {machine}; {versions}"
        f"{data}. The table, the plots and what they say: run it, then `zth report`."
    )
    return "\n".join([*head, *rows, "", told])


def _figure(figure: Figure) -> str:
    value, reference = figure_texts(figure)
    cells = [prose(figure.name), f"{value} {prose(figure.unit)}", reference, prose(figure.source), figure.verdict]
    return f"| {' | '.join(cell(text) for text in cells)} |"


def _only_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("name", "unit", "reference", "source", "better", "tolerance")}
    reference = None if kept["reference"] is None else float(kept["reference"])
    return {**kept, "value": float(row["value"]), "reference": reference}  # "inf" is how JSON keeps an infinity


def index(figures: Facts) -> str:
    """All exercises by lecture, with what each has."""
    pieces = [
        "# The exercises",
        WRITTEN,
        "Each page has the statement, the hints (folded), the wrong answers that are recognised, with what the judge "
        "says of them, and the figures of the exercise's experiment. The solutions: `zth solution`, after a try.",
    ]
    for lecture, found in groupby(course(), key=lambda each: each.lecture):
        rows = [
            f"| [{each.id}]({each.id}.md) | {cell(prose(each.title))} | {len(each.right_answers)} "
            f"| {len(figures.get(each.id, {}).get('figures', [])) or '–'} |"
            for each in found
        ]
        head = ["| | exercise | right answers in other styles | figures |", "| --- | --- | ---: | ---: |"]
        pieces += [f"## Lecture {lecture.number}: {prose(lecture.title)}", "\n".join([*head, *rows])]
    return "\n\n".join(pieces) + "\n"


def prose(text: str) -> str:
    r"""A person's words as Markdown that shows them as they are; `code` in backticks stays code.

    >>> prose("W**2 and `a*b`")
    'W\\*\\*2 and `a*b`'
    """
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(part if i % 2 else re.sub(r"([\\*_<\[\]#~])", r"\\\1", part) for i, part in enumerate(parts))


def code(text: str) -> str:
    """A call as code, with fences that nothing in it can close.

    >>> code("f(x)"), code("f(`x`)")
    ('`f(x)`', '`` f(`x`) ``')
    """
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def cell(text: str) -> str:
    """Text that cannot end its cell of a table.

    >>> cell("a | b")
    'a \\\\| b'
    """
    return " ".join(text.split()).replace("|", "\\|")


# --- the command --------------------------------------------------------------------------------------------------


def write(texts: Mapping[str, str]) -> Iterator[str]:
    """Write the pages that have changed, and take away those of exercises that are gone -> their names."""
    DOCS.mkdir(parents=True, exist_ok=True)
    for path in sorted(DOCS.glob("*.md")):
        if path.name not in texts:
            path.unlink()
            yield path.name
    for name, text in texts.items():
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            atomic_write(path, text)
            yield name


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/exercises from the exercise folders.")
    parser.add_argument("--measure", metavar="ID", nargs="+", default=[], help="exercises to measure first, or: all")
    options = parser.parse_args()
    verdicts, figures = load("verdicts.json"), load("figures.json")
    try:
        chosen = course() if options.measure == ["all"] else [get(name) for name in options.measure]
        DOCS.mkdir(parents=True, exist_ok=True)
        for exercise in stale(verdicts):
            print(f"judging the mistakes of {exercise.id}", file=sys.stderr)
            verdicts[exercise.id] = judged(exercise)
            write_json(DOCS / "verdicts.json", dict(sorted(verdicts.items())))  # Ctrl-C keeps what is done
        for exercise in chosen:
            print(f"measuring {exercise.id}", file=sys.stderr)
            figures[exercise.id] = measured(exercise)
            write_json(DOCS / "figures.json", dict(sorted(figures.items())))
    except ZthError as error:
        print(error, file=sys.stderr)
        return 2
    changed = list(write(pages(verdicts, figures)))
    print(f"{len(changed)} of {len(course()) + 1} pages changed", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
