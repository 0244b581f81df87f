"""2.6 Kneser-Ney: how near do counts come to nets? When you have written the functions: zth check 2.6"""

from itertools import pairwise

import torch

chars = ".abcdefghijklmnopqrstuvwxyz"
stoi = {ch: i for i, ch in enumerate(chars)}


def count(words):
    """N (27, 27): N[x, y] says how often y came after x."""
    N = torch.zeros((27, 27), dtype=torch.int64)
    for w in words:
        for ch1, ch2 in pairwise("." + w + "."):
            N[stoi[ch1], stoi[ch2]] += 1
    return N


def continuation_counts(N):
    """N (V, V) -> V whole numbers: after how many different characters each one was seen."""
    raise NotImplementedError("`continuation_counts` is not written yet: return V whole numbers.")


def kneser_ney(N, d):
    """N (V, V), a discount d -> P (V, V): interpolated Kneser-Ney; each row sums to 1."""
    raise NotImplementedError("`kneser_ney` is not written yet: return P, of the shape of N.")
