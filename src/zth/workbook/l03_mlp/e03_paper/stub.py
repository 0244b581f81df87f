"""3.3 Ideas of the paper. When you have written the functions: zth check 3.3"""

import torch
import torch.nn.functional as F


def logits(parameters, X):
    """[C, W1, b1, W2, b2, D], X (N, T) -> (N, V): the net with direct connections."""
    raise NotImplementedError("`logits` is not written yet: return N rows of V logits.")


def gradients(parameters, X, Y):
    """The gradient of the mean negative log likelihood at each of the six."""
    raise NotImplementedError("`gradients` is not written yet: return a list of six gradients.")


def n_parameters(V, T, E, H):
    """How many numbers the net learns, D included."""
    raise NotImplementedError("`n_parameters` is not written yet: return a whole number.")


def mixture_loss(net, trigram, Y, alpha):
    """Two (N, V) tables of probabilities, mixed; alpha is the trigram's share -> the loss."""
    raise NotImplementedError("`mixture_loss` is not written yet: return the mean negative log likelihood.")


def best_alpha(alphas, dev, test):
    """The best alpha on dev, its loss there, and its loss on test."""
    raise NotImplementedError("`best_alpha` is not written yet: return alpha, its dev loss and its test loss.")


def rate(t, start, r):
    """The learning rate of step t, counted from 0."""
    raise NotImplementedError("`rate` is not written yet: return start / (1 + r t).")


def penalty(parameters, decay):
    """decay / 2 times the sum of the squares of the weights; biases are left alone."""
    raise NotImplementedError("`penalty` is not written yet: return a number.")
