"""Runs an exercise's experiment: a table, figures and plots in a run folder.

An exercise's measure.py has one function, `measure(lab)`. The lab gives it the preset, the seed, the data (and notes
which edition was used) and the run to tell its story to; it shows progress on whatever the caller looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from zth.data import sources
from zth.errors import ExerciseError
from zth.runs import Run
from zth.workbook.exercise import Exercise

if TYPE_CHECKING:
    from zth.data.sources import Corpus

Preset = Literal["quick", "full"]
Show = Callable[[str, int, int], None]
"""show(what, done, total): told after each step of a loop that takes a while."""

T = TypeVar("T")


def show_nothing(what: str, done: int, total: int) -> None:
    """The default: no progress is shown."""


@dataclass(kw_only=True)
class Lab:
    """What an experiment works with."""

    run: Run
    preset: Preset
    seed: int
    show: Show = show_nothing

    @property
    def quick(self) -> bool:
        """True where the experiment should take seconds; the full one takes what it needs."""
        return self.preset == "quick"

    def corpus(self, name: str) -> Corpus:
        """A corpus, with its edition noted in the run folder."""
        corpus = sources.load(name)
        self.run.data(corpus.edition, corpus.sha256)
        return corpus

    def track(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Iterate, and show how far it is."""
        for done, item in enumerate(items):
            self.show(what, done, len(items))
            yield item
        self.show(what, len(items), len(items))


def measure(exercise: Exercise, *, preset: Preset, seed: int, root: Path, show: Show = show_nothing) -> Run:
    """Run the experiment into a fresh folder under `root`. Raises ExerciseError where the exercise has none.

    An experiment that fails leaves a run folder that says so, and raises.
    """
    if not exercise.has_measurement:
        raise ExerciseError(f"Exercise {exercise.id} asks no question of the data.", "See: zth list")
    with Run.create(
        kind="measure",
        name=exercise.id,
        root=root,
        title=f"{exercise.id} {exercise.task.title}",
        seed=seed,
        config={"preset": preset},
        command=["zth", "measure", exercise.id, "--preset", preset, "--seed", str(seed)],
    ) as run:
        exercise.module("measure").measure(Lab(run=run, preset=preset, seed=seed, show=show))
    return run
