"""A learner's progress -> a section of the page. It is given as plain rows, since the page knows no exercise.

A row, as `zth report` makes it (what is missing is not shown): id, lecture, lecture_title, title, state ("new",
"started", "tried", "passed"), tries, hints, saw_solution, passed (when: ISO 8601), seconds (at it; None: unknown).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from zth.report.markup import escape
from zth.report.numbers import duration
from zth.texts import language, mark, say, say_day, say_many

Row = Mapping[str, Any]

# In the order in which the meter shows them: the words, the colour, and a sign, so that the colour is never alone.
STATES = {
    "passed": (mark("passed"), "same", "✓"),
    "tried": (mark("not yet"), "better", "◐"),
    "started": (mark("started"), "measured", "○"),
    "new": (mark("new"), "untouched", "·"),
}
_COLUMNS = {
    mark("Exercise"): "",
    mark("State"): "",
    mark("Tries"): "number",
    mark("Hints"): "number",
    mark("Time"): "number",
    mark("Passed"): "number",
}
_TITLE = mark("Your exercises")


def desk_section(rows: Sequence[Row]) -> str:
    """How far a learner is: the counts, then each exercise by its lecture; "" where there are no rows."""
    if not rows:
        return ""
    lectures = groupby(rows, key=lambda row: (row.get("lecture", ""), row.get("lecture_title", "")))
    bodies = "".join(_lecture(*lecture, list(each)) for lecture, each in lectures)
    head = "".join(f'<th scope="col"{_side(side)}>{say(name)}</th>' for name, side in _COLUMNS.items())
    return (  # the page around it is in English
        f'<section id="desk" lang="{language().replace("_", "-")}" aria-labelledby="desk-title">'
        f'<h2 id="desk-title">{say(_TITLE)}</h2>'
        f'<p class="prose">{_counted(rows)}</p>{_meter(rows)}'
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="desk-title">'
        f'<table class="desk"><thead><tr>{head}</tr></thead>{bodies}</table></div></section>'
    )


def desk_item(rows: Sequence[Row]) -> str:
    """The section's line in the contents."""
    if not rows:
        return ""
    share = f"{_n_passed(rows)}/{len(rows)}"
    return f'<li><a href="#desk"><span class="n">{share}</span><span>{say(_TITLE)}</span></a></li>'


def _counted(rows: Sequence[Row]) -> str:
    tries, seconds = sum(_count(row, "tries") for row in rows), [_seconds(row) for row in rows]
    known = [value for value in seconds if value is not None]
    return say(
        "<strong>{passed} of {n}</strong> exercises passed{tries}{time}.",
        passed=_n_passed(rows),
        n=len(rows),
        tries=say_many(", in {n} try", ", in {n} tries", tries) if tries else "",
        time=say(" and {time} at the desk", time=duration(sum(known))) if known else "",
    )


def _meter(rows: Sequence[Row]) -> str:
    counts = {state: sum(_state(row) == state for row in rows) for state in STATES}
    present = [state for state in STATES if counts[state]]
    track = "".join(f'<i class="{STATES[state][1]}" style="--share:{counts[state]}"></i>' for state in present)
    items = "".join(
        f'<li class="{STATES[state][1]}"><span><b>{counts[state]}</b> {say(STATES[state][0])}</span></li>'
        for state in present
    )
    return f'<div class="meter"><div class="track" aria-hidden="true">{track}</div><ul>{items}</ul></div>'


def _lecture(number: object, title: object, rows: Sequence[Row]) -> str:
    share = say("{passed} of {n}", passed=_n_passed(rows), n=len(rows))
    passed = f'<span class="soft">{share}</span>'
    name = f"{escape(number)} {escape(title)}".strip()
    head = f'<tr><th scope="rowgroup" colspan="{len(_COLUMNS)}">{name} {passed}</th></tr>'
    begun = any(_state(row) != "new" for row in rows)  # a lecture nobody has begun takes one line
    return f"<tbody>{head}{''.join(map(_exercise, rows)) if begun else ''}</tbody>"


def _exercise(row: Row) -> str:
    words, colour, sign = STATES[_state(row)]
    badge = f'<span class="badge {colour}"><span aria-hidden="true">{sign}</span> {say(words)}</span>'
    if row.get("saw_solution"):
        badge += f' <span class="soft">{say("saw the solution")}</span>'
    seconds = _seconds(row)
    cells = [
        badge,
        str(_count(row, "tries") or ""),
        str(_count(row, "hints") or ""),
        duration(seconds) if seconds is not None else "",
        _day(row.get("passed")),
    ]
    sides = list(_COLUMNS.values())[1:]
    told = "".join(f"<td{_side(side)}>{cell}</td>" for side, cell in zip(sides, cells, strict=True))
    name = f'<span class="n">{escape(row.get("id", ""))}</span><span>{escape(row.get("title", ""))}</span>'
    return f'<tr><th scope="row">{name}</th>{told}</tr>'


def _side(side: str) -> str:
    return f' class="{side}"' if side else ""


def _state(row: Row) -> str:
    state = str(row.get("state", "new"))
    return state if state in STATES else "new"


def _n_passed(rows: Sequence[Row]) -> int:
    return sum(_state(row) == "passed" for row in rows)


def _count(row: Row, name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else 0


def _seconds(row: Row) -> float | None:
    value = row.get("seconds")
    return float(value) if isinstance(value, (int, float)) else None


def _day(moment: object) -> str:
    """
    >>> _day("2026-11-24T17:40:11.123+00:00"), _day("")
    ('24 November 2026', '')
    """
    try:
        return say_day(datetime.fromisoformat(str(moment)))
    except ValueError:
        return ""
