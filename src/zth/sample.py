"""Any model -> text: draw the next id, append it, ask again.

Letters: B strings that grow side by side, T ids so far, V ids in the vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from zth.errors import ConfigError, VocabularyError
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
    top_p: float | None = None
    """Draw among the likeliest only that together have this probability (nucleus sampling, Holtzman et al. 2020);
    with top_k, among those k."""
    max_length: int = 100
    """At most so many characters are added to the prompt."""
    end: int | None = 0
    """The id that ends a string, and starts it: 0, the ".", for a vocabulary of lines; None for one long text."""
    stop: tuple[int, ...] = ()
    """A string is done when these ids come up in a row among the new ones; they do not belong to it."""
    keep: int | None = None
    """What a model with a cache reads again when its block is full: see `Continuation.keep`. Half a block is fast."""

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
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p must be above 0, up to 1; got {self.top_p}.", "Try top_p=0.9, or leave it out.")
        if self.keep is not None and self.keep < 1:
            raise ConfigError(f"keep must be at least 1; got {self.keep}.", "Try half the model's block size.")


def sample(
    model: LanguageModel,
    vocabulary: Vocabulary,
    *,
    n: int,
    seed: int = 42,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    max_length: int = 100,
    prompt: str = "",
    stop: str = "",
    end: int | Literal["boundary"] | None = "boundary",
    keep: int | None = None,
) -> list[str]:
    """`n` strings that begin with `prompt`, drawn from `model` on the random stream "sampling" of `seed`.

    The other options are those of `Sampling`, `stop` as a string; an `end` of "boundary" is id 0 where the vocabulary
    is one of lines and None where it is one of a long text. Raises ConfigError for a value that makes no sense or a
    vocabulary of another size than the model's, VocabularyError for a prompt or a stop with characters outside it.

    >>> from zth.data.vocab import Vocabulary
    >>> from zth.models import NgramModel
    >>> contexts, targets = torch.tensor([[0], [1], [2]]), torch.tensor([1, 2, 0])
    >>> model = NgramModel.fit(contexts, targets, vocab_size=3)
    >>> sample(model, Vocabulary.of_lines(["ab"]), n=2)
    ['ab', 'ab']
    """
    how = Sampling(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        max_length=max_length,
        end=_end(model, vocabulary, end),
        stop=tuple(_encoded(vocabulary, stop, "stop")),
        keep=keep,
    )
    drawn = sample_ids(model, _encoded(vocabulary, prompt, "prompt"), how, n=n, seed=seed)
    return [prompt + vocabulary.decode(ids) for ids in drawn]


def sample_ids(
    model: LanguageModel, prompt: Sequence[int], how: Sampling, *, n: int, seed: int = 42
) -> list[list[int]]:
    """`sample` in ids: `n` lists of what comes after `prompt`, each without its end or stop.

    >>> from zth.models import NgramModel
    >>> model = NgramModel.fit(torch.tensor([[0], [1], [2]]), torch.tensor([1, 2, 0]), vocab_size=3)
    >>> sample_ids(model, [1], Sampling(), n=1), sample_ids(model, [], Sampling(end=None, max_length=4), n=1)
    ([[2]], [[1, 2, 0, 1]])
    """
    if n < 0:
        raise ConfigError(f"n must be at least 0; got {n}.", "Try n=20.")
    first = _first(model, prompt, how)
    generator = stream(seed, "sampling")
    drawn: list[list[int]] = []
    with evaluating(model):
        while len(drawn) < n:
            contexts = first.repeat(min(AT_A_TIME, model.side_by_side, n - len(drawn)), 1)
            columns = [contexts[:, :0].cpu(), *(ids[:, None] for ids in grow(model, contexts, how, generator))]
            drawn += [_until(row, how) for row in torch.cat(columns, dim=1).tolist()]
    return drawn


def sample_stream(
    model: LanguageModel,
    vocabulary: Vocabulary,
    *,
    seed: int = 42,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    max_length: int = 100,
    prompt: str = "",
    stop: str = "",
    end: int | Literal["boundary"] | None = "boundary",
    keep: int | None = None,
) -> Iterator[str]:
    """The new characters of one string, each as soon as it is sure: for a terminal. Joined, and behind the prompt,
    they are the string that `sample` gives for n=1. Raises as `sample` does, before the first one.

    What may turn out to be the beginning of `stop` is held back until it is clear that it is not.

    >>> from zth.data.vocab import Vocabulary
    >>> from zth.models import NgramModel
    >>> model = NgramModel.fit(torch.tensor([[0], [1], [2]]), torch.tensor([1, 2, 0]), vocab_size=3)
    >>> list(sample_stream(model, Vocabulary.of_lines(["ab"])))
    ['a', 'b']
    """
    how = Sampling(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        max_length=max_length,
        end=_end(model, vocabulary, end),
        stop=tuple(_encoded(vocabulary, stop, "stop")),
        keep=keep,
    )
    contexts = _first(model, _encoded(vocabulary, prompt, "prompt"), how)
    return _characters(model, vocabulary, contexts, how, stream(seed, "sampling"))


def draw(logprobs: Tensor, how: Sampling, generator: torch.Generator) -> Tensor:
    """(B, V) log-probabilities -> (B,) ids, one drawn for each row.

    >>> draw(torch.tensor([[0.5, 0.3, 0.2]]).log(), Sampling(temperature=0), stream(1, "sampling")).tolist()
    [0]
    """
    if how.temperature == 0:
        return logprobs.argmax(dim=1)
    ids = None
    if how.top_k is not None or how.top_p is not None:
        logprobs, ids = logprobs.topk(how.top_k or logprobs.shape[1], dim=1)  # the likeliest first
    # less the largest: so a temperature near 0 sends the others to -inf, but never all of them
    scaled = (logprobs - logprobs.amax(dim=1, keepdim=True)) / how.temperature
    probs = scaled.softmax(dim=1)
    if how.top_p is not None:
        before = probs.cumsum(dim=1) - probs  # 0 for the likeliest: it always stays
        probs = probs.masked_fill(before >= how.top_p, 0.0)
    drawn = torch.multinomial(probs, 1, generator=generator)
    return (drawn if ids is None else ids.gather(1, drawn))[:, 0]


def grow(model: LanguageModel, contexts: Tensor, how: Sampling, generator: torch.Generator) -> Iterator[Tensor]:
    """(B, T) contexts -> (B,) ids that come next, again and again, until all strings are done or max_length long.

    What comes for a string after its end or stop means nothing. For use within `evaluating(model)`.
    """
    continuation = model.continuation(contexts)
    continuation.keep = how.keep
    done = torch.zeros(len(contexts), dtype=torch.bool)
    recent = torch.full((len(contexts), len(how.stop)), -1)
    for left in reversed(range(how.max_length)):
        ids = draw(continuation.log_probs().cpu(), how, generator)
        yield ids
        done |= ids == (-1 if how.end is None else how.end)
        if how.stop:
            recent = torch.cat([recent[:, 1:], ids[:, None]], dim=1)
            done |= (recent == torch.tensor(how.stop)).all(dim=1)
        if left == 0 or done.all():
            return
        continuation.append(ids.to(contexts.device))


def _characters(
    model: LanguageModel, vocabulary: Vocabulary, contexts: Tensor, how: Sampling, generator: torch.Generator
) -> Iterator[str]:
    columns = grow(model, contexts, how, generator)
    held: list[int] = []  # may be the beginning of the stop
    while True:
        # one step at a time, so that the caller's own gradients and the model's mode are theirs between two of them
        with evaluating(model):
            ids = next(columns, None)
        if ids is None:
            break
        held.append(int(ids))
        if held[-1] == how.end:
            held.pop()
            break
        if tuple(held) == how.stop:
            return
        n_sure = next(i for i in range(len(held) + 1) if tuple(held[i:]) == how.stop[: len(held) - i])
        if n_sure:
            yield vocabulary.decode(held[:n_sure])
        held = held[n_sure:]
    if held:
        yield vocabulary.decode(held)


def _first(model: LanguageModel, prompt: Sequence[int], how: Sampling) -> Tensor:
    """(1, T) ids that every string begins with, on the model's device. Raises ConfigError and VocabularyError."""
    if how.top_k is not None and how.top_k > model.vocab_size:
        raise ConfigError(
            f"top_k must be in 1 .. {model.vocab_size}; got {how.top_k}.", "Leave it out to draw among all."
        )
    ids = ([] if how.end is None else [how.end]) + list(prompt) or [0]  # a long text with no prompt begins at id 0
    first = torch.tensor([ids])
    check_ids(first, model.vocab_size, "prompt and end")
    weights = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    return first if weights is None else first.to(weights.device)


def _end(model: LanguageModel, vocabulary: Vocabulary, end: int | Literal["boundary"] | None) -> int | None:
    if len(vocabulary) != model.vocab_size:
        raise ConfigError(
            f"The vocabulary has {len(vocabulary)} characters, the model {model.vocab_size}.",
            "Use the vocabulary that the model was trained with.",
        )
    if end == "boundary":
        return 0 if vocabulary.boundary else None
    return end


def _encoded(vocabulary: Vocabulary, text: str, what: str) -> list[int]:
    """The ids of a prompt or stop. Raises VocabularyError that names all characters which the model does not know."""
    unknown = sorted({character for character in text if character not in vocabulary.characters})
    if not unknown:
        return vocabulary.encode(text)
    near = text.lower() if all(c in vocabulary.characters for c in text.lower()) else ""
    known = repr("".join(vocabulary.characters))
    raise VocabularyError(
        f"The {what} {text!r:.40} has {', '.join(map(repr, unknown[:5]))}, which the model never saw.",
        f"Try {near!r:.40}." if near else f"It knows {known:.100}.",
    )


def _until(ids: list[int], how: Sampling) -> list[int]:
    """What comes before the end or the stop, whichever is first."""
    if how.end in ids:
        ids = ids[: ids.index(how.end)]
    n = len(how.stop)
    places = (i for i in range(len(ids) - n + 1) if n and tuple(ids[i : i + n]) == how.stop)
    return ids[: next(places, len(ids))]
