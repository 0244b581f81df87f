"""2.4 No one-hot. When you have written the functions: zth check 2.4"""

import torch
import torch.nn.functional as F


def logits(W, xs):
    """W (R, V), xs (N,) -> (N, V): for each of xs its row of W."""
    raise NotImplementedError("`logits` is not written yet: return one row of W for each of xs.")


def backward(dlogits, xs, n_rows):
    """dlogits (N, V), xs (N,) -> dW (n_rows, V): what each row of W gets back."""
    raise NotImplementedError("`backward` is not written yet: return dW, with n_rows rows.")


def gradient(W, xs, ys):
    """dW (R, V): the gradient of the mean negative log likelihood of ys after xs."""
    raise NotImplementedError("`gradient` is not written yet: return dW, of the shape of W.")
