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

Row = Mapping[str, Any]

# In the order in which the meter shows them: the words, the colour, and a sign, so that the colour is never alone.
STATES = {
    "passed": ("passed", "same", "✓"),
    "tried": ("not yet", "better", "◐"),
    "started": ("started", "measured", "○"),
    "new": ("new", "untouched", "·"),
}
_COLUMNS = {"Exercise": "", "State": "", "Tries": "number", "Hints": "number", "Time": "number", "Passed": "number"}


def desk_section(rows: Sequence[Row]) -> str:
    """How far a learner is: the counts, then each exercise by its lecture; "" where there are no rows."""
    if not rows:
        return ""
    lectures = groupby(rows, key=lambda row: (row.get("lecture", ""), row.get("lecture_title", "")))
    bodies = "".join(_lecture(*lecture, list(each)) for lecture, each in lectures)
    head = "".join(f'<th scope="col"{_side(side)}>{name}</th>' for name, side in _COLUMNS.items())
    return (
        '<section id="desk" aria-labelledby="desk-title"><h2 id="desk-title">Your exercises</h2>'
        f'<p class="prose">{_counted(rows)}</p>{_meter(rows)}'
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="desk-title">'
        f'<table class="desk"><thead><tr>{head}</tr></thead>{bodies}</table></div></section>'
    )


def desk_item(rows: Sequence[Row]) -> str:
    """The section's line in the contents."""
    if not rows:
        return ""
    share = f"{_n_passed(rows)}/{len(rows)}"
    return f'<li><a href="#desk"><span class="n">{share}</span><span>Your exercises</span></a></li>'


def _counted(rows: Sequence[Row]) -> str:
    tries, seconds = sum(_count(row, "tries") for row in rows), [_seconds(row) for row in rows]
    text = f"<strong>{_n_passed(rows)} of {len(rows)}</strong> exercises passed"
    if tries:
        text += f", in {tries} {'tries' if tries > 1 else 'try'}"
    if known := [value for value in seconds if value is not None]:
        text += f" and {duration(sum(known))} at the desk"
    return f"{text}."


def _meter(rows: Sequence[Row]) -> str:
    counts = {state: sum(_state(row) == state for row in rows) for state in STATES}
    present = [state for state in STATES if counts[state]]
    track = "".join(f'<i class="{STATES[state][1]}" style="--share:{counts[state]}"></i>' for state in present)
    items = "".join(
        f'<li class="{STATES[state][1]}"><span><b>{counts[state]}</b> {STATES[state][0]}</span></li>'
        for state in present
    )
    return f'<div class="meter"><div class="track" aria-hidden="true">{track}</div><ul>{items}</ul></div>'


def _lecture(number: object, title: object, rows: Sequence[Row]) -> str:
    passed = f'<span class="soft">{_n_passed(rows)} of {len(rows)}</span>'
    name = f"{escape(number)} {escape(title)}".strip()
    head = f'<tr><th scope="rowgroup" colspan="{len(_COLUMNS)}">{name} {passed}</th></tr>'
    begun = any(_state(row) != "new" for row in rows)  # a lecture nobody has begun takes one line
    return f"<tbody>{head}{''.join(map(_exercise, rows)) if begun else ''}</tbody>"


def _exercise(row: Row) -> str:
    words, colour, sign = STATES[_state(row)]
    badge = f'<span class="badge {colour}"><span aria-hidden="true">{sign}</span> {words}</span>'
    if row.get("saw_solution"):
        badge += ' <span class="soft">saw the solution</span>'
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
        day = datetime.fromisoformat(str(moment))
    except ValueError:
        return ""
    return f"{day.day} {day:%B %Y}"
