"""A lecture becomes a file that Jupyter and jupytext read, the same each time, and that nothing overwrites."""

from __future__ import annotations

import ast
from pathlib import Path

import jupytext
import nbformat
import pytest

from zth.errors import ConfigError
from zth.notebook.cells import cells, pieces_of
from zth.notebook.write import as_text, write
from zth.workbook.exercise import exercises
from zth.workbook.lecture import Lecture, find, lectures


@pytest.mark.parametrize("lecture", lectures(), ids=lambda lecture: lecture.id)
def test_both_formats_hold_the_same_cells(lecture: Lecture, tmp_path: Path) -> None:
    write(lecture, tmp_path / "a.ipynb")
    write(lecture, tmp_path / "a.py")
    notebook = nbformat.read(tmp_path / "a.ipynb", as_version=4)
    nbformat.validate(notebook)
    script = jupytext.read(tmp_path / "a.py")
    wanted = [(cell.kind, cell.source) for cell in cells(lecture)]
    assert [(cell.cell_type, cell.source) for cell in notebook.cells] == wanted
    assert [(cell.cell_type, cell.source) for cell in script.cells] == wanted
    assert notebook.metadata.kernelspec.name == script.metadata.kernelspec.name == "python3"


def test_the_same_file_each_time(tmp_path: Path) -> None:
    write(find("L5"), tmp_path / "a.ipynb")
    write(find("5"), tmp_path / "b.ipynb")
    assert (tmp_path / "a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()


def test_each_exercise_has_its_task_its_stub_and_its_check() -> None:
    for lecture in lectures():
        found = {cell.id: cell for cell in cells(lecture)}
        for exercise in [each for each in exercises() if each.lecture == lecture]:
            name = f"e{exercise.id.replace('.', '-')}"
            assert found[f"{name}-task"].source.startswith(f"## {exercise.id} {exercise.title}\n\n")
            assert found[f"{name}-check"].source == f'check("{exercise.id}")'
            pieces = [cell.source for cell in found.values() if cell.id.startswith(f"{name}-stub-")]
            whole = ast.parse(exercise.stub.read_text()).body[1:]  # without the docstring, which names the command
            assert [ast.dump(node) for node in ast.parse("\n".join(pieces)).body] == [
                ast.dump(node) for node in whole
            ]


def test_no_command_stands_where_a_notebook_calls() -> None:
    for lecture in lectures():
        for cell in cells(lecture):
            assert "zth check 5.1" not in cell.source


def test_comments_between_functions_stay_with_what_follows() -> None:
    head = '"""First.\n\nMore of it."""\nimport a\n\nB = 1  # b\n\n'
    stub = f"{head}# about f\n@deco\ndef f():\n    pass  # end\n\n\nC = 2\n"
    assert pieces_of(stub) == (
        "More of it.",
        ["import a\n\nB = 1  # b", "# about f\n@deco\ndef f():\n    pass  # end", "C = 2"],
    )


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "new" / "mine.ipynb"
    assert write(find("L1"), path) is None
    path.write_text("my work")
    with pytest.raises(ConfigError, match="is there already; nothing was changed"):
        write(find("L1"), path)
    assert path.read_text() == "my work"
    for number in (1, 2):
        backup = write(find("L1"), path, force=True)
        assert backup == tmp_path / "new" / f"mine.backup-{number}.ipynb"
        assert path.read_text() != "my work"
    assert (tmp_path / "new" / "mine.backup-1.ipynb").read_text() == "my work"
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(ConfigError, match="is there already"):
        write(find("L1"), path)


def test_places_where_no_notebook_can_be(tmp_path: Path) -> None:
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a folder"):
        write(find("L1"), tmp_path / "folder.py")
    with pytest.raises(ConfigError, match=r"known endings are \.ipynb and \.py\. Try --out a\.ipynb"):
        as_text([], Path("a.txt"))
    with pytest.raises(ConfigError, match="Cannot write"):
        write(find("L1"), tmp_path / "file" / "a.py")
