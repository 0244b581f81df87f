"""5.1 Every intermediate. Write a line, check, write the next: zth check 5.1"""

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)  # with 16 digits, no mistake can pass for rounding


def backward(
    *, xb, yb, C, W1, b1, W2, b2, bngain, bnbias,
    emb, embcat, hprebn, bnmeani, bndiff, bndiff2, bnvar, bnvar_inv, bnraw, hpreact, h,
    logits, logit_maxes, norm_logits, counts, counts_sum, counts_sum_inv, probs, logprobs, loss,
):  # fmt: skip
    """The tensors of a forward pass -> the gradient of the loss at 26 of them, each of its tensor's shape.

    Behind each line stands the line of the forward pass that it undoes. A line that is still None is left out.
    """
    n = len(yb)
    dlogprobs = None  # loss = -logprobs[range(n), yb].mean()
    dprobs = None  # logprobs = probs.log()
    dcounts_sum_inv = None  # probs = counts * counts_sum_inv
    dcounts_sum = None  # counts_sum_inv = counts_sum**-1
    dcounts = None  # probs = counts * counts_sum_inv; counts_sum = counts.sum(1, keepdim=True)
    dnorm_logits = None  # counts = norm_logits.exp()
    dlogit_maxes = None  # norm_logits = logits - logit_maxes
    dlogits = None  # norm_logits = logits - logit_maxes; logit_maxes = logits.max(1, keepdim=True).values
    dh = None  # logits = h @ W2 + b2
    dW2 = None
    db2 = None
    dhpreact = None  # h = torch.tanh(hpreact)
    dbngain = None  # hpreact = bngain * bnraw + bnbias
    dbnbias = None
    dbnraw = None
    dbnvar_inv = None  # bnraw = bndiff * bnvar_inv
    dbnvar = None  # bnvar_inv = (bnvar + 1e-5) ** -0.5
    dbndiff2 = None  # bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdim=True)
    dbndiff = None  # bnraw = bndiff * bnvar_inv; bndiff2 = bndiff**2
    dbnmeani = None  # bndiff = hprebn - bnmeani
    dhprebn = None  # bndiff = hprebn - bnmeani; bnmeani = 1 / n * hprebn.sum(0, keepdim=True)
    dembcat = None  # hprebn = embcat @ W1 + b1
    dW1 = None
    db1 = None
    demb = None  # embcat = emb.view(n, -1)
    dC = None  # emb = C[xb]
    return {
        "logprobs": dlogprobs, "probs": dprobs, "counts_sum_inv": dcounts_sum_inv, "counts_sum": dcounts_sum,
        "counts": dcounts, "norm_logits": dnorm_logits, "logit_maxes": dlogit_maxes, "logits": dlogits,
        "h": dh, "W2": dW2, "b2": db2, "hpreact": dhpreact, "bngain": dbngain, "bnbias": dbnbias, "bnraw": dbnraw,
        "bnvar_inv": dbnvar_inv, "bnvar": dbnvar, "bndiff2": dbndiff2, "bndiff": dbndiff, "bnmeani": dbnmeani,
        "hprebn": dhprebn, "embcat": dembcat, "W1": dW1, "b1": db1, "emb": demb, "C": dC,
    }  # fmt: skip
