"""The net, the mixture, the choice of its share and the penalty: where one goes wrong are their options.

Letters: B examples, V ids in the vocabulary, T in a context, E the embedding's width, H hidden units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.workbook.l03_mlp.e03_paper.solution import Predictions, mixture_loss

Six = list[Tensor]

# --- the net --------------------


def parts_of_logits(parameters: Six, x: Tensor) -> tuple[Tensor, Tensor]:
    """What comes through the hidden layer, and what comes directly."""
    _, W1, b1, W2, b2, D = parameters
    return torch.tanh(x @ W1 + b1) @ W2 + b2, x @ D


def added(parameters: Six, x: Tensor) -> Tensor:
    through, direct = parts_of_logits(parameters, x)
    return through + direct


def net(
    join: Callable[[Six, Tensor], Tensor] = added,
    lay_out: Callable[[Tensor], Tensor] = lambda emb: emb.flatten(1),
) -> Callable[[Six, Tensor], Tensor]:
    return lambda parameters, X: join(parameters, lay_out(parameters[0][X]))


def gradients(
    logits: Callable[[Six, Tensor], Tensor] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    after: Callable[[list[Tensor]], list[Tensor]] = lambda grads: grads,
) -> Callable[[Six, Tensor, Tensor], list[Tensor]]:
    """By autograd, of other logits or another loss, or changed afterwards."""

    def gradients(parameters: Six, X: Tensor, Y: Tensor) -> list[Tensor]:
        leaves = [p.clone().requires_grad_() for p in parameters]
        value = loss((logits or net())(leaves, X), Y)
        found = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
        return after(list(found))

    return gradients


def both(logits: Callable[[Six, Tensor], Tensor]) -> dict[str, object]:
    """Whose logits are wrong has wrong gradients too."""
    return {"logits": logits, "gradients": gradients(logits)}


def last_only(parameters: Six, x: Tensor) -> Tensor:
    E = parameters[0].shape[1]
    return parts_of_logits(parameters, x)[0] + x[:, -E:] @ parameters[5][-E:]


def direct_detached(parameters: Six, x: Tensor) -> Tensor:
    return parts_of_logits(parameters, x)[0] + parts_of_logits(parameters, x.detach())[1]


def hidden_detached(parameters: Six, x: Tensor) -> Tensor:
    return parts_of_logits(parameters, x.detach())[0] + parts_of_logits(parameters, x)[1]


def tanh_not_undone(parameters: Six, X: Tensor, Y: Tensor) -> list[Tensor]:
    """By hand, with the gradient of h passed on to what stands before tanh as it is."""
    C, W1, b1, W2, b2, D = parameters
    x = C[X].flatten(1)
    h = torch.tanh(x @ W1 + b1)
    dlogits = torch.softmax(h @ W2 + b2 + x @ D, 1)
    dlogits[torch.arange(len(Y)), Y] -= 1
    dlogits /= len(Y)
    dh = dlogits @ W2.T
    demb = (dh @ W1.T + dlogits @ D.T).view(*X.shape, -1)
    dC = torch.zeros_like(C).index_put_((X,), demb, accumulate=True)
    return [dC, x.T @ dh, dh.sum(0), h.T @ dlogits, dlogits.sum(0), x.T @ dlogits]


def each_use_once(parameters: Six, X: Tensor, Y: Tensor) -> list[Tensor]:
    """dC by assignment: of the uses of a character only the last arrives."""
    emb = parameters[0][X].requires_grad_()
    x = emb.flatten(1)
    (demb,) = torch.autograd.grad(F.cross_entropy(added(parameters, x), Y), [emb])
    dC = torch.zeros_like(parameters[0])
    for ids, rows in zip(X.tolist(), demb, strict=True):
        for i, row in zip(ids, rows, strict=True):
            dC[i] = row
    return [dC, *gradients()(parameters, X, Y)[1:]]


# --- the mixture --------------------

Mix = Callable[[Tensor, Tensor, float], Tensor]
Loss = Callable[[Tensor, Tensor, Tensor, float], float]


def mixture(
    mix: Mix = lambda net, trigram, alpha: (1 - alpha) * net + alpha * trigram,
    reduce: Callable[[Tensor], Tensor] = lambda probs: -probs.log().mean(),
) -> Loss:
    return lambda net, trigram, Y, alpha: float(reduce(mix(net, trigram, alpha)[torch.arange(len(Y)), Y]))


def geometric(net: Tensor, trigram: Tensor, alpha: float) -> Tensor:
    return net ** (1 - alpha) * trigram**alpha


def normalised_geometric(net: Tensor, trigram: Tensor, alpha: float) -> Tensor:
    mixture = geometric(net, trigram, alpha)
    return mixture / mixture.sum(1, keepdim=True)


def best(
    loss: Loss = mixture_loss,
    *,
    by: Callable[[Predictions, Predictions], Predictions] = lambda dev, _: dev,
    told: Callable[[Predictions, Predictions], Predictions] = lambda dev, _: dev,
    pick: Callable[[dict[float, float]], float] = lambda losses: min(losses, key=losses.__getitem__),
    say: Callable[[float, Sequence[float]], float] = lambda alpha, _: alpha,
    tested: Callable[[float, dict[float, float]], float] = lambda alpha, _: alpha,
) -> Callable[[Sequence[float], Predictions, Predictions], tuple[float, float, float]]:
    """Tuning; the options are the places to go wrong."""

    def best_alpha(alphas: Sequence[float], dev: Predictions, test: Predictions) -> tuple[float, float, float]:
        alpha = pick({alpha: loss(*by(dev, test), alpha) for alpha in alphas})
        of_test = {alpha: loss(*test, alpha) for alpha in alphas}
        return say(alpha, alphas), loss(*told(dev, test), alpha), of_test[tested(alpha, of_test)]

    return best_alpha


def wrong_loss(loss: Loss) -> dict[str, object]:
    return {"mixture_loss": loss, "best_alpha": best(loss)}


def only_test(_dev: Predictions, test: Predictions) -> Predictions:
    return test


def penalty(
    kept: Callable[[Six], list[Tensor]] = lambda six: [six[0], six[1], six[3], six[5]],
    size: Callable[[Tensor], Tensor] = lambda p: p.square().sum(),
    factor: float = 0.5,
) -> Callable[[Six, float], float]:
    return lambda parameters, decay: factor * decay * float(sum(size(p) for p in kept(parameters)))


def count(V: int, T: int, E: int, H: int) -> int:
    return V * E + T * E * H + H + H * V + V
