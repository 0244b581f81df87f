"""zth: Neural Networks: Zero to Hero as software.

>>> import zth
>>> x = zth.Value(3.0)
>>> (x * x).backward()
>>> x.grad
6.0

What is named here is imported when it is first used, so that `import zth` does not wait for torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zth.autograd.value import Value
    from zth.data.sources import load, names
    from zth.data.split import split_lines, split_text
    from zth.data.vocab import Vocabulary
    from zth.data.windows import windows
    from zth.models.kneser_ney import KneserNeyModel
    from zth.models.neural_ngram import NeuralNgramModel
    from zth.models.ngram import NgramModel
    from zth.models.protocol import LanguageModel, evaluate

_HOMES = {
    "Value": "zth.autograd.value",
    "load": "zth.data.sources",
    "names": "zth.data.sources",
    "split_lines": "zth.data.split",
    "split_text": "zth.data.split",
    "Vocabulary": "zth.data.vocab",
    "windows": "zth.data.windows",
    "KneserNeyModel": "zth.models.kneser_ney",
    "NeuralNgramModel": "zth.models.neural_ngram",
    "NgramModel": "zth.models.ngram",
    "LanguageModel": "zth.models.protocol",
    "evaluate": "zth.models.protocol",
}

__all__ = [
    "KneserNeyModel",
    "LanguageModel",
    "NeuralNgramModel",
    "NgramModel",
    "Value",
    "Vocabulary",
    "evaluate",
    "load",
    "names",
    "split_lines",
    "split_text",
    "windows",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zth' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
