"""Trainings side by side: what they reached, in how many steps and minutes, and in what they differ.

Reads run folders of kind "train" (zth.train says what they hold). Losses of different texts, or of different
vocabularies, say nothing about each other: such trainings go into comparisons of their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zth.errors import RunError
from zth.runs import Record, metrics, read

# Okabe and Ito's colours, told apart by the colour-blind; beyond them the dashes change
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_DASHES = ("solid", "dash", "dot", "dashdot")
_ABOVE = {"orientation": "h", "x": 0, "y": 1.08, "yanchor": "bottom"}


@dataclass(frozen=True, kw_only=True)
class Training:
    """One run folder of `zth train` that is done."""

    folder: Path
    model: str
    n_parameters: int
    steps: int | None
    """None for models that count."""
    seconds: float
    train: float
    dev: float
    test: float | None
    """One long text has no test part."""
    options: Mapping[str, Any]
    """The model's, the training's, and the seed."""
    rows: Sequence[Mapping[str, Any]]
    """metrics.jsonl."""
    text: tuple[str, str, str]
    """The text's edition, its checksum, the vocabulary's boundary and characters: equal where losses compare."""

    @property
    def bits(self) -> float:
        """The dev loss in bits per character."""
        return self.dev / math.log(2)

    @classmethod
    def of(cls, record: Record) -> Training:
        """Raises RunError for a run of another kind, one that is not done, and a damaged one."""
        folder, meta = record.folder, record.meta
        if record.kind != "train":
            raise RunError(
                f"{folder} is a run of zth {record.kind}, not of zth train.", "Name run folders of zth train."
            )
        if record.status != "done":
            raise RunError(
                f"The training in {folder} is not done ({record.status}).", f"Go on: zth train --resume {folder}"
            )
        try:
            config, figures = meta["config"], {figure.name: figure.value for figure in record.figures}
            vocabulary = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
            training = dict(config["train"] or {})
            (data,) = meta["data"]
            rows = metrics(folder)
            return cls(
                folder=folder,
                model=str(config["model"]),
                n_parameters=int(config["n_parameters"]),
                steps=int(training["steps"]) if training else None,
                seconds=float(figures["seconds"] if "seconds" in figures else rows[-1]["seconds"]),
                train=figures["train loss"],
                dev=figures["dev loss"],
                test=figures.get("test loss"),
                options={"model": config["model"], **config["options"], **training, "seed": meta["seed"]},
                rows=rows,
                text=(
                    str(data["edition"]),
                    str(data["sha256"]),
                    str(vocabulary["boundary"]) + str(vocabulary["characters"]),
                ),
            )
        except FileNotFoundError as error:
            raise RunError(f"{folder} has no {Path(error.filename).name}.", "Train again.") from error
        except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
            raise RunError(f"{folder} is no training as zth train leaves it: {error}.", "Train again.") from error


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Trainings on the same text, the lowest dev loss first."""

    trainings: Sequence[Training]

    @property
    def edition(self) -> str:
        return self.trainings[0].text[0]

    @property
    def one_long_text(self) -> bool:
        """No test part, and bits per character beside the dev loss."""
        return all(training.test is None for training in self.trainings)

    def differing(self) -> list[dict[str, Any]]:
        """Of each training the options that are not the same in all that have them."""
        names = dict.fromkeys(name for training in self.trainings for name in training.options)
        several = [name for name in names if name not in ("model", "vocab_size", "steps") and self._varies(name)]
        return [{n: t.options[n] for n in several if n in t.options} for t in self.trainings]

    def table(self) -> tuple[list[str], list[list[Any]]]:
        """Columns and rows, for the page."""
        columns = [
            "",
            "model",
            "parameters",
            "steps",
            "minutes",
            "train",
            "dev",
            "dev bits" if self.one_long_text else "test",
            "dev to first",
            "differs in",
        ]
        best = self.trainings[0].dev
        rows = [
            [
                place,
                training.model,
                training.n_parameters,
                training.steps,
                training.seconds / 60,
                training.train,
                training.dev,
                training.bits if self.one_long_text else training.test,
                training.dev - best,
                said(own),
            ]
            for place, (training, own) in enumerate(zip(self.trainings, self.differing(), strict=True), 1)
        ]
        return columns, rows

    def plot(self) -> Any:
        """Dev loss against steps and against seconds; a model that counts is a dotted line."""
        from plotly.subplots import make_subplots

        figure = make_subplots(rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.04)
        for place, training in enumerate(self.trainings):
            colour = _COLOURS[place % len(_COLOURS)]
            name = f"{place + 1} {training.model}"
            if training.steps is None:
                line: dict[str, Any] = {"line_dash": "dot", "line_color": colour, "annotation_text": name}
                figure.add_hline(y=training.dev, exclude_empty_subplots=False, **line)
                continue
            seen = [row for row in training.rows if "dev" in row]
            for column, axis in enumerate(("step", "seconds"), 1):
                figure.add_scatter(
                    x=[row[axis] for row in seen],
                    y=[row["dev"] for row in seen],
                    mode="lines+markers",
                    marker={"size": 4},
                    line={"color": colour, "dash": _DASHES[place // len(_COLOURS) % len(_DASHES)]},
                    name=name,
                    legendgroup=name,
                    showlegend=column == 1,
                    row=1,
                    col=column,
                )
        figure.update_xaxes(title_text="step", col=1)
        figure.update_xaxes(title_text="seconds of training", col=2)
        figure.update_yaxes(title_text="dev loss (nats)", range=self._window(), col=1)
        figure.update_layout(legend=_ABOVE, height=460)
        return figure

    def _varies(self, name: str) -> bool:
        return len({json.dumps(each.options[name]) for each in self.trainings if name in each.options}) > 1

    def _window(self) -> list[float] | None:
        """From the lowest loss to where the slowest training was after its first looks: the start is off the top."""
        curves = [[row["dev"] for row in training.rows if "dev" in row] for training in self.trainings]
        values = [dev for curve in curves for dev in curve if math.isfinite(dev)]
        starts = [curve[min(1, len(curve) - 1)] for curve in curves if curve and math.isfinite(curve[-1])]
        if not values or not starts:
            return None
        low, high = min(values), max(starts)
        margin = 0.06 * (high - low) or 0.05
        return [low - margin, high + margin]


def compare(records: Sequence[Record]) -> list[Comparison]:
    """Trainings -> one comparison for each text and vocabulary, the one of most trainings first. Raises RunError."""
    texts: dict[tuple[str, str, str], list[Training]] = {}
    for record in records:
        training = Training.of(record)
        texts.setdefault(training.text, []).append(training)
    groups = sorted(texts.values(), key=len, reverse=True)
    return [Comparison(trainings=sorted(group, key=lambda training: training.dev)) for group in groups]


def collect(paths: Sequence[Path]) -> tuple[list[Record], list[Record]]:
    """Run folders, and folders of run folders -> the trainings to compare; those in there that are not done.

    In a folder of run folders, runs of other kinds are passed over. Raises RunError for what is neither, and where
    there is no training that is done.
    """
    found: dict[Path, Record] = {}
    unfinished: dict[Path, Record] = {}
    for path in paths:
        if (path / "run.json").is_file() or not path.is_dir():
            found[path.resolve()] = read(path)
            continue
        for file in sorted(path.glob("*/run.json")):
            record = _readable(file.parent)
            if record is not None and record.kind == "train":
                (found if record.status == "done" else unfinished)[record.folder.resolve()] = record
    if not found:
        where = ", ".join(map(str, paths))
        raise RunError(f"There is no training that is done in {where}.", "Train a model: zth train names")
    return list(found.values()), [record for place, record in unfinished.items() if place not in found]


def said(options: Mapping[str, Any]) -> str:
    """
    >>> said({"hidden": 300, "lr": 0.00312345, "direct": True})
    'hidden 300, lr 0.00312, direct True'
    """
    return ", ".join(
        f"{n} {value:.3g}" if isinstance(value, float) else f"{n} {value}" for n, value in options.items()
    )


def _readable(folder: Path) -> Record | None:
    """A damaged run among many hides no other."""
    try:
        return read(folder)
    except RunError:
        return None
