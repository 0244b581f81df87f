"""Two characters of context, counted and learnt.

**Counting.** A trigram model is a bigram model whose context is a pair. `Counts.of` numbers each trigram, its three
ids read as the digits of base 27, and counts them all with one `bincount`. `NgramModel` adds k to each count and
divides each row by its own sum. That sum is the classic trap: without `keepdim=True`, (27, 27, 27) / (27, 27) is no
error but a division by the wrong rows, since broadcasting lines shapes up from the right.

**The net.** A one-hot pair times W only picks a row of W, so each pair has 27 logits of its own, as it has 27 counts.
The gradient of a row is (softmax of the row - counted frequencies) times the pair's share of the data. It vanishes
where the softmax is what counting gives: both ways meet at the same model. The net only takes longer, above all at
rare pairs, whose share and therefore whose gradient is small.

**The loss** is the same function for both, `evaluate`: a table of log-probabilities is such a net too, one whose
logits are normalised already.

Is the trigram better? On the same 228,146 characters, yes: 2.186 nats against the bigram's 2.454, before smoothing.
The 2.062 that one often reads comes from one dot in front. It leaves out the first letters, the hardest to guess, so
it must not be held against the bigram. And every number here is measured on the names that were counted: 2.2 asks
for names that were not.
"""

from string import ascii_lowercase

import torch
from torch import Tensor

from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models.neural_ngram import NeuralNgramModel, example_gradient
from zth.models.ngram import Counts, NgramModel
from zth.models.protocol import evaluate

__all__ = ["count", "loss", "probabilities", "train", "trigrams"]

VOCABULARY = Vocabulary.of_lines([ascii_lowercase])
PAIRS = torch.cartesian_prod(torch.arange(27), torch.arange(27))


def trigrams(words: list[str]) -> Tensor:
    """Words -> (n, 3) ids, two dots in front of each.

    >>> trigrams(["ava"]).tolist()
    [[0, 0, 1], [0, 1, 22], [1, 22, 1], [22, 1, 0]]
    """
    contexts, targets = windows(words, VOCABULARY, 2)
    return torch.cat([contexts, targets[:, None]], dim=1)


def count(words: list[str]) -> Tensor:
    """Words -> N (27, 27, 27).

    >>> count(["ava"])[0, 1].nonzero().tolist()  # after ".a" came v, once
    [[22]]
    """
    return Counts.of(*windows(words, VOCABULARY, 2), 27).table().view(27, 27, 27)


def probabilities(N: Tensor, k: float) -> Tensor:
    """N (27, 27, 27) -> P (27, 27, 27).

    >>> round(probabilities(count(["ava"]), 1)[0, 1, 22].item(), 4)  # (1 + 1) / (1 + 27)
    0.0714
    """
    counts = Counts(torch.arange(N.numel()), N.flatten(), order=3, vocab_size=27)
    return NgramModel(counts, k).log_probs(PAIRS).exp().view(27, 27, 27)


def loss(P: Tensor, words: list[str]) -> float:
    """P (27, 27, 27), words -> nats per character.

    >>> round(loss(torch.full((27, 27, 27), 1 / 27), ["ava"]), 4)  # ln 27
    3.2958
    """
    return evaluate(NeuralNgramModel(P.log().view(729, 27)), *windows(words, VOCABULARY, 2))


def train(W: Tensor, words: list[str], steps: int, rate: float) -> Tensor:
    """W (729, 27) -> W (729, 27), `steps` steps of full-batch gradient descent later.

    >>> W = train(torch.zeros(729, 27), ["ava"], steps=100, rate=10)
    >>> W[1].argmax().item()  # after ".a" comes v
    22
    """
    contexts, targets = windows(words, VOCABULARY, 2)
    for _ in range(steps):
        _, dW = example_gradient(W, contexts, targets)
        W = W - rate * dW
    return W
