"""Runs an experiment, an exercise's or a lecture's own: a table, figures and plots in a run folder.

A measure.py has one function, `measure(lab)`. The lab gives it the preset, the seed, the data (and notes
which edition was used) and the run to tell its story to; it shows progress on whatever the caller looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from zth.data import sources
from zth.errors import ExerciseError
from zth.runs import Run
from zth.workbook.exercise import Exercise, exercises, get
from zth.workbook.lecture import Lecture, lectures, plain_id
from zth.workbook.pool import map_processes

if TYPE_CHECKING:
    from zth.data.sources import Corpus

Preset = Literal["quick", "full"]
Show = Callable[[str, int, int], None]
"""show(what, done, total): told after each step of a loop that takes a while."""

Experiment = Exercise | Lecture
"""What has a measure.py, or may have one."""

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

    def parallel(self, function: Callable[..., T], arguments: Sequence[tuple[Any, ...]], what: str) -> list[T]:
        """[function(*a) for a in arguments], in as many processes as there are cores; see `pool.map_processes`."""
        self.show(what, 0, len(arguments))
        return map_processes(function, arguments, lambda done: self.show(what, done, len(arguments)))


def experiments() -> list[Experiment]:
    """Everything that can be measured, in the order of the course: a lecture's own figures, then its exercises'.

    >>> [experiment.id for experiment in experiments()][:3]
    ['1', '1.1', '1.2']
    """
    found: list[Experiment] = []
    finished = exercises()
    for lecture in lectures():
        found += [lecture, *(exercise for exercise in finished if exercise.lecture == lecture)]
    return [each for each in found if each.has_measurement]


def find(experiment_id: str) -> Experiment:
    """The exercise or lecture called `experiment_id`, as in "2.1", "L3" or "3"; raises ExerciseError for another."""
    plain = plain_id(experiment_id)
    return next((each for each in lectures() if each.id == plain), None) or get(plain)


def measure(experiment: Experiment, *, preset: Preset, seed: int, root: Path, show: Show = show_nothing) -> Run:
    """Run the experiment into a fresh folder under `root`. Raises ExerciseError where it has none.

    An experiment that fails leaves a run folder that says so, and raises.
    """
    if not experiment.has_measurement:
        raise ExerciseError(f"{experiment.id} asks no question of the data.", "Name an experiment. See: zth list")
    with Run.create(
        kind="measure",
        name=experiment.id,
        root=root,
        title=f"{experiment.id} {experiment.title}",
        seed=seed,
        config={"preset": preset},
        command=["zth", "measure", experiment.id, "--preset", preset, "--seed", str(seed)],
    ) as run:
        experiment.module("measure").measure(Lab(run=run, preset=preset, seed=seed, show=show))
    return run
