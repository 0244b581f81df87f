"""5.2 Cross-entropy in one expression. When you have written the functions: zth check 5.2"""

import torch
import torch.nn.functional as F


def dlogits(logits, yb):
    """(n, V) logits, (n,) yb -> (n, V): the gradient of the mean cross-entropy at the logits."""
    raise NotImplementedError("`dlogits` is not written yet: return the gradient, of the shape of logits.")


def loss_and_dlogits(logits, yb):
    """(n, V) logits, (n,) yb -> the mean cross-entropy, and its gradient (n, V)."""
    raise NotImplementedError("`loss_and_dlogits` is not written yet: return the loss and the gradient, as a pair.")
