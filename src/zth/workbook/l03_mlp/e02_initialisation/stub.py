"""3.2 The first loss. When you have written the functions: zth check 3.2"""

import math

import torch
import torch.nn.functional as F


def uniform_loss(V):
    """The loss of a net that finds all V characters equally likely."""
    raise NotImplementedError("`uniform_loss` is not written yet: return a number, 3.2958 for V = 27.")


def loss(parameters, X, Y):
    """The five tensors, X (N, T), Y (N,) -> the mean negative log likelihood."""
    raise NotImplementedError("`loss` is not written yet: return the mean negative log likelihood.")


def saturation(parameters, X):
    """The share of all N * H numbers in h that lies beyond 0.97 or below -0.97."""
    raise NotImplementedError("`saturation` is not written yet: return a number from 0 to 1.")


def dead_units(parameters, X):
    """The indices of the hidden units that are saturated for every row of X."""
    raise NotImplementedError("`dead_units` is not written yet: return a list of whole numbers.")


def init(V, T, E, H, seed):
    """[C (V, E), W1 (T*E, H), b1 (H,), W2 (H, V), b2 (V,)], ready to be trained."""
    g = torch.Generator().manual_seed(seed)
    raise NotImplementedError("`init` is not written yet: return the list [C, W1, b1, W2, b2].")
