"""Keeps the translations in step with the English texts: `make texts` writes, `make lint` checks (`--check`).

What is said in the code (`say`, `say_many`, `mark`) and in the exercises' checks (mistakes, names of parts) is
gathered, and each translation's messages.po is brought up to it: with the sentences that are common to all, and those
of the lectures of which the translation has a folder. A sentence that has changed keeps its old translation as a
fuzzy one, which is not spoken until somebody has looked at it.

    texts.py             write every messages.po; one is begun for a new folder in src/zth/locale
    texts.py --check     change nothing; exit code 1 where something is stale, missing or wrong
    texts.py --reviewed FILE ...    these translated files fit the English of today
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import json
import re
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from babel import UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.pofile import PoFileError, read_po, write_po

from zth.cli import COMMANDS
from zth.errors import ZthError
from zth.texts import HOUSE, LOCALE, languages
from zth.workbook.exercise import Exercise, exercises

_KEPT_OF_HEAD = rb'msgid|msgstr|"(Language|Plural-Forms|MIME-Version|Content-[A-Za-z-]+):'
MessageId = str | list[str] | tuple[str, ...]
KEYWORDS = {"say": 1, "say_many": 2, "mark": 1}
"""The functions of zth.texts, and how many of their arguments are messages."""
WORKBOOK = HOUSE / "workbook"
LECTURE = re.compile("src/zth/workbook/(l[0-9][^/]*)/")
TEXT_FILES = ("task.md", "stub.py", "solution.md")
"""What a translation has of each exercise of a lecture that it translates, beside the lecture's README.md."""


# --- the English --------------------------------------------------------------------------------------------------


@cache
def said_by_code() -> list[tuple[str, MessageId]]:
    """(file, message), in the order in which they stand there."""
    found: list[tuple[str, MessageId]] = []
    for path in sorted(HOUSE.rglob("*.py")):
        if path.name != "stub.py" and "right" not in path.parts and LOCALE not in path.parents:
            found += [(_place(path), message) for message in called(path.read_text(encoding="utf-8"))]
    return found


def called(code: str) -> Iterator[MessageId]:
    """What `say`, `say_many` and `mark` are called with, where it stands in the call itself.

    Babel's own reader of Python passes over calls inside f-strings, and takes other texts inside a call for messages.

    >>> list(called('say("a {b}", b=1), say(table["x"]), say_many("{n} try", "{n} tries", 3)'))
    ['a {b}', ('{n} try', '{n} tries')]
    """
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        if isinstance(node.func, ast.Name) and node.func.id in KEYWORDS:
            values = [arg.value for arg in node.args[: KEYWORDS[node.func.id]] if isinstance(arg, ast.Constant)]
            texts = [value for value in values if isinstance(value, str)]
            if any(isinstance(arg, ast.JoinedStr) for arg in node.args):
                raise SyntaxError(f"line {node.lineno}: no f-string is in a catalogue; pass its values by name")
            if len(texts) == KEYWORDS[node.func.id]:
                yield texts[0] if len(texts) == 1 else (texts[0], texts[1])


def english(lectures: Collection[str]) -> Catalog:
    """What is said everywhere, and in these lectures."""
    catalog = Catalog(project="zth", charset="utf-8")
    for place, message in said_by_code():
        lecture = LECTURE.match(place)
        if lecture is None or lecture[1] in lectures:
            catalog.add(message, locations=[(place, 0)])
    for exercise in exercises():
        if exercise.folder.parent.parent == WORKBOOK and exercise.folder.parent.name in lectures:
            for message in said_by(exercise):
                catalog.add(message, locations=[(_place(exercise.folder / "check.py"), 0)])
    return catalog


def said_by(exercise: Exercise) -> Iterator[str]:
    """The names of an exercise's parts, where they are words, and its mistakes.

    >>> list(said_by(exercises()[0]))[0]
    'chain rule forgotten'
    """
    yield from (part.name for part in exercise.parts if not _is_code(part.name))
    for mistake in exercise.mistakes:
        yield from (mistake.name, mistake.says)


def _is_code(name: str) -> bool:
    """Whether a part is called by what a learner types ("x - y"), which is the same in every language."""
    try:
        compile(name, name, "eval")
    except SyntaxError:
        return False
    return True


def _place(path: Path) -> str:
    return path.relative_to(HOUSE.parents[1]).as_posix()


# --- a translation ------------------------------------------------------------------------------------------------


def catalogue(language: str) -> Catalog:
    """What a translation says, brought up to the English of now."""
    path = LOCALE / language / "messages.po"
    own = Catalog(locale=language, project="zth", charset="utf-8")
    if path.is_file():
        with path.open("rb") as file:
            own = read_po(file, locale=language, abort_invalid=True)
    own.update(english(lectures(language)))
    return own


def written(catalog: Catalog) -> bytes:
    """As a .po file, without what changes from day to day: two branches that gather the same write the same."""
    file = io.BytesIO()
    write_po(file, catalog, width=110, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
    head, _, rest = file.getvalue().partition(b"\n\n#:")
    lines = [line for line in head.splitlines() if re.match(_KEPT_OF_HEAD, line)]
    return b"\n".join([*lines, b"", b"#:" + rest])


def lectures(language: str) -> list[str]:
    """The folders of those that a translation has."""
    return sorted(path.name for path in (LOCALE / language).glob("l[0-9]*") if path.is_dir())


def catalogues() -> dict[Path, bytes]:
    """Every messages.po as it should be."""
    folders = sorted(path for path in LOCALE.iterdir() if path.is_dir() and not path.name.startswith("_"))
    return {folder / "messages.po": written(catalogue(folder.name)) for folder in folders}


def wrong(language: str) -> Iterator[str]:
    """What is wrong in a translation: something missing, or places, markup or code that the English does not have."""
    with (LOCALE / language / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    for message in catalog:
        if message.id:
            for problem in _wrong_message(message, catalog):
                yield f"locale/{language}/messages.po: {_forms(message.id)[0]!r} {problem}"
    yield from _wrong_files(language)


def _wrong_message(message: Message, catalog: Catalog) -> Iterator[str]:
    if message.fuzzy or not all(_forms(message.string)):
        yield "is fuzzy: look at its translation" if message.fuzzy else "is not translated"
        return
    if message.pluralizable and len(_forms(message.string)) != catalog.num_plurals:
        yield f"has not the {catalog.num_plurals} forms that {catalog.locale} needs"
    kept = _kept(_forms(message.id)[0])
    for form in _forms(message.string):
        if _kept(form) != kept:
            yield f"and its translation differ in {', '.join(sorted(_kept(form) ^ kept))}"


def _forms(texts: MessageId | None) -> list[str]:
    return [texts or ""] if texts is None or isinstance(texts, str) else list(texts)


def _kept(text: str) -> set[str]:
    """What a translation keeps as it is: {places}, [markup], `code`, commands and options."""
    commands = "|".join(name for group in COMMANDS.values() for name, _, _ in group)
    kept = rf"\{{[^{{}} ]*\}}|\[[^\]]*\]|`[^`]+`|\bzth (?:{commands})\b|--[a-z]+"
    return set(re.findall(kept, text))


# --- translated files ---------------------------------------------------------------------------------------------


def _wrong_files(language: str) -> Iterator[str]:
    folder = LOCALE / language
    seen = _seen(language)
    exercises = [path.parent for each in lectures(language) for path in WORKBOOK.glob(f"{each}/e[0-9]*/task.md")]
    wanted = {f"{each.parent.name}/{each.name}/{name}" for each in exercises for name in TEXT_FILES}
    wanted |= {f"{lecture}/README.md" for lecture in lectures(language)}
    there = {path.relative_to(folder).as_posix() for path in folder.glob("l*/**/*") if path.is_file()}
    for name in sorted(wanted | there):
        if name not in there:
            yield f"locale/{language}/{name} is missing"
        elif name not in wanted:
            yield f"locale/{language}/{name} translates nothing"
        elif seen.get(name) != _digest(_english(name)):
            yield (
                f"locale/{language}/{name}: the English has changed. Bring it up to it, then: "
                f"scripts/texts.py --reviewed src/zth/locale/{language}/{name}"
            )


def _english(name: str) -> str:
    """The English of a translated file; that of solution.md is the docstring of solution.py."""
    path = WORKBOOK / name
    if path.name != "solution.md":
        return path.read_text(encoding="utf-8")
    solution = ast.parse((path.parent / "solution.py").read_text(encoding="utf-8"))
    return ast.get_docstring(solution) or ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _seen(language: str) -> dict[str, str]:
    path = LOCALE / language / "reviewed.json"
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def review(path: Path) -> None:
    """Remember that a translated file fits the English of now."""
    language, _, name = path.resolve().relative_to(LOCALE).as_posix().partition("/")
    rows = {**_seen(language), name: _digest(_english(name))}
    text = json.dumps(dict(sorted(rows.items())), indent=1) + "\n"
    (LOCALE / language / "reviewed.json").write_text(text, encoding="utf-8")


# --- the command --------------------------------------------------------------------------------------------------


def stale() -> list[str]:
    """What `--check` finds; empty where all is well."""
    found = [
        f"{_place(path)} is stale: make texts"
        for path, text in catalogues().items()
        if not path.is_file() or path.read_bytes() != text
    ]
    return found or [line for language in languages()[1:] for line in wrong(language)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing")
    parser.add_argument("--reviewed", nargs="+", type=Path, metavar="FILE", default=[])
    arguments = parser.parse_args()
    for path in arguments.reviewed:
        review(path)
    if not arguments.check:
        for path, text in catalogues().items():
            path.write_bytes(text)
    problems = stale()
    sys.stderr.writelines(f"texts: {line}\n" for line in problems)
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ZthError, PoFileError, UnknownLocaleError, OSError, SyntaxError, ValueError) as error:
        sys.exit(f"texts: {error}")
