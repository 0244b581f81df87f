"""What a cell shows: a verdict, a hint, a solution. HTML or Markdown where a notebook can, plain text everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zth.notebook import html
from zth.texts import printable, say, say_many
from zth.workbook import told
from zth.workbook.exercise import HINTS, ID, Exercise
from zth.workbook.verdict import PartVerdict, Verdict

_COLOURS = {
    "passed": "good",
    "wrong": "bad",
    "raised": "bad",
    "missing": "bad",
    "inherited": "open",
    "unwritten": "open",
}


def as_calls(text: str) -> str:
    """The workbook's texts name commands; a notebook calls functions.

    >>> as_calls("**Check**: `zth check 5.1`, then `zth measure 5.1`")
    '**Check**: `check("5.1")`, then `zth measure 5.1`'
    """
    return re.sub(rf"\bzth (check|hint|solution) ({ID})", r'\1("\2")', text)


class Shown:
    """Something to show at the end of a cell; `html` or `markdown` is "" where there is none."""

    def text(self) -> str:
        raise NotImplementedError

    def html(self) -> str:
        return ""

    def markdown(self) -> str:
        return ""

    def __repr__(self) -> str:
        return self.text()

    # What Jupyter, JupyterLab, VS Code, Colab and marimo ask an object for; the richest that they can show is shown.

    def _repr_html_(self) -> str | None:
        return self.html() or None

    def _repr_markdown_(self) -> str | None:
        return self.markdown() or None


@dataclass(frozen=True, repr=False, kw_only=True)
class Result(Shown):
    """What `check` found out. `verdict` has it in full; `ok` is whether all is right."""

    exercise: Exercise
    verdict: Verdict
    aside: str = ""
    """What was judged, where it is not the exercise itself."""
    next_move: str = ""

    @property
    def ok(self) -> bool:
        return self.verdict.ok

    @property
    def title(self) -> str:
        return f"{self.exercise.id} {self.exercise.title}"

    @property
    def failure(self) -> PartVerdict | None:
        """What fails first, where there is something to tell about it."""
        found = self.verdict.first_failure
        return None if found is None or found.state == "unreached" else found

    @property
    def printed(self) -> str:
        return "" if self.ok else self.verdict.output.strip()[-1000:]

    def text(self) -> str:
        lines = [f"{self.title}  {self.aside}".rstrip()]
        lines += [
            f"  {told.MARKS[part.state]} {say(part.name)}  {told.word(part)}".rstrip() for part in self.verdict.parts
        ]
        if self.failure is not None:
            rows = told.rows(self.failure)
            width = max((len(label) for label, _ in rows), default=0)
            lines += ["", *(f"  {label:<{width}}  {content}" for label, content in rows)]
            lines += ["", f"  {self.failure.says}"] if self.failure.says else []
        if self.verdict.trouble:
            lines += ["", f"  {told.trouble(self.verdict)}"]
        if self.printed:
            lines += ["", f"  {say('Your code printed:')}", *(f"    {line}" for line in self.printed.splitlines())]
        return printable("\n".join([*lines, "", f"{told.conclusion(self.verdict)} {self.next_move}".rstrip()]))

    def html(self) -> str:
        parts = [html.heading(self.title, self.aside), self._list()]
        if self.failure is not None:
            rows = [(html.dim(label), html.monospaced(content)) for label, content in told.rows(self.failure)]
            parts += [html.table(rows), html.paragraph(self.failure.says, strong=True)]
        if self.verdict.trouble:
            parts.append(html.paragraph(told.trouble(self.verdict), strong=True))
        if self.printed:
            parts += [html.paragraph(say("Your code printed:"), dim=True), html.preformatted(self.printed)]
        parts += [
            html.paragraph(told.conclusion(self.verdict), strong=True),
            html.paragraph(self.next_move, dim=True),
        ]
        return html.block(parts, colour="good" if self.ok else "bad" if self._is_wrong() else "open")

    def _is_wrong(self) -> bool:
        """Rather than not written yet."""
        return bool(self.verdict.trouble) or self.failure is None or self.failure.state != "unwritten"

    def _list(self) -> str:
        """All parts; folded where there are many and all are right."""
        parts = self.verdict.parts
        marks = [html.mark(told.MARKS[part.state], _COLOURS.get(part.state, "")) for part in parts]
        rows = [
            (f"{mark} {html.monospaced(say(part.name))}", html.dim(told.word(part)))
            for mark, part in zip(marks, parts, strict=True)
        ]
        listed = html.table(rows)
        summary = say_many("{n} part", "{n} parts", len(parts))
        return html.folded(summary, listed) if self.ok and len(parts) > 6 else listed


@dataclass(frozen=True, repr=False, kw_only=True)
class Hint(Shown):
    """One hint of three."""

    exercise: Exercise
    number: int

    @property
    def _title(self) -> str:
        return told.hint_title(self.exercise, self.number)

    @property
    def _says(self) -> str:
        return as_calls(self.exercise.task.hints[self.number])

    @property
    def _more(self) -> str:
        return say("More: {call}", call=f'hint("{self.exercise.id}")') if self.number + 1 < len(HINTS) else ""

    def text(self) -> str:
        return "\n\n".join(filter(None, [self._title, self._says, self._more]))

    def markdown(self) -> str:
        more = f"`{self._more}`" if self._more else ""
        return "\n\n".join(filter(None, [f"**{self._title}**", self._says, more]))


@dataclass(frozen=True, repr=False, kw_only=True)
class Solution(Shown):
    """The explanation, then the source."""

    exercise: Exercise

    def text(self) -> str:
        return self._laid_out(title="{}", code="{}")

    def markdown(self) -> str:
        return self._laid_out(title="### {}", code="```python\n{}\n```")

    def _laid_out(self, *, title: str, code: str) -> str:
        pieces = [
            title.format(f"{self.exercise.id} {self.exercise.title}"),
            as_calls(self.exercise.explanation),
        ]
        for place, source in told.sources(self.exercise):
            pieces += [f"`{place}`", code.format(source.rstrip())]
        return "\n\n".join(pieces)


@dataclass(frozen=True, repr=False, kw_only=True)
class Picture(Shown):
    """Something drawn; `words` say it where nothing can be drawn."""

    drawing: str
    """HTML of our own making."""
    words: str

    def text(self) -> str:
        return self.words

    def html(self) -> str:
        return f'<div style="overflow-x:auto">{self.drawing}</div>'
