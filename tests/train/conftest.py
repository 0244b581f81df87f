"""A small text of real names, and the nets that the course trains, at small sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zth.data.sources import load, names
from zth.data.vocab import Vocabulary
from zth.data.windows import padded_lines, windows
from zth.models.protocol import build, config_class
from zth.seeds import stream
from zth.train.examples import Text

WORDS = names()[:400]
VOCABULARY = Vocabulary.of_lines(WORDS)

NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("mlp", {"hidden": 20}),
    "mlp with direct connections": ("mlp", {"hidden": 20, "direct": True}),
    "mlp with BatchNorm and direct": ("mlp", {"hidden": 20, "direct": True, "batchnorm": "everywhere"}),
    "deep mlp": ("mlp", {"hidden": 20, "n_hidden": 2, "batchnorm": "hidden", "init": "fan-in"}),
    "wavenet": ("wavenet", {"hidden": 12, "embedding": 6, "block_size": 4}),
    "gru": ("gru", {"hidden": 12, "embedding": 6}),
    "rnn": ("rnn", {"hidden": 12, "embedding": 6}),
}
SEQUENCES = [name for name, (family, _) in NETS.items() if family in ("mlp", "wavenet")]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make() -> Callable[..., tuple[nn.Module, tuple[Tensor, Tensor]]]:
    """A name in NETS -> that net, fresh, and examples of 400 names for it."""

    def made(name: str, dtype: torch.dtype = torch.float32) -> tuple[nn.Module, tuple[Tensor, Tensor]]:
        family, options = NETS[name]
        config = config_class(family)(vocab_size=len(VOCABULARY), **options)
        net = build(family, config, generator=stream(7, "init")).to(dtype)
        whole = family in ("gru", "rnn")
        return net, padded_lines(WORDS, VOCABULARY) if whole else windows(WORDS, VOCABULARY, config.block_size)

    return made


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "some-names.txt"
    path.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def text(text_file: Path) -> Text:
    return Text.of(load(text_file))
