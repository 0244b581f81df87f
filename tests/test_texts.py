"""What people read, in their language: which is spoken, what is missing, and lecture 1 in German from end to end."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages import Catalog, Message

from zth import texts
from zth.cli import main
from zth.compare import difference
from zth.errors import ConfigError, ZthError
from zth.notebook import check, draw
from zth.notebook.cells import cells
from zth.report.desk import desk_item, desk_section
from zth.texts import HOUSE, LOCALE, language, languages, say, say_many, translated
from zth.workbook.check import Limits
from zth.workbook.exercise import Exercise, get, parse_task
from zth.workbook.lecture import Lecture, find

FIRST = HOUSE / "workbook" / "l01_micrograd" / "e01_derivatives"
SECOND = HOUSE / "workbook" / "l02_bigrams" / "e01_trigram"


@pytest.fixture(scope="module")
def gathering() -> ModuleType:
    """scripts/texts.py."""
    path = Path(__file__).parents[1] / "scripts" / "texts.py"
    spec = importlib.util.spec_from_file_location("gathering", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZTH_LANG", "de")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")


# --- which language -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "spoken"),
    [
        ({}, "en"),
        ({"LANG": "de_AT.UTF-8"}, "de"),
        ({"LANG": "tlh_KX.UTF-8"}, "en"),
        ({"LANG": "de_DE", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB", "LC_MESSAGES": "de"}, "de"),
        ({"LANG": "en_GB", "LANGUAGE": "tlh:de:en"}, "de"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, "en"),
        ({"LANG": "de_DE", "ZTH_LANG": "en"}, "en"),
        ({"LANG": "en_GB", "ZTH_LANG": "de-CH"}, "de"),
    ],
)
def test_the_override_then_the_locale_then_english(
    environment: dict[str, str], spoken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ZTH_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == spoken


@pytest.mark.parametrize(
    ("tag", "spoken"),
    [
        ("pt_BR.UTF-8", "pt_BR"),
        ("pt-br", "pt_BR"),
        ("pt_PT", "pt"),
        ("zh_TW", "zh_TW"),
        ("zh_Hant_TW", "en"),
        ("de_AT@euro", "de"),
    ],
)
def test_a_region_has_its_own_translation_before_the_languages(
    tag: str, spoken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("de", "pt", "pt_BR", "zh_TW"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "messages.po").write_text(f'msgid "wrong"\nmsgstr "{name}"\n')
    monkeypatch.setattr(texts, "LOCALE", tmp_path)
    found = texts._language.__wrapped__("", "", tag)
    assert found == spoken
    assert texts._catalogue.__wrapped__(found).gettext("wrong") == (spoken if spoken != "en" else "wrong")


def test_a_language_that_is_not_there_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZTH_LANG", "dee")
    assert main(["list"]) == 2
    said = capsys.readouterr()
    assert "ZTH_LANG is 'dee'" in said.err
    assert "There are: en, de" in said.err
    assert said.out == ""


# --- what is said -------------------------------------------------------------------------------------------------


def test_what_a_translation_lacks_is_said_in_english(german: None) -> None:
    assert say("wrong") == "falsch"
    assert say("nobody has translated {this}", this="`it`") == "nobody has translated `it`"
    assert say("") == ""
    assert translated(FIRST / "task.md") == LOCALE / "de/l01_micrograd/e01_derivatives/task.md"
    assert translated(SECOND / "task.md") == SECOND / "task.md"
    assert translated(Path("/elsewhere/task.md")) == Path("/elsewhere/task.md")


def test_braces_are_places_only_where_values_are_given() -> None:
    assert say('return {"bug": 1}') == 'return {"bug": 1}'


def test_plurals_and_the_ruler_speak_german(german: None) -> None:
    assert [say_many("{n} try", "{n} tries", n) for n in (1, 2)] == ["1 Versuch", "2 Versuche"]
    assert str(difference([1.0, 2.5], [1.0, 2.0])) == "bei [1] 2.5 bekommen, 2 erwartet (größter Unterschied 0.5)"


def test_a_damaged_catalogue_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "xx"
    folder.mkdir()
    (folder / "messages.po").write_text('msgid "a"\nnonsense\n')
    monkeypatch.setattr(texts, "LOCALE", tmp_path)
    with pytest.raises(ConfigError, match=r"messages\.po cannot be read.*ZTH_LANG=en"):
        texts._catalogue.__wrapped__("xx")


# --- whole, and in step with the English --------------------------------------------------------------------------


def test_each_translation_is_whole_and_in_step(gathering: ModuleType) -> None:
    assert gathering.stale() == []
    german = gathering.english(["l01_micrograd"])
    said = {message.id for message in german}
    for exercise in (get("1.1"), get("1.2")):
        assert {words for mistake in exercise.mistakes for words in (mistake.name, mistake.says)} <= said
    assert "Your file cannot be run: {why}" in said, "the judge's"
    assert "one dot in front" not in said, "lecture 2 is not translated"


@pytest.mark.parametrize(
    ("string", "flags", "problem"),
    [
        ("Es gibt keine Datei {pfad}.", (), "differ in {path}, {pfad}"),
        ("Es gibt keine Datei.", (), "differ in {path}"),
        ("", (), "is not translated"),
        ("Es gibt keine Datei {path}.", ("fuzzy",), "is fuzzy"),
    ],
)
def test_a_wrong_message_is_found(string: str, flags: tuple[str, ...], problem: str, gathering: ModuleType) -> None:
    message = Message("There is no file {path}.", string, flags=flags)
    (found,) = gathering._wrong_message(message, Catalog("de"))
    assert problem in found


def test_what_cannot_be_gathered_is_refused(gathering: ModuleType) -> None:
    with pytest.raises(SyntaxError, match="no f-string"):
        list(gathering.called('say(f"no {name}")'))


def test_a_translated_file_is_stale_once_the_english_has_changed(
    gathering: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "_english", lambda name: "another text" if name.endswith("1/task.md") else "")
    monkeypatch.setattr(gathering, "_seen", lambda language: {"l01_x/e01/task.md": gathering._digest("the old text")})
    monkeypatch.setattr(gathering, "LOCALE", HOUSE / "nowhere")
    monkeypatch.setattr(gathering, "lectures", lambda language: ["l01_micrograd"])
    found = list(gathering._wrong_files("de"))
    assert found[0] == "locale/de/l01_micrograd/README.md is missing"
    assert found[1] == "locale/de/l01_micrograd/e01_derivatives/solution.md is missing"
    assert len(found) == 7


@pytest.mark.parametrize("path", sorted(LOCALE.glob("*/l*/e*/stub.py")), ids=lambda path: path.parent.name)
def test_a_translated_stub_is_the_same_code(path: Path) -> None:
    _language, lecture, exercise, name = path.relative_to(LOCALE).parts
    english = HOUSE / "workbook" / lecture / exercise / name
    assert _without_texts(path) == _without_texts(english)
    assert path.read_text() != english.read_text()


def _without_texts(path: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


@pytest.mark.parametrize("path", sorted(LOCALE.glob("*/l*/e*/task.md")), ids=lambda path: path.parent.name)
def test_a_translated_statement_has_the_same_needs_and_the_same_code(path: Path) -> None:
    language, *place = path.relative_to(LOCALE).parts
    ours, theirs = ((folder / Path(*place)).read_text() for folder in (LOCALE / language, HOUSE / "workbook"))
    assert list(parse_task(ours, "translated").needs) == list(parse_task(theirs, "English").needs)
    for same in (r"^Video: .*$", r"`[^`]+`", r"^    [a-zA-Z_, ]+ = .*$"):
        assert sorted(re.findall(same, ours, re.MULTILINE)) == sorted(re.findall(same, theirs, re.MULTILINE))


@pytest.mark.parametrize("path", sorted(LOCALE.glob("*/l*/README.md")), ids=lambda path: path.parent.name)
def test_a_translated_page_has_the_same_code_and_exercises(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    language, folder, _name = path.relative_to(LOCALE).parts
    lecture, ours = Lecture(HOUSE / "workbook" / folder), path.read_text()
    theirs = lecture.page
    monkeypatch.setenv("ZTH_LANG", language)
    assert lecture.page == ours
    assert ours.startswith(f"# {ours.split()[1]} {lecture.number}: {lecture.title}\n")
    for same in (r"^Video: .*$", r"`[^`]+`", r"^\| \*\*(\S+)\*\*"):
        assert sorted(re.findall(same, ours, re.MULTILINE)) == sorted(re.findall(same, theirs, re.MULTILINE))


# --- from end to end ----------------------------------------------------------------------------------------------


def test_german_from_start_to_pass(german: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "de" in languages()
    desk = ["--desk", str(tmp_path / "desk")]
    answer = tmp_path / "desk" / get("1.1").file_name

    def told(*command: str) -> tuple[int, str]:
        code = main([*command, *desk])
        said = capsys.readouterr()
        return code, said.out + said.err

    code, said = told("start", "1.1")
    assert (code, "Ableitungen auf drei Wegen" in said, "Deine Datei:" in said) == (0, True, True)
    assert "noch nicht geschrieben" in answer.read_text()

    code, said = told("check", "1.1")
    assert code == 1
    assert "`gradient` ist noch nicht geschrieben: Gib die Liste" in said
    assert "Noch nicht: 1 von 4 Teilen. Kommst du nicht weiter: zth hint 1.1" in said

    right = (FIRST / "right" / "loops.py").read_text()
    wrong = "\ndef gradient(a, b, c): return [-3 * a**2, 3 * math.cos(3 * b) + 2.5 * b**1.5, c**-2]\n"
    answer.write_text(right + "\nimport math\n" + wrong)
    code, said = told("check", "1.1")
    assert code == 1
    assert "✗ gradient  der bekannte Fehler: Wurzelterm vergessen" in said
    assert "df/da hat einen zweiten Summanden" in said
    assert "bei [0] -12 bekommen, -12.35355339 erwartet" in said

    code, said = told("hint", "1.1")
    assert "1.1, Hinweis 1 von 3: Anstoß" in said
    assert "Eine partielle Ableitung verschiebt eine Koordinate" in said

    answer.write_text(right)
    code, said = told("check", "1.1")
    assert (code, "Bestanden, 4 von 4 Teilen." in said) == (0, True)
    assert "Drei Wege zu einem Gradienten" in told("solution", "1.1")[1]
    assert "Softmax aus einzelnen Zahlen" in told("list")[1]


def test_a_german_notebook_is_german(
    german: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["notebook", "L1"]) == 0
    assert "lecture-1.ipynb: Vorlesung 1, micrograd" in capsys.readouterr().out
    told = {cell.id: cell.source for cell in cells(find("L1"))}
    assert told["lecture"].startswith("# Vorlesung 1: micrograd")
    assert told["how"].startswith("Jede Aufgabe hat hier drei Arten von Zellen")
    assert "Sie baut auf 1.1 auf." in told["e1-2-task"]

    def slow(a: float, b: float, c: float) -> None:
        while True:
            pass

    monkeypatch.setattr(Exercise, "limits", Limits(seconds=0.2))
    said = repr(check("1.1", gradient=slow))
    assert "`gradient` gab in 0.2 s keine Antwort" in said
    wrong: dict[str, Any] = {**get("1.1").solution, "gradient": lambda a, b, c: [1, 2, 3]}
    said = repr(check("1.1", **wrong))
    assert "  Aufruf       gradient(" in said
    assert "  Unterschied  bei [0]" in said
    assert "`f` wurde nicht an check übergeben: Ergänze es" in repr(check("1.1", gradient=slow))
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: check("1.1", gradiant=slow), "Aufgabe 1.1 fragt nach keinem `gradiant`. Meintest du gradient?"),
        (lambda: check("1.1", [1]), "ein Objekt vom Typ list hat nichts davon"),
        (lambda: draw([1]), "draw kann nichts vom Typ list zeichnen."),
        (lambda: find("L9"), "Es gibt keine Vorlesung 'L9'."),
    ]
    for call, words in calls:
        with pytest.raises(ZthError) as caught:
            call()
        assert words in str(caught.value)


def test_the_desk_on_the_page_is_german(german: None) -> None:
    rows = [{"id": "1.1", "state": "passed", "tries": 2, "seconds": 65.0, "passed": "2026-11-24T17:40:11+00:00"}]
    section = desk_section(rows)
    assert '<section id="desk" lang="de"' in section
    assert "<strong>1 von 1</strong> Aufgaben bestanden, in 2 Versuchen und 1 min 5 s Arbeit." in section
    assert "24. November 2026" in section
    assert "Deine Aufgaben" in desk_item(rows)


def test_names_of_mistakes_are_the_same_in_every_language(
    german: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = tmp_path / get("1.1").file_name
    twice = "\ndef symmetric_difference(f, at, h): return forward_difference(f, at, h)\n"
    answer.write_text((FIRST / "right" / "loops.py").read_text() + twice)
    assert main(["check", "1.1", "--json", "--desk", str(tmp_path)]) == 1
    assert '"mistake": "forward instead of symmetric"' in capsys.readouterr().out
