"""Lecture 7's own experiment: its path to attention, a GPT on Shakespeare, what its heads look at, and the cache.

Letters: N ids in a text, T positions, V ids in the vocabulary, L layers, H heads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import plotly.graph_objects as go
import torch
from numpy.typing import NDArray

from zth.data.stream import all_windows
from zth.errors import MissingPartError
from zth.models import NgramModel, evaluate
from zth.models.gpt import GPTConfig, GPTModel, preset
from zth.sample import Sampling, sample, sample_ids
from zth.seeds import stream
from zth.train import TrainConfig, Trainer
from zth.train.long_text import LongText, part_loss, whole_loss
from zth.workbook.l07_gpt import generation, maps, path
from zth.workbook.measure import Lab

STEPS = {"quick": 300, "full": 4000}
LOOKS = 10
"""How often the loss is measured on a part of dev while it trains."""
LOOKED_AT = 2**13
"""Characters of that part."""
BIGRAM, FINAL, N_PARAMETERS = 2.5, 1.48, 10_788_929
"""The lecture's: losses on dev, the second that of its final model, and how many numbers that one has."""
LECTURE_VOCABULARY = 65
LINE, PROMPT = "But, soft! what light", "ROMEO:\n"
"""Whose attention is drawn, and with what a passage begins. Tiny Shakespeare has both."""
LENGTH, TEMPERATURE = 500, 0.8
"""Characters drawn from the trained model, and how: 1 would be as the model says, below 1 it is more careful."""
BLUE, ORANGE = "#6574dc", "#e0812f"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A GPT, and how it became what it is."""

    model: GPTModel
    losses: NDArray[np.float64]
    """(steps,) of the batches."""
    looks: list[tuple[int, float]]
    """Step, and the loss on a part of dev."""
    dev: float
    """Nats a character, on all of it."""
    seconds: float
    """Of training."""

    @property
    def n_parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())


def measure(lab: Lab) -> None:
    steps = STEPS[lab.preset]
    lab.run.text(
        "From an average of the past to a GPT: are the lecture's steps to attention equal to each other? What does a "
        f"small GPT write after {steps:,} steps, what do its heads look at, and what does a cache save?"
    )
    path.tell(lab)
    text = _text(lab)
    trained = _trained(lab, text, steps) if text else None
    if text and trained:
        bigram = bigram_loss(text)
        _tell_losses(lab, text, trained, bigram)
        _draw_losses(lab, trained, bigram)
        _show_passages(lab, text, trained)
        _draw_maps(lab, text, trained.model)
    _tell_generation(lab, trained.model if trained else None)
    if trained:
        lab.run.text(_answer(trained, bigram))


def _text(lab: Lab) -> LongText | None:
    """Tiny Shakespeare, or None where there is neither a copy, nor a network, nor the plays to rebuild it from."""
    try:
        return LongText.of(lab.corpus("shakespeare"))
    except MissingPartError as error:
        lab.run.text(f"**No text, so nothing was trained here.** {error} Then measure again: `zth measure 7`.")
        return None


def fresh(vocab_size: int, seed: int) -> GPTModel:
    """Untrained, of the size that `zth train` takes for a text."""
    return GPTModel(GPTConfig(vocab_size=vocab_size), generator=stream(seed, "init"))


def recipe(steps: int) -> TrainConfig:
    """That of `zth train`, with other steps."""
    return TrainConfig(**{**GPTModel.text_recipe, "steps": steps})


def _trained(lab: Lab, text: LongText, steps: int) -> Trained:
    model = fresh(len(text.vocabulary), lab.seed)
    block_size, dev = model.block_size, text.data.dev
    blocks = text.examples("gpt", block_size=block_size).train
    trainer = Trainer(model, blocks, recipe(steps), seed=lab.seed)
    looks = [(0, part_loss(model, dev, block_size, LOOKED_AT))]
    losses, seconds, every = [], 0.0, max(1, steps // (5 * LOOKS))
    while trainer.step < steps:
        lab.show("training", trainer.step, steps)
        started = perf_counter()
        losses.append(trainer.run(min(every, steps - trainer.step)))
        seconds += perf_counter() - started
        if len(losses) % 5 == 0 and trainer.step < steps:
            with trainer.as_left():
                looks.append((trainer.step, part_loss(model, dev, block_size, LOOKED_AT)))
            lab.run.log(step=trainer.step, loss=float(losses[-1].mean()), dev=looks[-1][1])
    trainer.finish()
    lab.show("training", steps, steps)
    looks.append((steps, part_loss(model, dev, block_size, LOOKED_AT)))
    whole = whole_loss(model, dev, block_size)
    lab.run.log(step=steps, loss=float(losses[-1].mean()), dev=whole)
    return Trained(model=model, losses=np.concatenate(losses), looks=looks, dev=whole, seconds=seconds)


def bigram_loss(text: LongText) -> float:
    """The counted bigram's, on all of dev; with 1 added to each count, for dev has pairs that train has not."""
    train, dev = (torch.from_numpy(part.array()) for part in (text.data.train, text.data.dev))
    model = NgramModel.fit(train[:-1, None], train[1:], vocab_size=len(text.vocabulary), k=1)
    return evaluate(model, dev[:-1, None], dev[1:])


def _tell_losses(lab: Lab, text: LongText, trained: Trained, bigram: float) -> None:
    V, options = len(text.vocabulary), trained.model.options
    blind = round(math.log(V), 4)
    rows: list[tuple[str, int, int, float]] = [
        ("blind guessing", 0, 0, blind),
        ("bigram, counted", V * V, 1, bigram),
        (f"GPT, {len(trained.losses):,} steps", trained.n_parameters, options.block_size, trained.dev),
        ("the lecture's GPT, on a GPU", N_PARAMETERS, 256, FINAL),
    ]
    columns = ["model", "parameters", "characters that it sees", "dev loss, nats", "bits"]
    told = [[*row, round(loss, 3), round(loss / math.log(2), 3)] for *row, loss in rows]
    lab.run.table("Loss on dev, for each character", columns, told)
    lab.run.figure("loss before training", trained.looks[0][1], reference=blind, source=f"ln {V}", tolerance=1e-3)
    lab.run.figure(
        "bigram: dev", bigram, unit="nats", reference=BIGRAM, source="lecture 7: about 2.5", tolerance=0.05
    )
    lab.run.figure(
        "GPT: dev",
        trained.dev,
        unit="nats",
        reference=None if lab.quick else FINAL,
        source="" if lab.quick else "lecture 7, on a GPU: about 1.48",
        better="lower",
        tolerance=0.005,
    )


def _draw_losses(lab: Lab, trained: Trained, bigram: float) -> None:
    steps = len(trained.losses)
    width = max(1, steps // 100)
    pieces = np.array_split(trained.losses, max(1, steps // width))
    figure = go.Figure()
    figure.add_scatter(
        name=f"batches, mean of {width}",
        x=np.cumsum([len(piece) for piece in pieces]).tolist(),
        y=[round(float(piece.mean()), 4) for piece in pieces],
        mode="lines",
        line={"color": BLUE, "width": 1.5},
    )
    at, dev = zip(*trained.looks, strict=True)
    figure.add_scatter(
        name="dev, a part of it", x=at, y=[round(loss, 4) for loss in dev], mode="lines+markers", line_color=ORANGE
    )
    for level, what, where in ((bigram, "bigram", "top right"), (FINAL, "the lecture's GPT", "bottom left")):
        named = {"annotation_text": f"{what}, {level:.2f}", "annotation_position": where}
        figure.add_hline(y=level, line_dash="dot", line_width=1, **named)
    figure.update_layout(height=380)
    figure.update_xaxes(title="step")
    figure.update_yaxes(title="loss (nats a character)", range=[1.2, 3.6])
    lab.run.plot(
        "Training",
        figure,
        f"It begins at {trained.looks[0][1]:.2f}, which is blind guessing, and is soon below the bigram: from there "
        "on it is the characters further back that help.",
    )


def _show_passages(lab: Lab, text: LongText, trained: Trained) -> None:
    untrained = fresh(len(text.vocabulary), lab.seed)
    (before,) = sample(untrained, text.vocabulary, n=1, seed=lab.seed, max_length=100)
    written = before.replace("\n", " ").replace("`", "'")  # one line for the page
    lab.run.text(f"What it writes before training, every character as likely as any other: `{written}`")
    lab.run.table(
        f"What it writes after {len(trained.losses):,} steps, given {PROMPT!r}, at temperature {TEMPERATURE}",
        ["line"],
        [[line] for line in passage(trained.model, text, lab.seed).split("\n")],
    )


def passage(model: GPTModel, text: LongText, seed: int) -> str:
    """PROMPT, and the LENGTH characters that the model adds."""
    how = Sampling(temperature=TEMPERATURE, max_length=LENGTH, end=None, keep=max(1, model.block_size // 2))
    (drawn,) = sample_ids(model, text.vocabulary.encode(PROMPT), how, n=1, seed=seed)
    return PROMPT + text.vocabulary.decode(drawn)


def _draw_maps(lab: Lab, text: LongText, model: GPTModel) -> None:
    vocabulary = text.vocabulary
    x, _ = all_windows(text.data.dev.part(0, 8 * model.block_size + 1), model.block_size)
    gaps = torch.isin(x, torch.tensor(vocabulary.encode(" \n")))
    shares = maps.habits(maps.weights_of(model, x), gaps)
    line = maps.weights_of(model, torch.tensor([vocabulary.encode(LINE)]))[:, 0]
    for habit, layer, head in maps.typical(shares):
        lab.run.log(habit=habit, layer=layer + 1, head=head + 1, share=float(shares[habit][layer, head]))
    lab.run.plot(
        "What the heads look at",
        maps.drawn(maps.maps(line, shares), LINE),
        "Down: the position that asks. Across: the one that answers; the future is hidden. The stronger a "
        "square's colour, the more weight it has. Each panel has the head that does most of "
        "what its title says (no head twice), with its share of the attention over "
        f"{x.numel():,} characters of dev. Nobody told them to.",
    )


def _tell_generation(lab: Lab, trained: GPTModel | None) -> None:
    n_new, rounds = (8, 3) if lab.quick else (32, 9)
    lecture = GPTModel(preset("lecture", vocab_size=LECTURE_VOCABULARY), generator=stream(lab.seed, "init"))
    n_parameters = sum(p.numel() for p in lecture.parameters())
    lab.run.figure(
        "parameters of the lecture's GPT", n_parameters, reference=N_PARAMETERS, source="lecture 7's script: 10.8M"
    )
    rows = []
    models = [("the model above", trained)] if trained else []
    for name, model in lab.track([*models, ("the lecture's size", lecture)], "with a cache"):
        found = generation.compare(model, seed=lab.seed, n_new=n_new, rounds=rounds)
        speeds = [round(found.without, 1), round(found.cached), round(found.times, 1)]
        rows.append([name, model.block_size, f"{found.apart:.0e}", *speeds])
        lab.run.figure(
            f"{name}: log-probabilities apart", found.apart, reference=0, source="without cache", tolerance=1e-4
        )
        lab.run.figure(f"{name}: times as fast with a cache", found.times, unit="x", better="higher")
    columns = ["model", "block", "largest difference", "without cache", "with cache", "times as fast"]
    lab.run.table("Writing, characters a second on one thread, with a block nearly full", columns, rows)
    lab.run.text(
        "The lecture's `generate` reads the whole block for each new character. With the keys and values of what was "
        "read before in a cache, a new character costs one position. The larger the model, the more that saves: with "
        "a small one, the time goes into calling the operations."
    )


def _answer(trained: Trained, bigram: float) -> str:
    steps, speed = len(trained.losses), len(trained.losses) / trained.seconds
    return (
        f"**Answer.** After {steps:,} steps ({trained.seconds:.0f} s here, {speed:.0f} a second) a GPT of "
        f"{trained.n_parameters:,} parameters has {trained.dev:.3f} nats on dev, where the bigram has {bigram:.3f}: "
        "it has learnt speakers, lines, and many words. The lecture's, "
        f"{N_PARAMETERS / trained.n_parameters:.0f} times as large and trained on a GPU, has about {FINAL}. For more "
        "of it: `zth train shakespeare`."
    )
