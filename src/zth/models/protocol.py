"""What every language model here can do, and the one loss by which all are compared.

Letters: B contexts in a batch, T ids in a context, V ids in the vocabulary, N predictions to score.

A new model is one file with a class that derives from `LanguageModel` (and from `torch.nn.Module`, if it is one), and
one line in `FAMILIES`. It must say `log_probs`, and how it is taken apart and put together again; scoring every
position of a sequence, sampling, saving and loading then work. With a `config_class` it can be trained by its name:
a net is made by `build`, a model that counts by `counted`. A model that can do better than the general way (all
positions in one pass, a cache while sampling) overrides `log_probs_everywhere` or `continuation`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor, nn

from zth.errors import ConfigError, DataError, RunError, ShapeError, VocabularyError, ZthError, did_you_mean
from zth.files import atomic_write_all, dumps
from zth.models.space import Space

FAMILIES = {
    "ngram": "zth.models.ngram:NgramModel",
    "kneser-ney": "zth.models.kneser_ney:KneserNeyModel",
    "neural-ngram": "zth.models.neural_ngram:NeuralNgramModel",
    "mlp": "zth.models.mlp:MLPModel",
    "wavenet": "zth.models.wavenet:WaveNetModel",
    "rnn": "zth.models.recurrent:RNNModel",
    "gru": "zth.models.recurrent:GRUModel",
    "mixture": "zth.models.mixture:MixtureModel",
    "gpt": "zth.models.gpt:GPTModel",
}
"""The family that model.json names -> where its class is, imported when such a model is loaded."""

IGNORED = -1
"""A target that is not scored: the padding of a line, the question before an answer."""

CONFIG_FILE, TENSOR_FILE = "model.json", "model.safetensors"


class LanguageModel(ABC):
    """Something that knows how likely each next id is.

    A context may have any length: of a longer one only the last `block_size` ids count, and a model with a fixed
    window takes what is missing on the left as id 0 (the "." of a vocabulary of lines).
    """

    family: ClassVar[str]
    """Its name in `FAMILIES`."""
    config_class: ClassVar[type[Any] | None] = None
    """The frozen dataclass that a fresh one is made from; it has `vocab_size` and `block_size`."""
    space: ClassVar[Space] = {}
    """What a tuner may try for the fields of `config_class`."""
    vocab_size: int
    block_size: int
    """How many ids back the model looks."""
    side_by_side: int = 4096
    """How many strings should grow side by side at most: it bounds the memory of sampling."""

    @abstractmethod
    def log_probs(self, contexts: Tensor) -> Tensor:
        """(B, T) int64 ids -> (B, V) natural logarithms of the probability of the next id; -inf is allowed."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """What JSON can hold of the model; `from_parts` gets it back."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """What safetensors can hold of the model, by name; for a torch module its `state_dict()`."""

    @classmethod
    @abstractmethod
    def from_parts(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The model again, from `config()` and `tensors()`."""

    @classmethod
    def counted(cls, options: Any, contexts: Tensor, targets: Tensor) -> Self:  # noqa: ARG003 (for those that count)
        """A model that learns by counting: `options` of its config class, (N, T) contexts, (N,) targets."""
        raise ConfigError(f"{cls.__name__} does not learn by counting.", "Train it by gradient descent.")

    def log_probs_everywhere(self, ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, V): at t the log-probabilities of the id that follows ids[:, : t + 1].

        Here each position gets a window of its own; a model that scores all positions in one pass overrides this.
        """
        width = max(self.block_size, 1)
        windows = F.pad(ids, (width - 1, 0)).unfold(1, width, 1)  # (B, T) -> (B, T, block_size)
        return self.log_probs(windows.reshape(-1, width)).view(*ids.shape, self.vocab_size)

    def continuation(self, contexts: Tensor) -> Continuation:
        """(B, T) ids -> those contexts, ready to grow id by id; a model with a cache returns its own kind."""
        return Continuation(self, contexts)

    def next_distribution(self, context: Sequence[int]) -> Tensor:
        """The ids so far -> (V,) probabilities of the next one. Raises VocabularyError for an id outside.

        >>> import torch
        >>> from zth.models.ngram import NgramModel
        >>> model = NgramModel.fit(torch.tensor([[0], [0], [1]]), torch.tensor([1, 0, 0]), vocab_size=2)
        >>> model.next_distribution([]).tolist(), model.next_distribution([0, 0, 1]).tolist()
        ([0.5, 0.5], [1.0, 0.0])
        """
        contexts = torch.tensor([list(context)], dtype=torch.int64)
        check_ids(contexts, self.vocab_size, "the context")
        with evaluating(self):
            return self.log_probs(contexts)[0].exp()

    def save(self, folder: Path) -> None:
        """Write model.safetensors and model.json into `folder`, each in one piece. Raises RunError if it cannot."""
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors().items()}
        data = tensors_to_bytes(tensors)
        meta = {"family": self.family, "config": self.config(), "sha256": hashlib.sha256(data).hexdigest()}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            atomic_write_all({folder / TENSOR_FILE: data, folder / CONFIG_FILE: dumps(meta) + "\n"})
        except OSError as error:
            raise RunError(
                f"The model cannot be saved in {folder}: {error.strerror}.",
                "Free some space, or choose another folder.",
            ) from error

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The model that `save` wrote: `LanguageModel.load` takes any, `NgramModel.load` only one of its own.

        Raises RunError for a folder that holds no model, one of another family, or a damaged one.

        >>> import tempfile, torch
        >>> from zth.models.ngram import NgramModel
        >>> folder = Path(tempfile.mkdtemp())
        >>> NgramModel.fit(torch.tensor([[0], [1]]), torch.tensor([1, 0]), vocab_size=2, k=0.5).save(folder)
        >>> LanguageModel.load(folder)
        NgramModel(order=2, vocab_size=2, k=0.5)
        """
        meta = _read_config(folder)
        kind = _class_of(folder, meta["family"])
        if not issubclass(kind, cls):
            raise RunError(f"{folder} holds a {kind.__name__}, not a {cls.__name__}.", f"Use {kind.__name__}.load.")
        data = _read_tensors(folder, meta["sha256"])
        try:
            return kind.from_parts(meta["config"], tensors_from_bytes(data))
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError, ZthError) as error:
            raise RunError(
                f"{folder / CONFIG_FILE} does not fit {TENSOR_FILE} beside it: {error}", "Save the model again."
            ) from error


def trainable() -> list[str]:
    """The families that can be trained by name, in the order of `FAMILIES`.

    >>> "gru" in trainable(), "neural-ngram" in trainable()
    (True, False)
    """
    return [family for family in FAMILIES if model_class(family).config_class is not None]


def model_class(family: str) -> type[LanguageModel]:
    """The class of a family, imported now. Raises ConfigError for an unknown one.

    >>> model_class("ngram").__name__
    'NgramModel'
    """
    if family not in FAMILIES:
        raise ConfigError(f"There is no model {family!r}.", did_you_mean(family, FAMILIES))
    module, name = FAMILIES[family].split(":")
    kind: type[LanguageModel] = getattr(importlib.import_module(module), name)
    return kind


def config_class(family: str) -> type[Any]:
    """The dataclass of a family's options. Raises ConfigError for a family that cannot be trained by name.

    >>> config_class("mlp").__name__
    'MLPConfig'
    """
    kind = model_class(family).config_class
    if kind is None:
        raise ConfigError(f"A model {family!r} is not made from options.", f"Choose one of {', '.join(trainable())}.")
    return kind


def build(family: str, options: Any, *, generator: torch.Generator) -> nn.Module:
    """A fresh net of a family: its weights are drawn from `generator`.

    >>> net = build("gru", config_class("gru")(vocab_size=5), generator=torch.Generator())
    >>> tuple(net(torch.zeros(2, 7, dtype=torch.int64)).shape)
    (2, 7, 5)
    """
    net: Any = model_class(family)
    if not issubclass(net, nn.Module):
        raise ConfigError(f"A model {family!r} is counted, not built.", "Use model_class(family).counted.")
    made: nn.Module = net(options, generator=generator)
    return made


class Continuation:
    """(B, T) contexts that grow by one id a step, as in sampling.

    This one keeps the last `block_size` ids and asks the model afresh at every step.
    """

    keep: int | None = None
    """How many of the last ids a model with a cache reads again when its block is full; None: all that fit, so that
    nothing is lost, however long it takes. Others have no use for it."""

    def __init__(self, model: LanguageModel, contexts: Tensor) -> None:
        self.model = model
        self.contexts = contexts

    def log_probs(self) -> Tensor:
        """(B, V) log-probabilities of the next id."""
        return self.model.log_probs(self.contexts)

    def append(self, ids: Tensor) -> None:
        """(B,) the ids that came next."""
        self.contexts = torch.cat([self.contexts, ids[:, None]], dim=1)[:, -max(self.model.block_size, 1) :]


def evaluate(model: LanguageModel, contexts: Tensor, targets: Tensor, *, batch_size: int = 65536) -> float:
    """Mean negative log likelihood in nats per prediction: the loss of any model on any set.

    (N, T) contexts with (N,) targets score the id after each context; (B, T) with (B, T) targets score every
    position. Targets equal to `IGNORED` do not count. The answer is inf where a target has probability 0. A torch
    module is put into evaluation mode meanwhile; `batch_size` predictions are made at a time.
    Raises ShapeError, VocabularyError, and DataError where nothing is left to score.

    >>> import torch
    >>> from zth.models.ngram import NgramModel
    >>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
    >>> model = NgramModel.fit(contexts, targets, vocab_size=2)
    >>> round(evaluate(model, contexts, targets), 4), evaluate(model, torch.tensor([[0]]), torch.tensor([0]))
    (0.4621, inf)
    """
    _check_examples(model, contexts, targets, batch_size)
    total, n_scored = 0.0, 0
    everywhere = targets.dim() == 2
    n_rows = max(1, batch_size // contexts.shape[1]) if everywhere else batch_size
    with evaluating(model):
        for xb, yb in zip(torch.split(contexts, n_rows), torch.split(targets, n_rows), strict=True):
            logprobs = model.log_probs_everywhere(xb) if everywhere else model.log_probs(xb)
            picked = logprobs.gather(-1, yb.clamp(min=0)[..., None])[..., 0]
            kept = yb != IGNORED
            total -= picked[kept].sum(dtype=torch.float64).item()
            n_scored += int(kept.sum())
    return total / n_scored


@contextmanager
def evaluating(model: LanguageModel | nn.Module) -> Iterator[None]:
    """No gradients, and a torch module in evaluation mode; on leaving, each part is as it was.

    >>> import torch
    >>> layer = torch.nn.Dropout()
    >>> with evaluating(layer):
    ...     layer.training, torch.is_grad_enabled()
    (False, False)
    >>> layer.training
    True
    """
    training = [part for part in model.modules() if part.training] if isinstance(model, nn.Module) else []
    try:
        for part in training:
            part.training = False
        with torch.no_grad():
            yield
    finally:
        for part in training:
            part.training = True


def last_ids(contexts: Tensor, width: int) -> Tensor:
    """(B, T) -> (B, width): the last `width` ids, what is missing on the left as id 0.

    >>> import torch
    >>> last_ids(torch.tensor([[1, 2, 3]]), 2).tolist(), last_ids(torch.tensor([[1]]), 3).tolist()
    ([[2, 3]], [[0, 0, 1]])
    """
    if contexts.dim() != 2:
        raise ShapeError(f"contexts must be (B, T); got {tuple(contexts.shape)}.", "One context is contexts[None].")
    return F.pad(contexts, (width - contexts.shape[1], 0))  # a negative pad crops


def check_ids(ids: Tensor, vocab_size: int, name: str) -> None:
    """Raises VocabularyError unless `ids` are whole numbers in 0 .. vocab_size - 1.

    >>> import torch
    >>> check_ids(torch.tensor([0, 27]), 27, "targets")
    Traceback (most recent call last):
    zth.errors.VocabularyError: targets must be ids in 0 .. 26; got 27. Is the vocabulary the model's?
    """
    if ids.is_floating_point() or ids.is_complex() or ids.dtype == torch.bool:
        raise VocabularyError(f"{name} must be ids (int64); got {ids.dtype}.", "Encode the text with the vocabulary.")
    if ids.numel() == 0:
        return
    low, high = (int(end) for end in torch.aminmax(ids))
    if low < 0 or high >= vocab_size:
        wrong = low if low < 0 else high
        raise VocabularyError(
            f"{name} must be ids in 0 .. {vocab_size - 1}; got {wrong}.", "Is the vocabulary the model's?"
        )


def _check_examples(model: LanguageModel, contexts: Tensor, targets: Tensor, batch_size: int) -> None:
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1; got {batch_size}.", "Leave it out for the default.")
    if contexts.dim() != 2 or targets.shape not in (contexts.shape[:1], contexts.shape):
        raise ShapeError(
            f"contexts {tuple(contexts.shape)} and targets {tuple(targets.shape)} do not belong together.",
            "Pass (N, T) with (N,), or (B, T) with (B, T) to score every position.",
        )
    check_ids(contexts, model.vocab_size, "contexts")
    kept = targets[targets != IGNORED]
    if len(kept) == 0:
        raise DataError("There is nothing to score: no target is left.", "Pass at least one example.")
    check_ids(kept, model.vocab_size, "targets")


def _read_config(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG_FILE
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(f"{folder} is not a saved model: it has no {CONFIG_FILE}.", "Name a folder of one.") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.", "Save the model again.") from error
    wanted = {"family": str, "config": dict, "sha256": str}
    if not isinstance(meta, dict) or not all(isinstance(meta.get(key), kind) for key, kind in wanted.items()):
        raise RunError(
            f"{path} was not written by zth: it must hold {', '.join(wanted)}.", "Name the folder of a saved model."
        )
    return meta


def _class_of(folder: Path, family: str) -> type[Any]:
    if family not in FAMILIES:
        raise RunError(f"{folder} holds a model of the unknown family {family!r}.", did_you_mean(family, FAMILIES))
    return model_class(family)


def _read_tensors(folder: Path, sha256: str) -> bytes:
    path = folder / TENSOR_FILE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(
            f"{path} cannot be read: {error.strerror}.", f"Put it back beside {CONFIG_FILE}, or save the model again."
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RunError(
            f"{path} ({len(data):,} bytes) is cut short or changed: it is not what {CONFIG_FILE} was saved with.",
            "Copy both files again from one save, or save the model again.",
        )
    return data
