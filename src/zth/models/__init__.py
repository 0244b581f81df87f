"""Ids in, log-probabilities of the next id out.

::

    protocol.py      what every language model here can do; `evaluate`, the one loss
    ngram.py         n-grams as counts: unsmoothed and add-k
    kneser_ney.py    n-grams as counts: interpolated Kneser-Ney
    neural_ngram.py  n-grams as a table of logits, learnt by gradient descent
    net.py           what the nets below share
    mlp.py           the MLP of Bengio et al., shallow or deep, with BatchNorm or without
    wavenet.py       the hierarchical WaveNet, as a tree and as dilated causal convolutions
    recurrent.py     RNN and GRU
    mixture.py       the average of what several of them say
    gpt/             lecture 7's transformer, and what the papers since have made of it

>>> import torch
>>> from zth.models import NgramModel, evaluate
>>> contexts, targets = torch.tensor([[0], [1], [1]]), torch.tensor([1, 1, 0])
>>> round(evaluate(NgramModel.fit(contexts, targets, vocab_size=2), contexts, targets), 4)  # (0 + ln 2 + ln 2) / 3
0.4621
"""

from zth.models.gpt import GPTConfig, GPTModel
from zth.models.kneser_ney import KneserNeyModel
from zth.models.mixture import MixtureModel
from zth.models.mlp import MLPConfig, MLPModel
from zth.models.neural_ngram import Descent, NeuralNgramModel
from zth.models.ngram import NgramModel
from zth.models.protocol import IGNORED, Continuation, LanguageModel, evaluate
from zth.models.recurrent import GRUModel, RecurrentConfig, RNNModel
from zth.models.wavenet import WaveNetConfig, WaveNetModel

__all__ = [
    "IGNORED",
    "Continuation",
    "Descent",
    "GPTConfig",
    "GPTModel",
    "GRUModel",
    "KneserNeyModel",
    "LanguageModel",
    "MLPConfig",
    "MLPModel",
    "MixtureModel",
    "NeuralNgramModel",
    "NgramModel",
    "RNNModel",
    "RecurrentConfig",
    "WaveNetConfig",
    "WaveNetModel",
    "evaluate",
]
