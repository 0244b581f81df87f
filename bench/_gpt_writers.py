"""Who writes in bench/gpt.py: the lecture's generate, and our sample with its cache."""

from __future__ import annotations

import string
from typing import Any

import torch

from _gpt_weights import SEED, lecture_options, lecture_weights
from gpt_baselines import SMALL, LectureScript, LectureSetting
from zth.data.vocab import Vocabulary
from zth.models import GPTModel
from zth.models.gpt import GPTConfig
from zth.models.protocol import LanguageModel, evaluating
from zth.sample import sample
from zth.seeds import stream


def context_of(n: int, vocab_size: int) -> list[int]:
    """`n` ids to begin with, the same for both sides."""
    return torch.randint(vocab_size, (n,), generator=torch.Generator().manual_seed(SEED)).tolist()


class LectureWriter:
    """A's generate: the whole context again for each character. Its script leaves dropout on; here it is off."""

    def __init__(self, setting: LectureSetting) -> None:
        torch.manual_seed(SEED)
        self.setting, self.model = setting, LectureScript(setting).eval()

    def write(self, n_context: int, n_new: int) -> int:
        """-> how many ids there are then."""
        context = torch.tensor([context_of(n_context, self.setting.vocab_size)])
        return self.model.generate(context, n_new).shape[1]

    @torch.no_grad()
    def next_log_probs(self, n_context: int) -> list[float]:
        """(V,): what it would draw the next one from."""
        ids = torch.tensor([context_of(n_context, self.setting.vocab_size)])[:, -self.setting.block_size :]
        logits, _ = self.model(ids)
        found: list[float] = logits[0, -1].log_softmax(0).tolist()
        return found


class Writer:
    """Our sample, with its cache, as `zth sample` calls it: of a full block the last half is read again."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model
        self.vocabulary = Vocabulary(characters=tuple(string.printable[: model.vocab_size]))

    def write(self, n_context: int, n_new: int, n_streams: int = 1) -> int:
        """-> how many characters the shortest string has then."""
        prompt = self.vocabulary.decode(context_of(n_context, self.model.vocab_size))
        keep = max(1, self.model.block_size // 2)
        drawn = sample(self.model, self.vocabulary, n=n_streams, prompt=prompt, max_length=n_new, end=None, keep=keep)
        return min(map(len, drawn))

    def next_log_probs(self, n_context: int) -> list[float]:
        """(V,): from the cache, the last id by itself."""
        *before, last = context_of(n_context, self.model.vocab_size)
        with evaluating(self.model):
            continuation = self.model.continuation(torch.tensor([before]))
            continuation.append(torch.tensor([last]))
            found: list[float] = continuation.log_probs()[0].tolist()
        return found


def writer_as_lecture(setting: LectureSetting) -> Writer:
    """Of A's very model, with A's very weights."""
    torch.manual_seed(SEED)
    weights = lecture_weights(LectureScript(setting), setting)
    model = GPTModel(lecture_options(setting), generator=torch.Generator())
    model.load_state_dict(dict(weights))
    return Writer(model)


def writer_of_ours(**changes: Any) -> Writer:
    """Of the GPT that zth makes where nothing is said, as many ids as Tiny Shakespeare has."""
    options = GPTConfig(vocab_size=SMALL.vocab_size, **changes)
    return Writer(GPTModel(options, generator=stream(SEED, "init")))


def lecture_of_our_size(options: GPTConfig) -> LectureSetting:
    """A's model with as many layers, heads and numbers as ours, and as long a block."""
    return LectureSetting(
        vocab_size=options.vocab_size,
        block_size=options.block_size,
        n_embd=options.width,
        n_head=options.heads,
        n_layer=options.layers,
    )
