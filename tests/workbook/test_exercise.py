"""Exercise folders: complete, in order, and each proved."""

from __future__ import annotations

import pytest

from zth.errors import ExerciseError
from zth.workbook.exercise import HINTS, Exercise, exercises, get, parse_task
from zth.workbook.jail import Jail
from zth.workbook.pack import COURSE
from zth.workbook.prove import prove

ALL = [exercise for exercise in exercises() if exercise.pack == COURSE]  # whatever else is installed


def test_the_exercises_of_the_course_are_there_in_order() -> None:
    n_exercises = {1: 2, 2: 6, 3: 3, 4: 2, 5: 4, 6: 2, 7: 4}
    wanted = [f"{lecture}.{number}" for lecture, n in n_exercises.items() for number in range(1, n + 1)]
    assert [exercise.id for exercise in ALL] == wanted


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.id)
def test_a_folder_is_whole(exercise: Exercise) -> None:
    assert exercise.task.title
    assert len(exercise.task.hints) == len(HINTS)
    assert all(exercise.task.hints)
    assert exercise.has_measurement
    assert set(exercise.task.needs) <= {other.id for other in ALL}
    assert all(exercise.task.needs.values()), "what it uses of the exercises that it needs is said"
    assert len(exercise.task.asks) <= 110
    names = set(exercise.solution)
    for mistake in exercise.mistakes:
        assert set(mistake.instead) <= names, f"{mistake.name} replaces a name that the solution has not"


@pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.id)
def test_the_check_is_proved(exercise: Exercise, jail: Jail) -> None:
    failed = [f"{proof.submission}: {proof.why}" for proof in prove(exercise, jail) if not proof.ok]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("exercise_id", ["9.9", "21", "", "x"])
def test_an_unknown_exercise_is_an_error_that_helps(exercise_id: str) -> None:
    with pytest.raises(ExerciseError, match="zth list"):
        get(exercise_id)


@pytest.mark.parametrize("text", ["", "# T\n\nstatement", "# T\n\ns\n\n## Idea\ni\n\n## Nudge\nn\n\n## Line\nl\n"])
def test_a_task_without_its_sections_is_an_error(text: str) -> None:
    with pytest.raises(ExerciseError, match="needs a '# Title'"):
        parse_task(text, "e01_x")


HINTED = "\n\n## Nudge\nn\n\n## Idea\ni\n\n## Line\nl\n"


@pytest.mark.parametrize(
    ("head", "asks", "needs"),
    [
        ("", "Write `f`.", {}),
        ("Needs: 2.1\n\n", "Write `f`.", {"2.1": ""}),
        ("Needs: 2.1, 5.1\n\n", "Write `f`.", {"2.1": "", "5.1": ""}),
        ("Needs: 2.1 (its `f()`, for (B, C)), 5.1 (g)\n", "Write `f`.", {"2.1": "its `f()`, for (B, C)", "5.1": "g"}),
        ("Asks: Do it.\nVideo: 1:00-2:00\nNeeds: 2.1 (f)\n\n", "Do it.", {"2.1": "f"}),
    ],
)
def test_the_head_of_a_task(head: str, asks: str, needs: dict[str, str]) -> None:
    task = parse_task(f"# T\n\n{head}Write `f`. Then\nmore.\n\nNeeds: 9.9 is no head here{HINTED}", "e01_x")
    assert (task.asks, task.needs) == (asks, needs)
    assert task.statement.startswith("Write `f`. Then")
    assert task.statement.endswith("here")
