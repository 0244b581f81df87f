"""The best trial's model: kept while the study goes on, and in the end a run folder as `zth train` leaves it.

A trial that is better than all before it leaves a folder `trial-7` with its model and `trained.json`; what is beaten
goes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zth.errors import RunError
from zth.files import write_json
from zth.models.protocol import LanguageModel
from zth.runs import Run
from zth.train.config import TrainConfig

if TYPE_CHECKING:
    from zth.train.job import Job

TRAINED = "trained.json"


def keep_trial(folder: Path, number: int, model: Any, config: TrainConfig, rows: list[dict[str, float]]) -> None:
    """Into `folder` / trial-<number>. Raises RunError where it cannot be written."""
    place = folder / f"trial-{number}"
    model.save(place)
    try:
        write_json(place / TRAINED, {"train": asdict(config), "rows": rows})
    except OSError as error:
        raise RunError(f"The model cannot be kept in {place}: {error.strerror}.", "Free some space.") from error


def forget_others(folder: Path, number: int | None) -> None:
    """Remove what is kept of all trials but one."""
    for place in folder.glob("trial-*"):
        if place.name != f"trial-{number}":
            shutil.rmtree(place, ignore_errors=True)


def crown(job: Job, kept: Path, number: int, root: Path, command: list[str]) -> Run | None:
    """The model of a trial in a run folder of its own, as if `command` had been run; None where it was not kept.

    A trial may have been trained by a process of another command, which shares the study: its model is there.
    """
    place = kept / f"trial-{number}"
    if not (place / TRAINED).is_file():
        return None
    try:
        told: Mapping[str, Any] = json.loads((place / TRAINED).read_text(encoding="utf-8"))
        model, rows = LanguageModel.load(place), list(told["rows"])
    except (OSError, ValueError, KeyError) as error:
        raise RunError(f"{place} cannot be read: {error}.", f"Train it again: {' '.join(command)}") from error
    return job.kept(model, rows, root, command=command)
