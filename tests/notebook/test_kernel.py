"""Every lecture's notebook, run by nbclient in a real kernel: with the stubs as they are, and with the solutions.

One kernel runs them all, one after the other, as a long evening would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from zth.notebook.cells import Cell, cells
from zth.notebook.write import as_text
from zth.workbook.exercise import Exercise, exercises
from zth.workbook.lecture import lectures

PATIENCE = """
from zth.workbook.check import Limits
from zth.workbook.exercise import Exercise
Exercise.limits = property(lambda self: Limits(seconds=250.0))  # the machine may be busy
"""
FEW_SECONDS = """
Exercise.limits = property(lambda self: Limits(seconds=1.0))

def log_softmax(logits):
    while True:
        logits = logits + 1

check("2.5", log_softmax)
"""
INTERRUPT = """
Exercise.limits = property(lambda self: Limits(seconds=250.0))
import os, signal, threading
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()  # as Jupyter's stop button does
check("2.5", log_softmax)
"""
LINE = 'def log_softmax(logits):\n    %precision 4\n    return logits / None\n\ncheck("2.5", log_softmax)'


def _solved(of: list[Cell], exercise: Exercise) -> Iterator[Cell]:
    """The cells of one exercise, with its solution instead of the stub."""
    name = _name(exercise)
    package = f"{exercise.folder.parent.name}.{exercise.folder.name}"
    yield Cell(id=f"{name}-solution", kind="code", source=f"from zth.workbook.{package}.solution import *")
    yield next(replace(cell, id=f"{name}-solved") for cell in of if cell.id == f"{name}-check")


def _name(exercise: Exercise) -> str:
    return f"e{exercise.id.replace('.', '-')}"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each cell showed, by the cell's id."""
    everything = [Cell(id="patience", kind="code", source=PATIENCE)]
    for lecture in lectures():
        of = cells(lecture)
        everything += [replace(cell, id=f"L{lecture.id}-{cell.id}" if "-" not in cell.id else cell.id) for cell in of]
        for exercise in [each for each in exercises() if each.lecture == lecture]:
            everything += _solved(of, exercise)
    everything += [
        Cell(id="no-such", kind="code", source='check("9.9")'),
        Cell(id="at", kind="code", source=LINE),
        Cell(id="forever", kind="code", source=FEW_SECONDS),
        Cell(id="interrupted", kind="code", source=INTERRUPT),
        Cell(id="afterwards", kind="code", source="6 * 7"),
    ]
    notebook = nbformat.reads(as_text(everything, Path("all.ipynb")), as_version=4)
    folder = tmp_path_factory.mktemp("kernel")
    client = NotebookClient(
        notebook,
        timeout=300,
        allow_errors=True,
        km=AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(folder / "kernel")),
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(cleanup_kc=True)
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def _shown(outputs: dict[str, Any], cell: str) -> str:
    """The one result of a cell, as plain text; HTML stands beside it."""
    assert [output.output_type for output in outputs[cell]] == ["execute_result"], outputs[cell]
    data = outputs[cell][0].data
    assert data["text/html"].startswith("<div style=")
    return str(data["text/plain"])


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.id)
def test_a_stub_fails_helpfully_and_the_solution_passes(exercise: Exercise, outputs: dict[str, Any]) -> None:
    stub = _shown(outputs, f"{_name(exercise)}-check")
    assert "\nNot yet: " in stub
    assert "not written yet" in stub
    solved = _shown(outputs, f"{_name(exercise)}-solved")
    assert "\nPassed, " in solved, solved


def test_no_other_cell_says_anything(outputs: dict[str, Any]) -> None:
    ours = ("-check", "-solved")
    extra = ("no-such", "at", "forever", "interrupted", "afterwards")
    assert [name for name, shown in outputs.items() if shown and not name.endswith(ours) and name not in extra] == []


def test_a_mistake_in_a_call_is_two_lines_and_no_traceback(outputs: dict[str, Any]) -> None:
    (error,) = outputs["no-such"]
    assert error.ename == "ExerciseError"
    assert error.traceback[0] == "zth: There is no exercise '9.9'."
    assert len(error.traceback) == 2


def test_an_exception_is_told_with_its_line_in_the_cell(outputs: dict[str, Any]) -> None:
    assert "  where   line 3, in log_softmax: return logits / None\n" in _shown(outputs, "at")


def test_a_loop_without_end_is_ended_inside_the_kernel(outputs: dict[str, Any]) -> None:
    assert "`log_softmax` gave no answer within 1 s: is there a loop that never ends?" in _shown(outputs, "forever")


def test_the_stop_button_ends_the_check_and_the_kernel_lives(outputs: dict[str, Any]) -> None:
    (error,) = outputs["interrupted"]
    assert (error.ename, error.traceback) == ("KeyboardInterrupt", ["interrupted: nothing was judged"])
    assert outputs["afterwards"][0].data["text/plain"] == "42"
