"""Where in the videos an exercise belongs."""

from __future__ import annotations

import pytest

from zth.errors import ExerciseError
from zth.workbook.exercise import exercises, get
from zth.workbook.lecture import lectures
from zth.workbook.video import clips

# How long each video is, to the second: from the course's own pages.
SECONDS = {"1": 8752, "2": 7065, "3": 4540, "4": 6958, "5": 6924, "6": 3382, "7": 6980}


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.id)
def test_each_clip_lies_within_its_video(exercise) -> None:
    for clip in exercise.clips:
        assert 0 <= clip.start < clip.end <= SECONDS[clip.lecture.id]
        assert clip.link == f"{clip.lecture.video}?t={clip.start}"


def test_each_lecture_names_its_own_video() -> None:
    links = [lecture.video for lecture in lectures()]
    assert len(set(links)) == len(links) == 7
    assert all(link.startswith("https://youtu.be/") and len(link) == 28 for link in links)


def test_an_exercise_may_belong_to_another_lecture_or_to_none() -> None:
    (split,) = get("2.2").clips
    assert (split.lecture.id, str(split)) == ("3", "53:20-1:00:49")
    assert get("2.6").clips == []


def test_a_clip_that_runs_backwards_is_an_error() -> None:
    with pytest.raises(ExerciseError, match="from 2:00 to 1:00"):
        list(clips("2:00-1:00", lectures()[0]))
