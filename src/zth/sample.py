"""Any model -> text: draw the next id, append it, ask again.

Letters: B strings that grow side by side, T ids so far, V ids in the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from zth.errors import ConfigError
from zth.models.protocol import LanguageModel, check_ids, evaluating
from zth.seeds import stream

if TYPE_CHECKING:
    from zth.data.vocab import Vocabulary

AT_A_TIME = 4096
"""How many strings grow side by side: it bounds the memory, whatever n is."""


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next id is drawn, and when a string is done. Raises ConfigError for values that make no sense.

    >>> Sampling(temperature=-1)
    Traceback (most recent call last):
    zth.errors.ConfigError: temperature must be from 0 up; got -1. 1 draws as the model says, 0 takes the likeliest.
    """

    temperature: float = 1.0
    """Divides the log-probabilities: below 1 the likely gets likelier, 0 always takes the likeliest."""
    top_k: int | None = None
    """Draw among the k likeliest only."""
    max_length: int = 100
    """At most so many characters are added to the prompt."""
    end: int | None = 0
    """The id that ends a string, and starts it: 0, the ".", for a vocabulary of lines; None for one long text."""

    def __post_init__(self) -> None:
        if not (0 <= self.temperature < math.inf):
            raise ConfigError(
                f"temperature must be from 0 up; got {self.temperature}.",
                "1 draws as the model says, 0 takes the likeliest.",
            )
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"top_k must be at least 1; got {self.top_k}.", "Leave it out to draw among all.")
        if self.max_length < 0:
            raise ConfigError(f"max_length must be at least 0; got {self.max_length}.", "Try max_length=100.")


def sample(
    model: LanguageModel,
    vocabulary: Vocabulary,
    *,
    n: int,
    seed: int = 42,
    temperature: float = 1.0,
    top_k: int | None = None,
    max_length: int = 100,
    prompt: str = "",
    end: int | Literal["boundary"] | None = "boundary",
) -> list[str]:
    """`n` strings that begin with `prompt`, drawn from `model` on the random stream "sampling" of `seed`.

    The other options are those of `Sampling`; an `end` of "boundary" is id 0 where the vocabulary is one of lines and
    None where it is one of a long text. Raises ConfigError for a value that makes no sense or a vocabulary of
    another size than the model's, VocabularyError for a prompt with characters outside it.

    >>> from zth.data.vocab import Vocabulary
    >>> from zth.models import NgramModel
    >>> contexts, targets = torch.tensor([[0], [1], [2]]), torch.tensor([1, 2, 0])
    >>> model = NgramModel.fit(contexts, targets, vocab_size=3)
    >>> sample(model, Vocabulary.of_lines(["ab"]), n=2)
    ['ab', 'ab']
    """
    if len(vocabulary) != model.vocab_size:
        raise ConfigError(
            f"The vocabulary has {len(vocabulary)} characters, the model {model.vocab_size}.",
            "Use the vocabulary that the model was trained with.",
        )
    if end == "boundary":
        end = 0 if vocabulary.boundary else None
    how = Sampling(temperature=temperature, top_k=top_k, max_length=max_length, end=end)
    drawn = sample_ids(model, vocabulary.encode(prompt), how, n=n, seed=seed)
    return [prompt + vocabulary.decode(ids) for ids in drawn]


def sample_ids(
    model: LanguageModel, prompt: Sequence[int], how: Sampling, *, n: int, seed: int = 42
) -> list[list[int]]:
    """`sample` in ids: `n` lists of what comes after `prompt`, each without its end.

    >>> from zth.models import NgramModel
    >>> model = NgramModel.fit(torch.tensor([[0], [1], [2]]), torch.tensor([1, 2, 0]), vocab_size=3)
    >>> sample_ids(model, [1], Sampling(), n=1), sample_ids(model, [], Sampling(end=None, max_length=4), n=1)
    ([[2]], [[1, 2, 0, 1]])
    """
    if n < 0:
        raise ConfigError(f"n must be at least 0; got {n}.", "Try n=20.")
    if how.top_k is not None and how.top_k > model.vocab_size:
        raise ConfigError(
            f"top_k must be in 1 .. {model.vocab_size}; got {how.top_k}.", "Leave it out to draw among all."
        )
    first = ([] if how.end is None else [how.end]) + list(prompt) or [0]  # a long text with no prompt begins at id 0
    check_ids(torch.tensor(first), model.vocab_size, "prompt and end")
    generator = stream(seed, "sampling")
    drawn: list[list[int]] = []
    with evaluating(model):
        while len(drawn) < n:
            contexts = torch.tensor([first] * min(AT_A_TIME, n - len(drawn)))
            drawn += [_until(row, how.end) for row in _grow(model, contexts, how, generator).tolist()]
    return drawn


def draw(logprobs: Tensor, how: Sampling, generator: torch.Generator) -> Tensor:
    """(B, V) log-probabilities -> (B,) ids, one drawn for each row.

    >>> draw(torch.tensor([[0.5, 0.3, 0.2]]).log(), Sampling(temperature=0), stream(1, "sampling")).tolist()
    [0]
    """
    if how.temperature == 0:
        return logprobs.argmax(dim=1)
    ids = None
    if how.top_k is not None:
        logprobs, ids = logprobs.topk(how.top_k, dim=1)
    # less the largest: so a temperature near 0 sends the others to -inf, but never all of them
    scaled = (logprobs - logprobs.amax(dim=1, keepdim=True)) / how.temperature
    drawn = torch.multinomial(scaled.softmax(dim=1), 1, generator=generator)
    return (drawn if ids is None else ids.gather(1, drawn))[:, 0]


def _grow(model: LanguageModel, contexts: Tensor, how: Sampling, generator: torch.Generator) -> Tensor:
    """(B, T) contexts -> (B, up to max_length) the ids that follow; what comes after an end means nothing."""
    continuation = model.continuation(contexts)
    done = torch.zeros(len(contexts), dtype=torch.bool)
    columns = [contexts.new_empty(len(contexts), 0)]
    for _ in range(how.max_length):
        ids = draw(continuation.log_probs().cpu(), how, generator)
        columns.append(ids[:, None])
        done |= ids == (-1 if how.end is None else how.end)
        if done.all():
            break
        continuation.append(ids)
    return torch.cat(columns, dim=1)


def _until(ids: list[int], end: int | None) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids
