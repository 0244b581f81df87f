"""What the run folder of a training says of its model: losses, samples, what it began with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zth.models.protocol import LanguageModel
from zth.runs import Run
from zth.sample import sample
from zth.train.examples import Examples, Text
from zth.train.long_text import LongExamples, LongText

SAMPLES_FILE = "samples.txt"
N_SAMPLES = 20


def began(facts: Mapping[str, Any] | None) -> str:
    """A sentence for the page of a net that did not begin from nothing."""
    if not facts:
        return ""
    learnt = ", ".join(facts["editions"])
    return f" It began with the weights of `{facts['run']}` ({facts['title']}; learnt from {learnt})."


def tell_losses(run: Run, model: LanguageModel, examples: Examples | LongExamples) -> dict[str, float]:
    losses = examples.losses(model)
    for name, loss in losses.items():
        run.figure(f"{name} loss", loss, unit="nats", better="lower")
    run.figure("dev bits per character", losses["dev"] / math.log(2), unit="bits", better="lower")
    return losses


def tell_samples(run: Run, model: LanguageModel, text: Text | LongText, seed: int) -> None:
    """Twenty lines drawn from the model, and whether each stands in the text that it learnt from; or a passage."""
    if isinstance(text, LongText):
        passage = text.drawn(model, seed=seed)
        run.write(SAMPLES_FILE, passage + "\n")
        run.table("Drawn from the model", ["line"], [[line] for line in passage.split("\n")])
        return
    drawn = sample(model, text.vocabulary, n=N_SAMPLES, seed=seed)
    learnt = set(text.split.train)
    run.write(SAMPLES_FILE, "".join(line + "\n" for line in drawn))
    rows = [[line, "learnt by heart" if line in learnt else "new"] for line in drawn]
    run.table("Drawn from the model", ["line", "in the training part"], rows)
