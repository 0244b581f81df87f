"""Marks as one HTML page: the class at a glance, then each student's rows, folded. No script, no network."""

from __future__ import annotations

from html import escape

from zth.texts import language, mark, say, say_many
from zth.workbook import told
from zth.workbook.handout import version
from zth.workbook.marks import Mark, Marks, PartMark, Student, how_long
from zth.workbook.marks_files import by_exercise, is_whole, rounded

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto }
th, td { padding: .2rem .6rem; text-align: left; border-bottom: 1px solid #8884; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.whole { background: #2a84 } .part { background: #da24 } .none { background: #d334 } .empty { opacity: .6 }
.look { outline: 2px solid #d33 }
details { margin: .5rem 0 } summary { cursor: pointer }
code { white-space: pre-wrap; overflow-wrap: anywhere }
"""

_COLUMNS = {
    "exercise": mark("exercise"),
    "mean": mark("mean"),
    "of": mark("of"),
    "whole": mark("whole"),
    "not begun": mark("not begun"),
    "missing": mark("missing"),
    "look": mark("look"),
}
"""Those of `by_exercise`."""


def to_html(marks: Marks) -> str:
    """The whole page. Everything that a student wrote is escaped."""
    title = escape(say("Marks: {name}", name=marks.handout.name))
    due = f"<p>{escape(say('Due {when}.', when=marks.due.isoformat(sep=' ')))}</p>" if marks.due else ""
    n = say_many("{n} student", "{n} students", len(marks.students))
    points = say("{n:g} points", n=rounded(marks.handout.points))
    return (
        f'<!doctype html>\n<html lang="{language().replace("_", "-")}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n<p>{escape(n)}, {escape(points)}; zth {version()}.</p>\n"
        f"{due}\n{_exercises(marks)}\n{_class(marks)}\n<h2>{escape(say('Each student'))}</h2>\n"
        + "\n".join(_student(number, student) for number, student in enumerate(marks.students))
        + "\n</html>\n"
    )


def _exercises(marks: Marks) -> str:
    rows = by_exercise(marks)
    head = "".join(f'<th class="n">{escape(say(_COLUMNS[name]))}</th>' for name in (rows[0] if rows else {}))
    body = "".join("<tr>" + "".join(_number(value) for value in row.values()) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _number(value: object) -> str:
    return f'<td class="n">{f"{value:g}" if isinstance(value, float) else value}</td>'


def _class(marks: Marks) -> str:
    ids = [each.exercise.id for each in marks.handout.assigned]
    head = "".join(f'<th class="n">{escape(each)}</th>' for each in ids)
    rows = "".join(
        f'<tr><td><a href="#s{number}">{escape(student.name)}</a></td>'
        f'<td class="n">{rounded(student.points):g}</td><td>{_late(student)}</td>'
        f"{''.join(_cell(mark) for mark in student.marks)}</tr>"
        for number, student in enumerate(marks.students)
    )
    return (
        f'<table><thead><tr><th>{escape(say("student"))}</th><th class="n">{escape(say("points"))}</th>'
        f"<th>{escape(say('late'))}</th>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _late(student: Student) -> str:
    if not student.late:
        return ""
    return escape(say("by {time}", time=how_long(student.late_by)) if student.late_by else say("late"))


def _cell(mark: Mark) -> str:
    """Colour by how much is right; the state in words where it is none."""
    kind = "whole" if is_whole(mark) else "part" if mark.points else "none"
    if mark.state in ("missing", "not begun"):
        kind = "empty"
    look = " look" if mark.look else ""
    shown = f"{rounded(mark.points):g}" if mark.state == "judged" else escape(mark.word)
    return f'<td class="n {kind}{look}" title="{escape(mark.says)}">{shown}</td>'


def _student(number: int, student: Student) -> str:
    came = ""
    if student.handed_in:
        when = student.handed_in.isoformat(sep=" ", timespec="minutes")
        came = escape(say(", handed in {when} ({clock})", when=when, clock=say(student.clock)))
    notes = "".join(f"<p>{escape(note)}</p>" for note in student.notes)
    rows = "".join(_row(mark) for mark in student.marks)
    return (
        f'<details id="s{number}"><summary>{escape(student.name)}: {rounded(student.points):g}{came}</summary>'
        f'{notes}<table><thead><tr><th>{escape(say("exercise"))}</th><th class="n">{escape(say("points"))}</th>'
        f'<th class="n">{escape(say("of"))}</th><th>{escape(say("state"))}</th><th>{escape(say("parts"))}</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></details>"
    )


def _row(mark: Mark) -> str:
    shown = mark.parts if mark.state in ("judged", "stopped", "rejected") else ()
    parts = "<br>".join(map(_part, shown))
    note = f"<p>{escape(mark.note)}</p>" if mark.note else ""
    return (
        f'<tr><td>{escape(mark.exercise)}</td><td class="n">{rounded(mark.points):g}</td>'
        f'<td class="n">{rounded(mark.of):g}</td><td>{escape(mark.word)}</td><td>{note}{parts}</td></tr>'
    )


def _part(part: PartMark) -> str:
    says = f" <code>{escape(part.says)}</code>" if part.says else ""
    return f"{escape(say(part.name))}: {escape(told.state(part.state))}{says}"
