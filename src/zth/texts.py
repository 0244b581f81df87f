"""What people read, in their language.

English stands in the code and is its own key: `say("There is no file {path}.", path=path)` looks the sentence up in a
catalogue, and gives it as it is where there is none. A translation is a folder::

    locale/de/
      messages.po                                  sentences (gettext), one English key each
      l01_micrograd/README.md                      a lecture's page
      l01_micrograd/e01_derivatives/task.md        statement and hints; so too stub.py and solution.md

and what it lacks is said in English, piece by piece. docs/translating.md tells how one is made.
"""

from __future__ import annotations

import gettext
import io
import os
import re
from datetime import date
from functools import cache
from pathlib import Path

from zth.errors import ConfigError

SOURCE = "en"
"""The language of the code."""
HOUSE = Path(__file__).parent
LOCALE = HOUSE / "locale"


def say(message: str, /, **values: object) -> str:
    """`message` in the reader's language, with `values` in their {places}; without values it stays as it is.

    >>> say("There is no file {path}.", path="e1_1.py")
    'There is no file e1_1.py.'
    """
    told = _catalogue(language()).gettext(message) if message else ""  # "" is the key of a catalogue's own head
    return told.format(**values) if values else told


def say_many(one: str, many: str, n: int, /, **values: object) -> str:
    """`one` or `many` (or what a language has besides), by how many: `n` is among the values.

    >>> [say_many("{n} try", "{n} tries", n) for n in (1, 3)]
    ['1 try', '3 tries']
    """
    return _catalogue(language()).ngettext(one, many, n).format(n=n, **values)


def say_day(day: date) -> str:
    """A day as people write it.

    >>> say_day(date(2026, 11, 24))
    '24 November 2026'
    """
    if language() == SOURCE:
        return f"{day.day} {day:%B %Y}"
    from babel.dates import format_date  # only where English is not spoken: it takes its time

    return format_date(day, "long", locale=language())


def mark(message: str) -> str:
    """`message` as it is: one for the catalogue that is said later, as in a table of words."""
    return message


def printable(text: str) -> str:
    r"""`text` for a terminal or a page: what would move the cursor, colour or hide something is spelled out.

    >>> print(printable("fine \x1b[2J gone"))
    fine \x1b[2J gone
    """
    return "".join(char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1] for char in text)


def translated(path: Path) -> Path:
    """The translation of a text file of the workbook, or the file itself where there is none."""
    workbook = HOUSE / "workbook"
    if not path.is_relative_to(workbook):  # an exercise of somebody else's
        return path
    own = LOCALE / language() / path.relative_to(workbook)
    return own if own.is_file() else path


def in_every_language(path: Path) -> list[Path]:
    """A text file of the workbook, and its translations."""
    workbook = HOUSE / "workbook"
    if not path.is_relative_to(workbook):
        return [path]
    return [path, *sorted(LOCALE.glob(f"*/{path.relative_to(workbook).as_posix()}"))]


def languages() -> list[str]:
    """Those that can be spoken, English first.

    >>> languages()[:2]
    ['en', 'de']
    """
    return [SOURCE, *sorted(path.parent.name for path in LOCALE.glob("*/messages.po"))]


def language() -> str:
    """ZTH_LANG, else the locale that the terminal has, else English.

    Raises ConfigError where ZTH_LANG asks for a language that is not there; a locale without a translation is no
    error, as everywhere.
    """
    names = "ZTH_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"
    return _language(*(os.environ.get(name, "") for name in names))


@cache
def _language(override: str, preferred: str, *locales: str) -> str:
    """As GNU gettext does: the first locale that is set counts; unless it is C, LANGUAGE may list better ones.

    >>> _language("", "", "", "", "de_AT.UTF-8"), _language("", "fr:de", "C", "", "de_DE"), _language("en", "", "de")
    ('de', 'en', 'en')
    """
    if override:
        if not (found := _spoken(override)):
            there = ", ".join(languages())
            raise ConfigError(f"ZTH_LANG is {override!r}, and there is no such translation.", f"There are: {there}.")
        return found
    locale = next(filter(None, locales), "C")
    wanted = [*preferred.split(":"), locale] if _names(locale)[-1] not in ("c", "posix") else []
    return next(filter(None, map(_spoken, wanted)), SOURCE)


def _spoken(tag: str) -> str:
    """The translation that fits a locale best; "" where there is none."""
    there = {name.lower(): name for name in languages()}
    return next((there[name] for name in _names(tag) if name in there), "")


def _names(tag: str) -> list[str]:
    """What the folder of its translation may be called, in lower case: with the region or script, then without.

    >>> _names("pt-BR.UTF-8"), _names("zh_Hant_TW"), _names("de_AT@euro")
    (['pt_br', 'pt'], ['zh_hant_tw', 'zh_hant', 'zh'], ['de_at', 'de'])
    """
    parts = re.split(r"[.@]", tag)[0].lower().replace("-", "_").split("_")
    return ["_".join(parts[:n]) for n in range(len(parts), 0, -1)]


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    if language == SOURCE:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo  # only where English is not spoken: it takes its time
    from babel.messages.pofile import PoFileError, read_po

    compiled = io.BytesIO()
    path = LOCALE / language / "messages.po"
    try:
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=language, abort_invalid=True))
    except (PoFileError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.", "Mend it, or speak English: ZTH_LANG=en") from error
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
