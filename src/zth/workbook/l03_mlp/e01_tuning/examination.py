"""A trained net, examined: does it give probabilities, does it use its context, how good is it on new names?

It is not compared with another net. What strikes first is said in words, a key of `SAYS`; so whoever makes the same
mistake leaves the same impression, whatever the net.

Letters: N contexts, T ids in each, V ids in the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor

from zth.compare import as_array
from zth.data.sources import names
from zth.data.split import split_lines
from zth.seeds import stream
from zth.texts import mark
from zth.workbook.l03_mlp.e01_tuning.solution import examples

BOUND = 2.2
V, WIDEST = 27, 16
N_JUDGED = 500
"""Names that a net is judged on, and as many of those that it was given."""
BLIND, UNIGRAM, BIGRAM = math.log(V), 2.823, 2.454
BETTER = 0.2
"""So many nats less, and a net was made for the other question."""
BY_HEART = 0.3
"""A loss so much higher on new names than on those given, in nats."""
Words = list[str]
Predict = Callable[[Tensor], Any]

SAYS = {
    "a wrong form": mark(
        "train must return block_size, a whole number from 2 to 16, and predict, which turns N contexts into N rows "
        "of 27 numbers."
    ),
    "nan": "predict gives nan: the training has diverged. The rate is too high, or it stays high for too long: look "
    "for one with `rates`, and let it fall towards the end.",
    "logarithms": "predict gives logarithms of probabilities. Return the probabilities: .exp(), or softmax of the "
    "logits.",
    "negative numbers": "predict gives numbers below 0: those are logits. Return probabilities: F.softmax(logits, "
    "dim=1).",
    "columns that sum to 1": "The columns sum to 1 instead of the rows: the softmax went over the examples. The 27 "
    "characters of one context compete: F.softmax(logits, dim=1).",
    "rows that do not sum to 1": "The rows do not sum to 1. exp of logits must still be divided by the sum of its "
    "row.",
    "answers that depend on their company": "A context gets other probabilities alone than among others. Nothing "
    "may be computed over the batch when you predict: a BatchNorm must be in evaluation mode.",
    "no look at the context": "Every context gets the same probabilities: the net does not use them at all. Follow "
    "the contexts through your code: do they reach the embedding?",
    "a block of 1": "block_size is 1. That is a bigram, and its loss cannot fall below 2.45: look back further.",
    "a look at one character only": "Only the last character makes a difference. That is a bigram, and its loss "
    "cannot fall below 2.45. Are all T embeddings laid side by side: C[X].view(len(X), -1)?",
    "the character just seen": "The net predicts the character that it has just seen: in training the target was "
    "the last character of the context. It must be the one after it.",
    "contexts turned around": "The net does better if its contexts are turned around: in training the newest "
    "character stood first. predict gets it last, as in `examples`.",
    "another padding": "The first letters of names are predicted badly, and would be better if other characters "
    "stood before them. What stands before a name is dots, id 0, in training as in the check.",
    "names learnt by heart": "Names that the net was given cost it far less than new ones: it has learnt them by "
    "heart. Train on all the words that you get; make the net smaller; stop earlier.",
    "blind guessing": "The net is about as good as blind guessing, ln 27 = 3.296: it has hardly learnt at all. Is "
    "the rate far too low? Are the parameters updated, all of them?",
    "worse than blind guessing": "The net is worse than blind guessing: it is sure of wrong characters. Either its "
    "training has hardly begun (with N(0, 1) for all weights it begins at 27), or its ids are not those of the "
    "check: '.' is 0, 'a' is 1.",
    "no better than a unigram": "The net is about as good as a unigram, which only knows how frequent each "
    "character is. Train for more steps, with a higher rate, and begin as in 3.2.",
    "no better than a bigram": "The net is about as good as a bigram (2.45), so its context is hardly used yet. It "
    "needs a better beginning (3.2), a higher rate, or more steps.",
    "not there yet": f"The net learns, and is not there yet: {BOUND} is wanted. Try the rate first, larger batches, "
    "a rate that falls in the end, and a longer context; and use more of your time.",
}
"""What strikes first about a net -> what to tell its maker."""
GOOD = "good"
"""What is said of a net with nothing to mend."""


@cache
def given_and_new() -> tuple[Words, Words]:
    """The names that are given, and new ones."""
    split = split_lines(names())
    return split.train, split.dev[:N_JUDGED]


def examine(train: Any, seed: int) -> dict[str, object]:
    """`train` as the learner wrote it -> {"seen": words, "loss": nats on new names}; a loss of 0 stands for none."""
    given, new = given_and_new()
    block_size, predict = train(given, seed)
    if not isinstance(block_size, int) or isinstance(block_size, bool) or not 1 <= block_size <= WIDEST:
        return {"seen": "a wrong form", "loss": 0.0}
    if block_size == 1:
        return {"seen": "a block of 1", "loss": 0.0}
    contexts, targets = _mixed(new, block_size)
    probs = _asked(predict, contexts)
    seen = _form(probs, len(contexts)) or _use_of_context(predict, contexts[:300], probs[:300])
    if seen:
        return {"seen": seen, "loss": 0.0}
    loss = _loss(probs, targets)
    return {"seen": GOOD if loss <= BOUND else _reason(predict, block_size, probs, loss), "loss": round(loss, 4)}


def _mixed(words: Words, block_size: int) -> tuple[Tensor, Tensor]:
    """Their contexts and targets in no order: in a name's own, the next context ends in this one's target."""
    contexts, targets = examples(words, block_size)
    order = torch.randperm(len(targets), generator=stream(3, "asked"))
    return contexts[order], targets[order]


def _asked(predict: Predict, contexts: Tensor) -> Tensor:
    return torch.from_numpy(as_array(predict(contexts))).double()


def _loss(probs: Tensor, targets: Tensor) -> float:
    """Mean negative log likelihood; one in e**50 is the least probability, so that there always is a mean."""
    return float(-probs.gather(1, targets[:, None]).clamp(min=math.exp(-50)).log().mean())


def _form(probs: Tensor, n: int) -> str:
    """What is wrong with them as probabilities; "" where they are some."""
    if tuple(probs.shape) != (n, V):
        return "a wrong form"
    if not probs.isfinite().all():
        return "nan"
    rows = probs.sum(1)
    if (probs < 0).any():
        of_logs = probs.exp().sum(1)
        return "logarithms" if torch.allclose(of_logs, torch.ones_like(of_logs), atol=1e-3) else "negative numbers"
    if torch.allclose(rows, torch.ones_like(rows), atol=1e-3):
        return ""
    columns = probs.sum(0)
    return (
        "columns that sum to 1"
        if torch.allclose(columns, torch.ones_like(columns), atol=1e-3)
        else "rows that do not sum to 1"
    )


def _use_of_context(predict: Predict, contexts: Tensor, probs: Tensor) -> str:
    """Whether each row depends on its own context, on all of it, and on nothing else."""
    few = contexts[:5]
    alone = torch.cat([_asked(predict, context[None]) for context in few])
    if not torch.allclose(alone, probs[:5], atol=1e-4):
        return "answers that depend on their company"
    if torch.allclose(probs, probs[:1].expand_as(probs), atol=1e-6):
        return "no look at the context"
    others = contexts.clone()
    others[:, :-1] = contexts[:, :-1].roll(7, 0)  # the same last characters behind those of other names
    return "a look at one character only" if torch.allclose(_asked(predict, others), probs, atol=1e-6) else ""


def _reason(predict: Predict, block_size: int, probs: Tensor, loss: float) -> str:
    """Why the loss is too high: the net is asked other questions, to see which it answers better."""
    contexts, targets = _mixed(given_and_new()[1], block_size)
    starts = (contexts == 0).all(1)
    if float((probs.argmax(1) == contexts[:, -1])[~starts].double().mean()) > 0.5:
        return "the character just seen"
    if _loss(_asked(predict, contexts.flip(1)), targets) < min(loss - BETTER, UNIGRAM):
        return "contexts turned around"
    first = _loss(probs[starts], targets[starts])
    of_ids = _asked(predict, torch.arange(V)[:, None].expand(V, block_size))  # instead of dots, each id in turn
    others = [_loss(row.expand(int(starts.sum()), V), targets[starts]) for row in of_ids]
    if loss < UNIGRAM and min(others) < first - BETTER:
        return "another padding"
    if loss - _loss(*_of_given(predict, block_size)) > BY_HEART:
        return "names learnt by heart"
    if abs(loss - BLIND) < 0.1:
        return "blind guessing"
    if loss > BLIND:
        return "worse than blind guessing"
    if loss > (UNIGRAM + BIGRAM) / 2:
        return "no better than a unigram"
    return "no better than a bigram" if loss > BIGRAM - 0.05 else "not there yet"


def _of_given(predict: Predict, block_size: int) -> tuple[Tensor, Tensor]:
    contexts, targets = _mixed(given_and_new()[0][:N_JUDGED], block_size)
    return _asked(predict, contexts), targets
