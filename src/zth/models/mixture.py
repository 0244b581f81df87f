"""The average of what several models say: the paper's net and trigram together (lecture 3, exercise 3.3).

Letters: K models, B contexts in a batch, T ids in a context, V ids in the vocabulary, N predictions to score.

What is averaged are probabilities: p = sum over k of weight[k] * p[k], the chance that the id follows if one of the
models is chosen by lot. That is never worse than the worst of them, and gains where they are wrong in different
places. An average of logarithms is something else: it would have to be normalised again.

Which weights are best is a question that has one answer (`best_weights`): the loss is convex in them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from zth.errors import ConfigError, ShapeError
from zth.models.protocol import IGNORED, Continuation, LanguageModel, evaluating, model_class

CLOSE_TO_ONE = 1e-6
"""How far the sum of the weights may be from 1: they are numbers that people write, as 0.3 and 0.7."""
CLOSE_TO_BEST, ROUNDS = 1e-5, 10_000
"""Nats that fitted weights may be away from the best ones, and how often they are bettered at most."""
AT_A_TIME = 2**14
"""Predictions; of more than that, a net's inner numbers take memory and gain no time."""


def mixed(logprobs: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """K tensors (..., V) of log-probabilities -> (..., V) float64, those of their mixture.

    By log-sum-exp, so that what is tiny in all of them is not lost. Where all say -inf, so does the mixture.

    >>> even, sure = torch.tensor([0.5, 0.5]).log(), torch.tensor([1.0, 0.0]).log()
    >>> [round(p, 6) for p in mixed([even, sure], [0.4, 0.6]).exp().tolist()]
    [0.8, 0.2]
    """
    logs = [p.double() + (math.log(w) if w > 0 else -math.inf) for p, w in zip(logprobs, weights, strict=True)]
    return torch.logsumexp(torch.stack(logs), dim=0)


class MixtureModel(LanguageModel):
    """K models of one vocabulary, each with a weight: (B, T) ids -> (B, V) log-probabilities, in float64.

    Raises ConfigError for no model, vocabularies of different sizes, and weights below 0 or that do not sum to 1.

    >>> from zth.models.ngram import NgramModel
    >>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
    >>> bigram = NgramModel.fit(contexts, targets, vocab_size=2)
    >>> unigram = NgramModel.fit(contexts[:, :0], targets, vocab_size=2)
    >>> model = MixtureModel([bigram, unigram], [0.7, 0.3])
    >>> [round(p, 6) for p in model.next_distribution([0]).tolist()]  # 0.7 * [0, 1] + 0.3 * [1/3, 2/3]
    [0.1, 0.9]
    """

    family = "mixture"
    reads_lines: ClassVar[bool] = True
    """It scores all positions of a line, each model in its own best way."""

    def __init__(self, models: Sequence[LanguageModel], weights: Sequence[float]) -> None:
        sizes = {model.vocab_size for model in models}
        if len(sizes) != 1:
            raise ConfigError(
                f"A mixture needs models of one vocabulary; got sizes {sorted(sizes)}.", "Train them on one text."
            )
        fitting = len(weights) == len(models) and all(weight >= 0 for weight in weights)
        if not fitting or abs(sum(weights) - 1) > CLOSE_TO_ONE:
            raise ConfigError(
                f"{len(models)} models need as many weights from 0 up that sum to 1; got {list(weights)}.",
                "Try [0.5, 0.5].",
            )
        self.models = list(models)
        self.weights = [float(weight) for weight in weights]
        (self.vocab_size,) = sizes
        self.block_size = max(model.block_size for model in models)
        self.side_by_side = min(model.side_by_side for model in models)

    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) ids -> (B, V)."""
        with _all_evaluating(self.models):
            return mixed([model.log_probs(contexts) for model in self.models], self.weights)

    def log_probs_everywhere(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V), each model in its own best way."""
        with _all_evaluating(self.models):
            return mixed([model.log_probs_everywhere(ids) for model in self.models], self.weights)

    def continuation(self, contexts: Tensor) -> Continuation:
        """One in which each model goes on in its own way, with its own cache."""
        return MixtureContinuation(self, contexts)

    def config(self) -> dict[str, Any]:
        parts = [{"family": model.family, "config": model.config()} for model in self.models]
        return {"weights": self.weights, "parts": parts}

    def tensors(self) -> dict[str, Tensor]:
        """Those of model k by the names "k.name"; copies, since one model may stand in two places."""
        parts = [model.tensors() for model in self.models]
        return {f"{k}.{name}": t.detach().clone() for k, part in enumerate(parts) for name, t in part.items()}

    @classmethod
    def from_parts(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        models = []
        for k, part in enumerate(config["parts"]):
            own = {name.removeprefix(f"{k}."): t for name, t in tensors.items() if name.startswith(f"{k}.")}
            models.append(model_class(part["family"]).from_parts(part["config"], own))
        return cls(models, config["weights"])


class MixtureContinuation(Continuation):
    """Keeps the continuation of each model."""

    model: MixtureModel

    def __init__(self, model: MixtureModel, contexts: Tensor) -> None:
        super().__init__(model, contexts)
        with _all_evaluating(model.models):
            self.parts = [part.continuation(contexts) for part in model.models]

    def log_probs(self) -> Tensor:
        with _all_evaluating(self.model.models):
            return mixed([part.log_probs() for part in self.parts], self.model.weights)

    def append(self, ids: Tensor) -> None:
        super().append(ids)
        with _all_evaluating(self.model.models):
            for part in self.parts:
                part.keep = self.keep
                part.append(ids)


def target_log_probs(model: LanguageModel, contexts: Tensor, targets: Tensor) -> Tensor:
    """(B, T) contexts, (B, T) targets -> (N,) float64: the log-probability of each target that counts, in order.

    >>> from zth.models.ngram import NgramModel
    >>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
    >>> model = NgramModel.fit(contexts, targets, vocab_size=2)
    >>> target_log_probs(model, torch.tensor([[0, 1]]), torch.tensor([[1, -1]])).tolist()
    [0.0]
    """
    if contexts.shape != targets.shape or contexts.dim() != 2:
        raise ShapeError(
            f"contexts {tuple(contexts.shape)} and targets {tuple(targets.shape)} do not belong together.",
            "Pass (B, T) with (B, T).",
        )
    n_rows = max(1, AT_A_TIME // max(1, contexts.shape[1]))
    pieces = [torch.empty(0, dtype=torch.float64)]
    with evaluating(model):
        for xb, yb in zip(torch.split(contexts, n_rows), torch.split(targets, n_rows), strict=True):
            picked = model.log_probs_everywhere(xb).gather(-1, yb.clamp(min=0)[..., None])[..., 0]
            pieces.append(picked[yb != IGNORED].double())
    return torch.cat(pieces)


def best_weights(logprobs: Tensor) -> list[float]:
    """(K, N) log-probabilities that K models gave to what really came -> the K weights of the mixture that gives it
    the most, within CLOSE_TO_BEST nats a prediction.

    By expectation maximisation (Jelinek and Mercer 1980 weigh n-grams so): a model's new weight is the share that it
    had in the mixture's probabilities, on average. What all find impossible says nothing, and is left out. Raises
    ConfigError where nothing is left, or there is no model.

    >>> [round(w, 3) for w in best_weights(torch.tensor([[0.9, 0.1, 0.9], [0.1, 0.9, 0.1]]).log())]
    [0.708, 0.292]
    """
    possible = logprobs.double()[:, (logprobs > -math.inf).any(0)] if len(logprobs) else logprobs
    if possible.numel() == 0:
        raise ConfigError(
            f"There is nothing to weigh {len(logprobs)} models by.", "Pass what they say of one text that they know."
        )
    ratios = (possible - possible.amax(0)).exp()  # (K, N), of each prediction the largest is 1
    weights = ratios.new_full((len(ratios),), 1 / len(ratios))
    for _ in range(ROUNDS):
        gains = (ratios / (weights @ ratios)).mean(1)  # (K,) the slopes of the log-likelihood
        # it is concave: from here no weights gain more than log(max slope)
        if float(gains.max().log()) < CLOSE_TO_BEST:
            break
        weights = weights * gains
    return [float(weight) for weight in weights / weights.sum()]


def sweep(
    models: Sequence[LanguageModel], shares: Sequence[float], contexts: Tensor, targets: Tensor
) -> dict[float, float]:
    """Two models -> by the share of the second: the loss of their mixture, in nats. Both are asked only once.

    Raises ConfigError for another number of models, or a share outside 0..1.

    >>> from zth.models.ngram import NgramModel
    >>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
    >>> models = [NgramModel.fit(contexts, targets, vocab_size=2, k=k) for k in (0, 1)]
    >>> losses = sweep(models, [0, 0.5], contexts, targets)
    >>> [round(loss, 4) for loss in losses.values()]
    [0.4621, 0.5229]
    """
    if len(models) != 2 or not all(0 <= share <= 1 for share in shares):
        raise ConfigError(
            f"A sweep takes two models and shares from 0 to 1; got {len(models)} and {list(shares)}.",
            "Try [0.1, 0.3].",
        )
    with _all_evaluating(models):
        logprobs = [model.log_probs(contexts).gather(1, targets[:, None])[:, 0] for model in models]
    return {share: -float(mixed(logprobs, [1 - share, share]).mean()) for share in shares}


@contextmanager
def _all_evaluating(models: Sequence[LanguageModel]) -> Iterator[None]:
    """What `evaluating` does for a module, for each that is one: `evaluate` sees the mixture alone."""
    with ExitStack() as stack:
        for model in models:
            stack.enter_context(evaluating(model))
        yield
