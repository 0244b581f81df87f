"""3.1 Tune the net. When you have written the functions: zth check 3.1"""

import torch
import torch.nn.functional as F


def examples(words, block_size):
    """Contexts of block_size ids, and the id after each: two lists. "." is 0, "a" is 1."""
    raise NotImplementedError("`examples` is not written yet: return contexts and targets.")


def rates(low, high, n):
    """n rates from low to high, each the same factor above the one before."""
    raise NotImplementedError("`rates` is not written yet: return a list of n numbers.")


def best(trials):
    """The place in the list of the trial to keep."""
    raise NotImplementedError("`best` is not written yet: return a whole number from 0.")


def train(words, seed):
    """A net trained on the words -> block_size, predict; predict: (N, block_size) ids -> (N, 27) probabilities."""
    torch.manual_seed(seed)
    raise NotImplementedError("`train` is not written yet: return block_size and predict.")
