"""Examples of one row stand side by side after a sort; sums of groups are differences of a running sum."""

import torch


class Rows:
    def __init__(self, xs, n_rows):
        self.order = torch.argsort(xs, stable=True)
        self.ends = torch.searchsorted(xs[self.order].contiguous(), torch.arange(n_rows), right=True)

    def sums(self, values):
        running = torch.zeros(len(values) + 1, values.shape[1], dtype=torch.float64)
        running[1:] = values[self.order].cumsum(0)
        sums = running[self.ends]
        sums[1:] = sums[1:] - running[self.ends[:-1]]
        return sums


def logits(W, xs):
    return torch.index_select(W, dim=0, index=xs)


def backward(dlogits, xs, n_rows):
    return Rows(xs, n_rows).sums(dlogits.double())


def gradient(W, xs, ys):
    log_p = torch.log_softmax(logits(W, xs).double(), -1)
    hit = torch.zeros_like(log_p).scatter(1, ys[:, None], 1.0)
    return backward((log_p.exp() - hit) / len(ys), xs, W.shape[0])
