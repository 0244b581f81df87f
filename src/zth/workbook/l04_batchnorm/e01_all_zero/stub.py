"""4.1 All weights and biases zero. When you have written the functions: zth check 4.1"""

import torch
import torch.nn.functional as F


def moves(names, zero, activation, steps):
    """The parameters that have a gradient other than 0 in at least one of the first steps: some of `names`."""
    raise NotImplementedError("`moves` is not written yet: return the names of the parameters that move.")


def limit(counts):
    """counts (V,) -> the loss, in nats, at which the net stops that can move nothing but its last bias."""
    raise NotImplementedError("`limit` is not written yet: return the loss at which the zero net stops.")


def gradients(parameters, X, Y):
    """{"C": ..., "W1": ..., "b1": ..., "W2": ..., "b2": ...}, X (B, T), Y (B,) -> a gradient for each name."""
    raise NotImplementedError("`gradients` is not written yet: return a dictionary with five gradients.")


def train(C, n_hidden, X, Y):
    """C (V, E), X (B, T), Y (B,) -> the five parameters of the net that began with zeros, after training."""
    raise NotImplementedError("`train` is not written yet: return a dictionary with C, W1, b1, W2 and b2.")
