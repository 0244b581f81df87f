"""One screen, whatever there is to show and however small the terminal is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from zth.cli.exercise import course, hint, markdown
from zth.cli.watch import _editor
from zth.cli.watch_screen import Screen, farewell, found, head
from zth.workbook.desk import Desk
from zth.workbook.exercise import exercises, get
from zth.workbook.verdict import PartVerdict, Verdict

SIZES = [(40, 100), (24, 80), (12, 40), (6, 20), (3, 10)]
WRONG = Verdict(
    exercise="5.1",
    parts=[
        PartVerdict(name="dlogprobs", state="passed"),
        PartVerdict(
            name="dprobs", state="wrong", call="f(1)", got="[1]" * 60, wanted="[2]", says="Look\x1b[2J here."
        ),
        *(PartVerdict(name=f"d{n}", state="unreached") for n in range(24)),
    ],
    output="printed\n" * 100,
)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=100, height=40, highlight=False)


def bodies(desk: Desk, width: int):
    exercise = get("5.1")
    yield "list", course(desk, width, at=exercise)[0]
    yield "task", markdown(exercise.task.statement)
    yield "hint", hint(exercise, 2)
    yield "wrong", found(WRONG, exercise, get("5.2"))
    yield "nothing", ""


@pytest.mark.parametrize("size", SIZES)
def test_every_view_fits(size: tuple[int, int], console: Console, tmp_path: Path) -> None:
    height, width = size
    desk = Desk(tmp_path)
    for name, body in bodies(desk, width):
        lines, _ = Screen(head=head(get("5.4"), desk), body=body, status="Judging", first=999).fit(
            console, width, height
        )
        assert len(lines) <= height, name
        assert max(map(cell_len, lines)) <= width, name
        if height > 6:
            assert "q quit" in " ".join(lines), name
            assert lines[0].startswith("5.4 Train without"), name


@pytest.mark.parametrize(
    ("width", "told"),
    [(80, ["not yet", "1 try", "8:08-19:09"]), (40, ["not yet", "1 try"]), (30, ["not yet"]), (20, [])],
)
def test_a_narrow_list_spares_what_it_can_and_keeps_marks_and_titles(
    width: int, told: list[str], console: Console, tmp_path: Path
) -> None:
    desk = Desk(tmp_path)
    desk.record_try(get("1.1"), ok=False)
    desk.see_solution(get("1.2"))
    console.print(course(desk, width)[0], width=width)
    (line,) = [each for each in console.file.getvalue().splitlines() if each.startswith("◐ 1.1 Derivatives")]
    assert [word for word in ("not yet", "1 try", "8:08-19:09") if word in line] == told


def test_what_fails_first_is_there_without_scrolling_on_a_plain_terminal(console: Console, tmp_path: Path) -> None:
    lines, first = Screen(head=head(get("5.1"), Desk(tmp_path)), body=found(WRONG, get("5.1"), None), status="").fit(
        console, 80, 24
    )
    shown = "\n".join(lines)
    assert first == 0
    assert "Write the gradient of the loss at each of 26 tensors" in shown
    assert "✗ dprobs  wrong" in shown
    assert "wanted" in shown
    assert "Look\\x1b[2J here." in shown, "and its words cannot move the cursor"
    assert "more lines" in shown


def test_the_line_that_is_chosen_is_always_in_sight(console: Console, tmp_path: Path) -> None:
    desk, first = Desk(tmp_path), 0
    for exercise in [*exercises(), *reversed(exercises())]:
        grid, lines = course(desk, 60, at=exercise)
        shown, first = Screen(head=["head"], body=grid, status="", first=first, line=lines[exercise]).fit(
            console, 60, 12
        )
        assert any(line.startswith(f"· {exercise.id} ") for line in shown)


def test_after_a_pass_the_next_exercise_is_named(console: Console, tmp_path: Path) -> None:
    passed = Verdict(exercise="1.1", parts=[PartVerdict(name="f", state="passed")])
    console.print(found(passed, get("1.1"), get("1.2")), found(passed, get("1.1"), None))
    said = console.file.getvalue()
    assert "Passed, 1 of 1 parts." in said
    assert "n  1.2 Softmax, from scalars" in said
    assert "s  our solution, explained" in said
    assert "All passed." in said
    assert farewell(get("1.1"), passed, Path("my-zth/e.py")).endswith("Go on: zth watch")
    assert "Passed" not in farewell(get("1.1"), None, Path("my-zth/e.py"))


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({"EDITOR": "vim -X"}, ["vim", "-X"]),
        ({"VISUAL": "/usr/bin/code --wait", "EDITOR": "vi"}, ["/usr/bin/code"]),
        ({"VISUAL": "", "EDITOR": "subl -n -w"}, ["subl", "-n"]),
        ({"VISUAL": "'broken", "EDITOR": "nano -w"}, ["nano", "-w"]),
        ({}, []),
    ],
)
def test_the_editor_is_the_one_that_the_environment_names(environment, command, monkeypatch) -> None:
    for name in ("VISUAL", "EDITOR", "TERM_PROGRAM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert _editor() == command
