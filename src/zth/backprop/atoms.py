"""Every intermediate of lecture 5's net, and the gradient of each (exercise 5.1).

Letters: n examples, T ids in a context, V ids in the vocabulary, D the embedding's width, H hidden units.

`forward` writes the net out into steps so small that each has a derivative one knows by heart; `backward` goes
through them in reverse. The gradient of `x`, dx, is always the loss's: dx[i] = d loss / d x[i], of the shape of x.
Three rules do all the work, besides the table of derivatives:

- what was broadcast in the forward pass is summed in the backward pass, over the axes along which it was repeated;
- what was summed is broadcast;
- what was used twice gets the sum of what comes back from both uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from torch import Tensor

from zth.errors import ConfigError, ShapeError
from zth.layers.init import NOT_ZERO, kaiming_std, normal

EPS = 1e-5
"""What keeps BatchNorm from dividing by zero."""


class Parameters(NamedTuple):
    """What is trained, in the lecture's order."""

    C: Tensor
    """(V, D)"""
    W1: Tensor
    """(T*D, H)"""
    b1: Tensor
    """(H,): moves nothing, since BatchNorm takes the mean away again."""
    W2: Tensor
    """(H, V)"""
    b2: Tensor
    """(V,)"""
    bngain: Tensor
    """(1, H)"""
    bnbias: Tensor
    """(1, H)"""

    @classmethod
    def draw(
        cls,
        generator: torch.Generator,
        *,
        vocab_size: int = 27,
        block_size: int = 3,
        width: int = 10,
        hidden: int = 64,
    ) -> Self:
        """The lecture's initialisation, float32: nothing is exactly 0 or 1, so that no mistake hides behind it.

        Raises ConfigError for a size under 1.

        >>> from zth.seeds import stream
        >>> parameters = Parameters.draw(stream(42, "init"), hidden=200)  # exercise 5.4's
        >>> sum(p.numel() for p in parameters)
        12297
        """
        sizes = {"vocab_size": vocab_size, "block_size": block_size, "width": width, "hidden": hidden}
        for name, size in sizes.items():
            if size < 1:
                raise ConfigError(f"{name} must be at least 1; got {size}.", "The lecture's are 27, 3, 10 and 64.")
        fan_in = block_size * width

        def draw(*shape: int, std: float = NOT_ZERO) -> Tensor:
            return normal(*shape, std=std, generator=generator)

        return cls(
            C=draw(vocab_size, width, std=1.0),
            W1=draw(fan_in, hidden, std=kaiming_std(fan_in, "tanh")),
            b1=draw(hidden),
            W2=draw(hidden, vocab_size),
            b2=draw(vocab_size),
            bngain=draw(1, hidden) + 1.0,
            bnbias=draw(1, hidden),
        )


@dataclass(frozen=True, kw_only=True)
class Intermediates:
    """All that one forward pass makes, under the lecture's names."""

    xb: Tensor
    """(n, T) int64"""
    yb: Tensor
    """(n,) int64"""
    C: Tensor
    W1: Tensor
    b1: Tensor
    W2: Tensor
    b2: Tensor
    bngain: Tensor
    bnbias: Tensor
    emb: Tensor
    """(n, T, D)"""
    embcat: Tensor
    """(n, T*D)"""
    hprebn: Tensor
    """(n, H), before BatchNorm"""
    bnmeani: Tensor
    """(1, H)"""
    bndiff: Tensor
    """(n, H)"""
    bndiff2: Tensor
    """(n, H)"""
    bnvar: Tensor
    """(1, H), with Bessel's correction: over n - 1"""
    bnvar_inv: Tensor
    """(1, H), 1 / standard deviation"""
    bnraw: Tensor
    """(n, H), mean 0 and variance 1"""
    hpreact: Tensor
    """(n, H)"""
    h: Tensor
    """(n, H)"""
    logits: Tensor
    """(n, V)"""
    logit_maxes: Tensor
    """(n, 1)"""
    norm_logits: Tensor
    """(n, V), at most 0, so that exp cannot overflow"""
    counts: Tensor
    """(n, V)"""
    counts_sum: Tensor
    """(n, 1)"""
    counts_sum_inv: Tensor
    """(n, 1)"""
    probs: Tensor
    """(n, V)"""
    logprobs: Tensor
    """(n, V)"""
    loss: Tensor
    """()"""


def forward(parameters: Parameters, xb: Tensor, yb: Tensor) -> Intermediates:
    """(n, T) contexts, (n,) targets -> the loss and all that lies before it.

    Any floating dtype; parameters that require gradients make a graph for autograd, as in the lecture. Raises
    ShapeError for a batch of fewer than two, or one that does not fit the parameters.

    >>> from zth.seeds import stream
    >>> xb, yb = torch.tensor([[0, 0, 5], [0, 5, 13], [5, 13, 13]]), torch.tensor([13, 13, 1])
    >>> t = forward(Parameters.draw(stream(42, "init")), xb, yb)
    >>> tuple(t.hprebn.shape), tuple(t.logits.shape), bool(t.loss > 0)
    ((3, 64), (3, 27), True)
    """
    C, W1, b1, W2, b2, bngain, bnbias = parameters
    check_batch(parameters, xb, yb)
    n = len(xb)
    emb = C[xb]  # (n, T) -> (n, T, D)
    embcat = emb.view(n, -1)  # (n, T, D) -> (n, T*D)
    hprebn = embcat @ W1 + b1
    bnmeani = 1 / n * hprebn.sum(0, keepdim=True)
    bndiff = hprebn - bnmeani
    bndiff2 = bndiff**2
    bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdim=True)
    bnvar_inv = (bnvar + EPS) ** -0.5
    bnraw = bndiff * bnvar_inv
    hpreact = bngain * bnraw + bnbias
    h = torch.tanh(hpreact)
    logits = h @ W2 + b2
    logit_maxes = logits.max(1, keepdim=True).values
    norm_logits = logits - logit_maxes
    counts = norm_logits.exp()
    counts_sum = counts.sum(1, keepdim=True)
    counts_sum_inv = counts_sum**-1
    probs = counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[torch.arange(n), yb].mean()
    return Intermediates(
        xb=xb,
        yb=yb,
        **parameters._asdict(),
        emb=emb,
        embcat=embcat,
        hprebn=hprebn,
        bnmeani=bnmeani,
        bndiff=bndiff,
        bndiff2=bndiff2,
        bnvar=bnvar,
        bnvar_inv=bnvar_inv,
        bnraw=bnraw,
        hpreact=hpreact,
        h=h,
        logits=logits,
        logit_maxes=logit_maxes,
        norm_logits=norm_logits,
        counts=counts,
        counts_sum=counts_sum,
        counts_sum_inv=counts_sum_inv,
        probs=probs,
        logprobs=logprobs,
        loss=loss,
    )


def check_batch(parameters: Parameters, xb: Tensor, yb: Tensor) -> None:
    """Raises ShapeError where (n, T) contexts and (n,) targets do not fit each other or the parameters."""
    width, fan_in = parameters.C.shape[1], len(parameters.W1)
    if xb.dim() != 2 or xb.shape[1] * width != fan_in or yb.shape != xb.shape[:1]:
        raise ShapeError(
            f"Got contexts {tuple(xb.shape)} and targets {tuple(yb.shape)}; "
            f"W1 takes (n, {fan_in // width}) and (n,).",
            "Take both from the same windows(lines, vocabulary, block_size).",
        )
    if len(xb) < 2:
        raise ShapeError("A batch of one has no variance to normalise by.", "Pass two examples or more.")


# ----- the 26 gradients, from the loss back to C ----------------------------------------------------------------


def dlogprobs(logprobs: Tensor, yb: Tensor) -> Tensor:
    """(n, V): loss = -sum_i logprobs[i, yb[i]] / n, so -1/n where the target is, and 0 elsewhere."""
    n = len(yb)
    gradient = torch.zeros_like(logprobs)
    gradient[torch.arange(n), yb] = -1 / n
    return gradient


def dprobs(dlogprobs: Tensor, probs: Tensor) -> Tensor:
    """(n, V): d log(x) / dx = 1/x, so the examples whose target got a low probability get a large gradient."""
    return dlogprobs / probs


def dcounts_sum_inv(dprobs: Tensor, counts: Tensor) -> Tensor:
    """(n, 1): probs = counts * counts_sum_inv broadcast it along V columns, so a sum over them."""
    return (dprobs * counts).sum(1, keepdim=True)


def dcounts_sum(dcounts_sum_inv: Tensor, counts_sum: Tensor) -> Tensor:
    """(n, 1): d x**-1 / dx = -x**-2."""
    return -(counts_sum**-2) * dcounts_sum_inv


def dcounts(dprobs: Tensor, counts_sum_inv: Tensor, dcounts_sum: Tensor) -> Tensor:
    """(n, V): used twice, as a factor of probs and as a term of counts_sum (n, 1), which broadcasts back."""
    return dprobs * counts_sum_inv + dcounts_sum


def dnorm_logits(dcounts: Tensor, counts: Tensor) -> Tensor:
    """(n, V): d exp(x) / dx = exp(x), which is counts."""
    return dcounts * counts


def dlogit_maxes(dnorm_logits: Tensor) -> Tensor:
    """(n, 1): subtracted from V columns, so minus their sum; 0 but for rounding: softmax cannot feel a shift."""
    return -dnorm_logits.sum(1, keepdim=True)


def dlogits(dnorm_logits: Tensor, dlogit_maxes: Tensor, logits: Tensor) -> Tensor:
    """(n, V): used twice, in norm_logits everywhere and in logit_maxes at each row's largest."""
    gradient = dnorm_logits.clone()
    rows = torch.arange(len(logits))
    gradient[rows, logits.argmax(1)] += dlogit_maxes[:, 0]
    return gradient


def dh(dlogits: Tensor, W2: Tensor) -> Tensor:
    """(n, H): logits[i, j] = sum_k h[i, k] W2[k, j], so dh[i, k] = sum_j dlogits[i, j] W2[k, j]: (n, V) @ (V, H)."""
    return dlogits @ W2.T


def dW2(h: Tensor, dlogits: Tensor) -> Tensor:  # noqa: N802 (the lecture's name)
    """(H, V): by the same sum, dW2[k, j] = sum_i h[i, k] dlogits[i, j]: (H, n) @ (n, V)."""
    return h.T @ dlogits


def db2(dlogits: Tensor) -> Tensor:
    """(V,): added to each of n rows, so their sum."""
    return dlogits.sum(0)


def dhpreact(dh: Tensor, h: Tensor) -> Tensor:
    """(n, H): d tanh(x) / dx = 1 - tanh(x)**2, and tanh(x) is h."""
    # 1 - h*h, rounded once: torch's own kernel does the same. With (1 - h**2), rounded twice, this and all that
    # follow differ from autograd's in the last digit; this way all 26 agree bit for bit where the machine has FMA.
    return torch.addcmul(torch.ones_like(h), h, h, value=-1) * dh


def dbngain(dhpreact: Tensor, bnraw: Tensor) -> Tensor:
    """(1, H): hpreact = bngain * bnraw + bnbias broadcast it along n rows, so a sum over them."""
    return (bnraw * dhpreact).sum(0, keepdim=True)


def dbnbias(dhpreact: Tensor) -> Tensor:
    """(1, H): added to each of n rows, so their sum."""
    return dhpreact.sum(0, keepdim=True)


def dbnraw(dhpreact: Tensor, bngain: Tensor) -> Tensor:
    """(n, H): the other factor, (1, H), broadcasts."""
    return bngain * dhpreact


def dbnvar_inv(dbnraw: Tensor, bndiff: Tensor) -> Tensor:
    """(1, H): bnraw = bndiff * bnvar_inv broadcast it along n rows, so a sum over them."""
    return (bndiff * dbnraw).sum(0, keepdim=True)


def dbnvar(dbnvar_inv: Tensor, bnvar: Tensor) -> Tensor:
    """(1, H): d (x + eps)**-0.5 / dx = -0.5 (x + eps)**-1.5."""
    return -0.5 * (bnvar + EPS) ** -1.5 * dbnvar_inv


def dbndiff2(dbnvar: Tensor, bndiff2: Tensor) -> Tensor:
    """(n, H): bnvar (1, H) is the sum of n rows over n - 1 (Bessel), so it broadcasts back over n - 1."""
    return 1.0 / (len(bndiff2) - 1) * torch.ones_like(bndiff2) * dbnvar


def dbndiff(dbnraw: Tensor, bnvar_inv: Tensor, bndiff: Tensor, dbndiff2: Tensor) -> Tensor:
    """(n, H): used twice, as a factor of bnraw, and squared: d x**2 / dx = 2x."""
    return bnvar_inv * dbnraw + 2 * bndiff * dbndiff2


def dbnmeani(dbndiff: Tensor) -> Tensor:
    """(1, H): subtracted from each of n rows, so minus their sum."""
    return -dbndiff.sum(0, keepdim=True)


def dhprebn(dbndiff: Tensor, dbnmeani: Tensor) -> Tensor:
    """(n, H): used twice, in bndiff, and in the mean bnmeani (1, H), which broadcasts back over n."""
    return dbndiff + 1 / len(dbndiff) * torch.ones_like(dbndiff) * dbnmeani


def dembcat(dhprebn: Tensor, W1: Tensor) -> Tensor:
    """(n, T*D): hprebn = embcat @ W1 + b1, so as dh: (n, H) @ (H, T*D)."""
    return dhprebn @ W1.T


def dW1(embcat: Tensor, dhprebn: Tensor) -> Tensor:  # noqa: N802 (the lecture's name)
    """(T*D, H): as dW2: (T*D, n) @ (n, H)."""
    return embcat.T @ dhprebn


def db1(dhprebn: Tensor) -> Tensor:
    """(H,): added to each of n rows, so their sum; 0 but for rounding: BatchNorm takes a shift away."""
    return dhprebn.sum(0)


def demb(dembcat: Tensor, emb: Tensor) -> Tensor:
    """(n, T, D): embcat (n, T*D) is the same numbers in another shape."""
    return dembcat.view(emb.shape)


def dC(demb: Tensor, xb: Tensor, C: Tensor) -> Tensor:  # noqa: N802 (the lecture's name)
    """(V, D): emb[i, t] = C[xb[i, t]], so each row of C gets the sum over all places that asked for it."""
    return torch.zeros_like(C).index_add_(0, xb.flatten(), demb.flatten(0, 1))


def backward(t: Intermediates) -> dict[str, Tensor]:
    """The gradients of the 26, by name ("logprobs", ..., "C"), in the lecture's order; no autograd.

    >>> from zth.seeds import stream
    >>> xb, yb = torch.tensor([[0, 0, 5], [0, 5, 13], [5, 13, 13]]), torch.tensor([13, 13, 1])
    >>> gradients = backward(forward(Parameters.draw(stream(42, "init")), xb, yb))
    >>> list(gradients)[:3], len(gradients), tuple(gradients["C"].shape)
    (['logprobs', 'probs', 'counts_sum_inv'], 26, (27, 10))
    """
    d: dict[str, Tensor] = {}
    d["logprobs"] = dlogprobs(t.logprobs, t.yb)
    d["probs"] = dprobs(d["logprobs"], t.probs)
    d["counts_sum_inv"] = dcounts_sum_inv(d["probs"], t.counts)
    d["counts_sum"] = dcounts_sum(d["counts_sum_inv"], t.counts_sum)
    d["counts"] = dcounts(d["probs"], t.counts_sum_inv, d["counts_sum"])
    d["norm_logits"] = dnorm_logits(d["counts"], t.counts)
    d["logit_maxes"] = dlogit_maxes(d["norm_logits"])
    d["logits"] = dlogits(d["norm_logits"], d["logit_maxes"], t.logits)
    d["h"] = dh(d["logits"], t.W2)
    d["W2"] = dW2(t.h, d["logits"])
    d["b2"] = db2(d["logits"])
    d["hpreact"] = dhpreact(d["h"], t.h)
    d["bngain"] = dbngain(d["hpreact"], t.bnraw)
    d["bnbias"] = dbnbias(d["hpreact"])
    d["bnraw"] = dbnraw(d["hpreact"], t.bngain)
    d["bnvar_inv"] = dbnvar_inv(d["bnraw"], t.bndiff)
    d["bnvar"] = dbnvar(d["bnvar_inv"], t.bnvar)
    d["bndiff2"] = dbndiff2(d["bnvar"], t.bndiff2)
    d["bndiff"] = dbndiff(d["bnraw"], t.bnvar_inv, t.bndiff, d["bndiff2"])
    d["bnmeani"] = dbnmeani(d["bndiff"])
    d["hprebn"] = dhprebn(d["bndiff"], d["bnmeani"])
    d["embcat"] = dembcat(d["hprebn"], t.W1)
    d["W1"] = dW1(t.embcat, d["hprebn"])
    d["b1"] = db1(d["hprebn"])
    d["emb"] = demb(d["embcat"], t.emb)
    d["C"] = dC(d["emb"], t.xb, t.C)
    return d
