"""A new exercise: a whole folder or none, in the course or in a pack, unfinished until its author says otherwise."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from zth.cli import main
from zth.errors import ExerciseError
from zth.workbook import new_exercise
from zth.workbook.exercise import Exercise, drafts, exercises, get
from zth.workbook.new_exercise import EXERCISE, make
from zth.workbook.pack import Pack

from .conftest import DOUBLE, Install


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workbook's folder of a checkout of its own, with one lecture in it."""
    folder = tmp_path / "checkout" / "src" / "zth" / "workbook"
    (folder / "l02_bigrams" / "e06_kneser_ney").mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    monkeypatch.setattr(new_exercise, "COURSE", Pack("", "zth.workbook", folder))
    return folder


def test_it_comes_behind_those_of_its_lecture(checkout: Path) -> None:
    made = make("Good & bad smoothing", 2)
    assert made.exercise.folder == checkout / "l02_bigrams" / "e07_good_bad_smoothing"
    assert (made.exercise.id, made.new_lecture, made.new_pack) == ("2.7", False, False)
    assert sorted(path.name for path in made.exercise.folder.iterdir()) == sorted(EXERCISE)
    assert made.exercise.task.title == "Good & bad smoothing"
    assert made.exercise.task.unfinished


def test_a_lecture_that_is_new_gets_its_page(checkout: Path) -> None:
    made = make("Byte pairs", 8, lecture="the tokenizer")
    assert made.exercise.folder == checkout / "l08_the_tokenizer" / "e01_byte_pairs"
    assert (made.exercise.lecture.title, made.new_lecture) == ("the tokenizer", True)
    assert make("More of it", 8).exercise.id == "8.2"
    assert make("Without a name for its lecture", 9).exercise.lecture.title == "Without a name for its lecture"


def test_every_file_of_it_is_python_that_says_what_to_write(checkout: Path) -> None:
    folder = make("Byte pairs", 8).exercise.folder
    for name in EXERCISE:
        text = (folder / name).read_text(encoding="utf-8")
        assert "TODO" in text
        assert "$" not in text
        if name.endswith(".py"):
            ast.parse(text)


def test_a_pack_that_is_new_is_a_project_that_pip_can_install(tmp_path: Path) -> None:
    project = tmp_path / "zth-my-tricks"
    made = make("One", 1, project=project)
    assert (made.exercise.id, made.new_pack) == ("my_tricks:1.1", True)
    told = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    assert told["project"]["entry-points"]["zth.exercises"] == {"my_tricks": "zth_my_tricks"}
    assert told["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["src/zth_my_tricks"]
    assert (project / "src/zth_my_tricks/__init__.py").is_file()
    assert made.exercise.folder == project / "src/zth_my_tricks/l01_one/e01_one"
    again = make("Two", 1, project=project)
    assert (again.exercise.id, again.new_pack) == ("my_tricks:1.2", False)


def test_a_pack_may_be_begun_in_the_folder_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zth-here").mkdir()
    monkeypatch.chdir(tmp_path / "zth-here")
    assert make("One", 1, project=Path()).exercise.id == "here:1.1"
    assert sorted(path.name for path in Path().iterdir()) == ["pyproject.toml", "src"]
    assert [path.name for path in tmp_path.iterdir()] == ["zth-here"]


def test_a_draft_is_its_authors_alone(install: Install) -> None:
    package = install("tiny")
    made = make("Triple it", 1, project=_project_of(package))
    assert made.exercise.folder == package / "l01_sums" / "e02_triple_it"
    assert [exercise.id for exercise in drafts()] == ["tiny:1.2"]
    assert [exercise.id for exercise in exercises()][-1] == "tiny:1.1"
    assert get("tiny:1.2") == Exercise(made.exercise.folder, get("tiny:1.1").pack)


def _project_of(package: Path) -> Path:
    project = package.parent
    offer = f'[project.entry-points."zth.exercises"]\ntiny = "{package.name}"\n'
    (project / "pyproject.toml").write_text(offer)
    return project


@pytest.mark.parametrize("title", ["", "  ", "two\nlines", "x" * 81, "bell\a", "a\\b", 'say """hi"""'])
def test_a_title_that_is_none_is_refused(checkout: Path, title: str) -> None:
    with pytest.raises(ExerciseError, match="cannot be a title"):
        make(title, 8)
    assert list(checkout.glob("l08*")) == []


def test_a_title_may_be_in_any_script(checkout: Path) -> None:
    assert make("交叉熵", 8).exercise.folder.name == "e01_untitled"
    assert make("Entropía", 8).exercise.folder.name == "e02_entropia"


@pytest.mark.parametrize("number", [0, 100])
def test_a_lecture_of_another_number_is_refused(checkout: Path, number: int) -> None:
    with pytest.raises(ExerciseError, match="from 1 to 99"):
        make("x", number)


def test_a_name_for_a_lecture_that_has_one_is_refused(checkout: Path) -> None:
    with pytest.raises(ExerciseError, match="Leave out --lecture-title"):
        make("x", 2, lecture="other")


def test_a_full_lecture_is_an_error(checkout: Path) -> None:
    (checkout / "l02_bigrams" / "e99_last").mkdir()
    with pytest.raises(ExerciseError, match="Begin another lecture"):
        make("x", 2)


def test_an_installed_zth_is_not_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site-packages" / "zth" / "workbook"
    folder.mkdir(parents=True)
    monkeypatch.setattr(new_exercise, "COURSE", Pack("", "zth.workbook", folder))
    with pytest.raises(ExerciseError, match=r"lost at its next update.*--pack FOLDER"):
        make("x", 8)
    assert not any(folder.iterdir())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "cannot be read"),
        ("", "does not offer one pack"),
        ("[project", "does not offer one pack"),
        ("project = 3", "does not offer one pack"),
        ('[project.entry-points."zth.exercises"]\na = "a"\nb = "b"\n', "does not offer one pack"),
        ('[project.entry-points."zth.exercises"]\na = "zth_a"\n', "which is not in"),
        ('[project.entry-points."zth.exercises"]\nA-b = "zth_a"\n', "calls the pack 'A-b'"),
    ],
)
def test_a_folder_that_is_no_pack_is_left_alone(tmp_path: Path, text: str | None, why: str) -> None:
    (tmp_path / "notes.txt").touch()
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ExerciseError, match=why):
        make("x", 1, project=tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_cannot_name_a_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match="cannot name a pack"):
        make("x", 1, project=tmp_path / "1st")


def test_a_name_that_is_taken_is_refused(install: Install, tmp_path: Path) -> None:
    install("tiny", DOUBLE)
    with pytest.raises(ExerciseError, match="installed already"):
        make("x", 1, project=tmp_path / "zth-tiny")


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ExerciseError, match="Cannot write"):
        make("x", 1, project=tmp_path / "file" / "zth-mine")


def test_what_fails_half_way_leaves_nothing(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make("Byte pairs", 8)
    assert [path.name for path in checkout.iterdir()] == ["l02_bigrams"]


def test_the_command_says_what_it_wrote_and_what_comes_next(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-exercise", "L8", "Byte pairs"]) == 0
    printed = capsys.readouterr().out
    assert "8.1 Byte pairs  unfinished" in printed
    assert "l08_byte_pairs/README.md" in printed
    assert "zth prove 8.1" in printed
    assert main(["new-exercise", "8", "More", "--pack", str(tmp_path / "zth-mine")]) == 0
    assert f"pip install -e {tmp_path / 'zth-mine'}" in capsys.readouterr().out
    assert main(["new-exercise", "lecture eight", "More"]) == 2
    assert "Name it by its number, as in L8." in capsys.readouterr().err
