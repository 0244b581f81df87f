"""Ids in, log-probabilities of the next id out.

::

    protocol.py      what every language model here can do; `evaluate`, the one loss
    ngram.py         n-grams as counts: unsmoothed and add-k
    kneser_ney.py    n-grams as counts: interpolated Kneser-Ney
    neural_ngram.py  n-grams as a table of logits, learnt by gradient descent

>>> import torch
>>> from zth.models import NgramModel, evaluate
>>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
>>> round(evaluate(NgramModel.fit(contexts, targets, vocab_size=2), contexts, targets), 4)  # (0 + ln 2 + ln 2) / 3
0.4621
"""

from zth.models.kneser_ney import KneserNeyModel
from zth.models.neural_ngram import Descent, NeuralNgramModel
from zth.models.ngram import NgramModel
from zth.models.protocol import IGNORED, Continuation, LanguageModel, evaluate

__all__ = [
    "IGNORED",
    "Continuation",
    "Descent",
    "KneserNeyModel",
    "LanguageModel",
    "NeuralNgramModel",
    "NgramModel",
    "evaluate",
]
