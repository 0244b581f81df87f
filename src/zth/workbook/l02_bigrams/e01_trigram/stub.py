"""2.1 A trigram model, by counting and by a net. When you have written the functions: zth check 2.1"""

import torch
import torch.nn.functional as F

chars = ".abcdefghijklmnopqrstuvwxyz"
stoi = {ch: i for i, ch in enumerate(chars)}
itos = {i: ch for ch, i in stoi.items()}


def trigrams(words):
    """(n, 3) ids: every character with the two before it; two dots in front of each word, one behind."""
    raise NotImplementedError(
        "`trigrams` is not written yet: return a row of three ids for each predicted character."
    )


def count(words):
    """N (27, 27, 27): N[i, j, k] says how often k came after i, j."""
    raise NotImplementedError("`count` is not written yet: return N, of shape (27, 27, 27).")


def probabilities(N, k):
    """P (27, 27, 27): P[i, j] is the distribution of the character after i, j, with k added to every count."""
    raise NotImplementedError("`probabilities` is not written yet: return P, of shape (27, 27, 27).")


def loss(P, words):
    """The mean negative log likelihood of all trigrams of the words."""
    raise NotImplementedError("`loss` is not written yet: return one number.")


def train(W, words, steps, rate):
    """W (729, 27), so many steps of gradient descent later; row 27 * i + j holds the logits after i, j."""
    raise NotImplementedError("`train` is not written yet: return the new W, of shape (729, 27).")
