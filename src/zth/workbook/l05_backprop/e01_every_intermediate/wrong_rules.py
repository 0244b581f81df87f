"""The wrong lines that people write for 5.1, each as the rule that it follows, and what to tell them.

A rule's arguments are named as the lecture names tensors and gradients; it may look at any that came before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import signature

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.backprop import atoms


@dataclass(frozen=True, kw_only=True)
class WrongRule:
    """One wrong line."""

    of: str
    """The gradient, as in "dprobs"."""
    name: str
    says: str
    rule: Callable[..., Tensor]


def _wrong(of: str, name: str, rule: Callable[..., Tensor], says: str) -> WrongRule:
    return WrongRule(of=of, name=name, says=says, rule=rule)


@dataclass(frozen=True, kw_only=True)
class _Broadcast:
    """A gradient that is a sum, because its tensor was broadcast."""

    of: str
    terms: Callable[..., Tensor]
    """What has to be summed, of the shape it was broadcast to."""
    axis: int
    keepdim: bool
    shape: str
    line: str
    """The line of the forward pass."""

    def wrong_rules(self) -> Iterator[WrongRule]:
        tensor = self.of[1:]
        along = "every row of the batch" if self.axis == 0 else "every column"
        kept = ", keepdim=True" if self.keepdim else ""
        yield self._wrong(
            "not summed",
            lambda terms: terms,
            f"In `{self.line}` one number of `{tensor}` was used in {along}: broadcast. So its gradient is the sum "
            f"of what comes back from all of them: `.sum({self.axis}{kept})`, which gives the shape {self.shape} of "
            f"`{tensor}`.",
        )
        yield self._wrong(
            "keepdim" if self.keepdim else "keepdim where there is none",
            lambda terms: terms.sum(self.axis, keepdim=not self.keepdim),
            f"The sum is right, its shape is not: `{tensor}` has the shape {self.shape}, and so has its gradient. "
            + (
                "Without `keepdim=True` the axis disappears, and the next line broadcasts along another one."
                if self.keepdim
                else "Without `keepdim=True` the summed axis disappears, as it should here."
            ),
        )
        yield self._wrong(
            "summed over the other axis",
            lambda terms: terms.sum(1 - self.axis, keepdim=self.keepdim),
            f"You summed over axis {1 - self.axis}. `{tensor}` has the shape {self.shape}: it was used again in "
            f"{along}, so the sum goes over axis {self.axis}. The shape of the tensor tells.",
        )
        if self.of == "db1":
            return  # its sum is 0 but for rounding, and so is its mean: that is no mistake that one could see
        yield self._wrong(
            "mean instead of sum",
            lambda terms: terms.mean(self.axis, keepdim=self.keepdim),
            f"That is the mean of what comes back. `{tensor}` has an effect at each of its uses, and effects add up: "
            "`.sum`. (The 1/n of the mean loss is in `dlogprobs` already.)",
        )

    def _wrong(self, name: str, reduce: Callable[[Tensor], Tensor], says: str) -> WrongRule:
        return _wrong(self.of, name, _after(self.terms, reduce), says)


def _after(terms: Callable[..., Tensor], reduce: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def rule(**arguments: Tensor) -> Tensor:
        return reduce(terms(**arguments))

    rule.__signature__ = signature(terms)  # type: ignore[attr-defined]  # the arguments' names are what is asked for
    return rule


BROADCASTS = [
    _Broadcast(
        of="dcounts_sum_inv",
        terms=lambda dprobs, counts: dprobs * counts,
        axis=1,
        keepdim=True,
        shape="(n, 1)",
        line="probs = counts * counts_sum_inv",
    ),
    _Broadcast(
        of="dlogit_maxes",
        terms=lambda dnorm_logits: -dnorm_logits,
        axis=1,
        keepdim=True,
        shape="(n, 1)",
        line="norm_logits = logits - logit_maxes",
    ),
    _Broadcast(
        of="db2", terms=lambda dlogits: dlogits, axis=0, keepdim=False, shape="(V,)", line="logits = h @ W2 + b2"
    ),
    _Broadcast(
        of="dbngain",
        terms=lambda dhpreact, bnraw: dhpreact * bnraw,
        axis=0,
        keepdim=True,
        shape="(1, H)",
        line="hpreact = bngain * bnraw + bnbias",
    ),
    _Broadcast(
        of="dbnbias",
        terms=lambda dhpreact: dhpreact,
        axis=0,
        keepdim=True,
        shape="(1, H)",
        line="hpreact = bngain * bnraw + bnbias",
    ),
    _Broadcast(
        of="dbnvar_inv",
        terms=lambda dbnraw, bndiff: dbnraw * bndiff,
        axis=0,
        keepdim=True,
        shape="(1, H)",
        line="bnraw = bndiff * bnvar_inv",
    ),
    _Broadcast(
        of="dbnmeani",
        terms=lambda dbndiff: -dbndiff,
        axis=0,
        keepdim=True,
        shape="(1, H)",
        line="bndiff = hprebn - bnmeani",
    ),
    _Broadcast(
        of="db1",
        terms=lambda dhprebn: dhprebn,
        axis=0,
        keepdim=False,
        shape="(H,)",
        line="hprebn = embcat @ W1 + b1",
    ),
]


def _at_targets(logprobs: Tensor, yb: Tensor, value: float) -> Tensor:
    gradient = torch.zeros_like(logprobs)
    gradient[torch.arange(len(yb)), yb] = value
    return gradient


def _in_every_row(logprobs: Tensor, yb: Tensor) -> Tensor:
    gradient = torch.zeros_like(logprobs)
    gradient[:, yb] = -1 / len(yb)
    return gradient


def _one_hot_of_largest(logits: Tensor) -> Tensor:
    return F.one_hot(logits.argmax(1), logits.shape[1])


def _changed_by_dlogits(dcounts: Tensor, counts: Tensor, logits: Tensor) -> Tensor:
    dnorm_logits = atoms.dnorm_logits(dcounts, counts)
    return atoms.dlogits(dnorm_logits, atoms.dlogit_maxes(dnorm_logits), logits)


def _changed_by_dhprebn(dbnraw: Tensor, bnvar_inv: Tensor, bndiff: Tensor, dbndiff2: Tensor) -> Tensor:
    dbndiff = atoms.dbndiff(dbnraw, bnvar_inv, bndiff, dbndiff2)
    return atoms.dhprebn(dbndiff, atoms.dbnmeani(dbndiff))


def _last_wins(demb: Tensor, xb: Tensor, C: Tensor) -> Tensor:
    gradient = torch.zeros_like(C)
    for example, ids in zip(demb, xb.tolist(), strict=True):
        for row, x in zip(example, ids, strict=True):
            gradient[x] = row
    return gradient


def _mean_of_uses(demb: Tensor, xb: Tensor, C: Tensor) -> Tensor:
    n_uses = torch.bincount(xb.flatten(), minlength=len(C)).clamp(min=1)
    return atoms.dC(demb, xb, C) / n_uses[:, None]


HEAD = [
    _wrong(
        "dlogprobs",
        "1/n forgotten",
        lambda logprobs, yb: _at_targets(logprobs, yb, -1.0),
        "The loss is the *mean* of n numbers, so each counts only 1/n: -1/n at the targets. Left out, it makes all "
        "gradients n times too large.",
    ),
    _wrong(
        "dlogprobs",
        "minus forgotten",
        lambda logprobs, yb: _at_targets(logprobs, yb, 1 / len(yb)),
        "The loss is *minus* the mean, so it falls as a target's log probability rises: -1/n, below 0.",
    ),
    _wrong(
        "dlogprobs",
        "every target in every row",
        _in_every_row,
        "`[:, yb]` takes all of yb in every row. Example i has its own yb[i]: `[range(n), yb]`.",
    ),
    _wrong(
        "dlogprobs",
        "-1/n everywhere",
        lambda logprobs: torch.full_like(logprobs, -1 / len(logprobs)),
        "Only the log probability of the character that came is in the loss. All others have no effect on it, so "
        "their gradient is 0.",
    ),
    _wrong(
        "dlogprobs",
        "divided by all of logprobs",
        lambda logprobs, yb: _at_targets(logprobs, yb, -1 / logprobs.numel()),
        "You divided by n * V. `mean()` was taken of the n numbers that were picked, so it is 1/n.",
    ),
    _wrong(
        "dprobs",
        "dlogprobs forgotten",
        lambda probs: 1 / probs,
        "That is the local derivative of log, 1/x. By the chain rule it is multiplied by what comes back, dlogprobs.",
    ),
    _wrong(
        "dprobs",
        "times x instead of 1/x",
        lambda dlogprobs, probs: dlogprobs * probs,
        "You multiplied by `probs`. The derivative of log(x) is 1/x: an example whose target got a low probability "
        "has a large gradient.",
    ),
    _wrong(
        "dprobs",
        "divided by logprobs",
        lambda dlogprobs, logprobs: dlogprobs / logprobs,
        "The derivative of log(x) is 1/x, where x is what went into the log: probs, not logprobs.",
    ),
    _wrong(
        "dprobs",
        "sign",
        lambda dlogprobs, probs: -dlogprobs / probs,
        "The sign is reversed. log rises with x: its derivative is 1/x, without a minus.",
    ),
    _wrong(
        "dcounts_sum_inv",
        "the other factor",
        lambda dprobs, counts_sum_inv: (dprobs * counts_sum_inv).sum(1, keepdim=True),
        "In a product each factor gets what comes back times the *other* factor. Here that is `counts`.",
    ),
    _wrong(
        "dcounts_sum",
        "minus forgotten",
        lambda dcounts_sum_inv, counts_sum: dcounts_sum_inv * counts_sum**-2,
        "The derivative of x**-1 is -x**-2: one over x falls as x rises. The minus is missing.",
    ),
    _wrong(
        "dcounts_sum",
        "power",
        lambda dcounts_sum_inv, counts_sum: -dcounts_sum_inv * counts_sum**-1,
        "The derivative of x**-1 is -1 * x**-2: the power goes *down* by one, from -1 to -2.",
    ),
    _wrong(
        "dcounts",
        "second path forgotten",
        lambda dprobs, counts_sum_inv: dprobs * counts_sum_inv,
        "`counts` is used twice: as a factor of `probs`, and as a term of `counts_sum`. You have the first. Add what "
        "comes back through the second: `dcounts_sum` (n, 1), which broadcasts over the columns.",
    ),
    _wrong(
        "dcounts",
        "first path forgotten",
        lambda dcounts_sum, counts: dcounts_sum * torch.ones_like(counts),
        "`counts` is used twice. You have what comes back through `counts_sum`; as a factor of `probs` it also gets "
        "dprobs * counts_sum_inv. Add the two (`+=`, not `=`).",
    ),
    _wrong(
        "dcounts",
        "second path subtracted",
        lambda dprobs, counts_sum_inv, dcounts_sum: dprobs * counts_sum_inv - dcounts_sum,
        "What comes back from two uses is added. The minus of 1/x stands in `dcounts_sum` already.",
    ),
    _wrong(
        "dnorm_logits",
        "derivative of exp forgotten",
        lambda dcounts: dcounts.clone(),
        "The derivative of exp(x) is exp(x), which is `counts`: multiply by it.",
    ),
    _wrong(
        "dnorm_logits",
        "times x instead of exp(x)",
        lambda dcounts, norm_logits: dcounts * norm_logits,
        "The derivative of exp(x) is exp(x) itself, not x. exp(norm_logits) is `counts`.",
    ),
    _wrong(
        "dnorm_logits",
        "changed by dlogits",
        _changed_by_dlogits,
        "`dlogits = dnorm_logits` gives one tensor a second name, and the `+=` after it changes both. Begin with "
        "`dnorm_logits.clone()`.",
    ),
    _wrong(
        "dlogit_maxes",
        "set to 0",
        lambda dnorm_logits: torch.zeros_like(dnorm_logits[:, :1]),
        "In the lecture's net it comes out as 0 except for rounding: softmax does not change if a whole row moves. "
        "That is a fact about all of softmax; this line has a rule of its own, and in the second net, which has a "
        "character more in `counts_sum`, it is not 0. `logit_maxes` was subtracted from every column: minus the "
        "sum.",
    ),
    _wrong(
        "dlogit_maxes",
        "minus forgotten",
        lambda dnorm_logits: dnorm_logits.sum(1, keepdim=True),
        "`logit_maxes` is *subtracted*, so what comes back through it has a minus. (In the lecture's net the sum "
        "is 0 except for rounding, so that the sign does not show there.)",
    ),
    _wrong(
        "dlogits",
        "path through the maximum forgotten",
        lambda dnorm_logits: dnorm_logits.clone(),
        "`logits` is used twice: in `norm_logits`, and in `logit_maxes`, which is the largest of each row. Add "
        "`dlogit_maxes` where that one stood. (In the lecture's net it is 0 except for rounding, and hides.)",
    ),
    _wrong(
        "dlogits",
        "maximum given to the whole row",
        lambda dnorm_logits, dlogit_maxes: dnorm_logits + dlogit_maxes,
        "Only the largest logit of a row makes the maximum; the others could move and it would stay. Add "
        "`dlogit_maxes` at `logits.argmax(1)` alone, as with a one-hot row.",
    ),
    _wrong(
        "dlogits",
        "maximum given to the target",
        lambda dnorm_logits, dlogit_maxes, yb: dnorm_logits + F.one_hot(yb, dnorm_logits.shape[1]) * dlogit_maxes,
        "`dlogit_maxes` goes to where the largest logit stood, `logits.argmax(1)`. `yb` says which character came: "
        "that is another place.",
    ),
    _wrong(
        "dlogits",
        "only the path through the maximum",
        lambda dlogit_maxes, logits: _one_hot_of_largest(logits) * dlogit_maxes,
        "That is what comes back through the maximum. `logits` is also in every place of `norm_logits`: add "
        "`dnorm_logits` (`+=`, not `=`).",
    ),
]

MIDDLE = [
    _wrong(
        "dW2",
        "transposed",
        lambda h, dlogits: dlogits.T @ h,
        "The numbers are right, but the matrix is transposed: `W2` is (H, V), and so is its gradient: h.T @ dlogits.",
    ),
    _wrong(
        "dW2",
        "divided by n once more",
        lambda h, dlogits: h.T @ dlogits / len(h),
        "You took a mean over the batch. The 1/n of the mean loss is in `dlogprobs` already, and so in `dlogits`.",
    ),
    _wrong(
        "dhpreact",
        "of hpreact instead of h",
        lambda dh, hpreact: (1 - hpreact**2) * dh,
        "The derivative of tanh(x) is 1 - tanh(x)**2, and tanh(x) is `h`. You squared `hpreact`, which is x.",
    ),
    _wrong(
        "dhpreact",
        "tanh twice",
        lambda dh, h: (1 - h.tanh() ** 2) * dh,
        "`h` is tanh(hpreact) already; you took tanh of it once more. 1 - h**2 is all.",
    ),
    _wrong(
        "dhpreact",
        "square forgotten",
        lambda dh, h: (1 - h) * dh,
        "The derivative of tanh is 1 - tanh**2: the square is missing.",
    ),
    _wrong(
        "dhpreact",
        "the sigmoid's derivative",
        lambda dh, h: h * (1 - h) * dh,
        "h * (1 - h) is the derivative of the sigmoid. That of tanh is 1 - h**2.",
    ),
    _wrong(
        "dhpreact",
        "dh forgotten",
        lambda h: 1 - h**2,
        "That is the local derivative of tanh. By the chain rule it is multiplied by what comes back: dh.",
    ),
    _wrong(
        "dbngain",
        "times bndiff instead of bnraw",
        lambda dhpreact, bndiff: (dhpreact * bndiff).sum(0, keepdim=True),
        "The other factor of `bngain` is `bnraw`, the normalised one; `bndiff` is not divided by the deviation yet.",
    ),
    _wrong(
        "dbnraw",
        "bngain forgotten",
        lambda dhpreact: dhpreact.clone(),
        "`bnraw` is multiplied by `bngain`, so its gradient is too: bngain * dhpreact.",
    ),
    _wrong(
        "dbnvar_inv",
        "times bnraw instead of bndiff",
        lambda dbnraw, bnraw: (dbnraw * bnraw).sum(0, keepdim=True),
        "`bnraw` is the result of that product. The other factor is `bndiff`.",
    ),
    _wrong(
        "dbnvar",
        "minus forgotten",
        lambda dbnvar_inv, bnvar: 0.5 * (bnvar + atoms.EPS) ** -1.5 * dbnvar_inv,
        "The derivative of x**-0.5 is -0.5 * x**-1.5: the minus is missing.",
    ),
    _wrong(
        "dbnvar",
        "power",
        lambda dbnvar_inv, bnvar: -0.5 * (bnvar + atoms.EPS) ** -0.5 * dbnvar_inv,
        "The derivative of x**-0.5 is -0.5 * x**-1.5: the power goes down by one, from -0.5 to -1.5.",
    ),
    _wrong(
        "dbnvar",
        "power up instead of down",
        lambda dbnvar_inv, bnvar: -0.5 * (bnvar + atoms.EPS) ** 0.5 * dbnvar_inv,
        "The derivative of x**-0.5 is -0.5 * x**-1.5: the power goes *down* by one, to -1.5, and not up to 0.5.",
    ),
    _wrong(
        "dbnvar",
        "1e-5 forgotten",
        lambda dbnvar_inv, bnvar: -0.5 * bnvar**-1.5 * dbnvar_inv,
        "The 1e-5 of `(bnvar + 1e-5) ** -0.5` is missing. It is small, and matters where the variance is small too.",
    ),
    _wrong(
        "dbndiff2",
        "n instead of n - 1",
        lambda dbnvar, bndiff2: dbnvar / len(bndiff2) * torch.ones_like(bndiff2),
        "You divided by n. The lecture's variance has Bessel's correction: it divides by n - 1, and so does its "
        "gradient.",
    ),
    _wrong(
        "dbndiff2",
        "not divided",
        lambda dbnvar, bndiff2: dbnvar * torch.ones_like(bndiff2),
        "`bnvar` is 1 / (n - 1) times the sum, so each term counts 1 / (n - 1).",
    ),
    _wrong(
        "dbndiff2",
        "not broadcast",
        lambda dbnvar, bndiff2: dbnvar / (len(bndiff2) - 1),
        "The numbers are right, the shape is not: `bndiff2` has n rows, which were summed, and each gets the same "
        "gradient back. Multiply by `torch.ones_like(bndiff2)`.",
    ),
    _wrong(
        "dbndiff",
        "second path forgotten",
        lambda dbnraw, bnvar_inv: bnvar_inv * dbnraw,
        "`bndiff` is used twice: as a factor of `bnraw`, and squared in `bndiff2`. You have the first. Add "
        "2 * bndiff * dbndiff2.",
    ),
    _wrong(
        "dbndiff",
        "first path forgotten",
        lambda bndiff, dbndiff2: 2 * bndiff * dbndiff2,
        "`bndiff` is used twice. You have what comes back through its square; as a factor of `bnraw` it also gets "
        "bnvar_inv * dbnraw. Add the two (`+=`, not `=`).",
    ),
    _wrong(
        "dbndiff",
        "2 of the square forgotten",
        lambda dbnraw, bnvar_inv, bndiff, dbndiff2: bnvar_inv * dbnraw + bndiff * dbndiff2,
        "The derivative of x**2 is 2x: the 2 is missing in the second path.",
    ),
    _wrong(
        "dbndiff",
        "times bndiff2 instead of bndiff",
        lambda dbnraw, bnvar_inv, bndiff2, dbndiff2: bnvar_inv * dbnraw + 2 * bndiff2 * dbndiff2,
        "The derivative of x**2 is 2x, and x is `bndiff`; `bndiff2` is x**2 already.",
    ),
    _wrong(
        "dbndiff",
        "changed by dhprebn",
        _changed_by_dhprebn,
        "`dhprebn = dbndiff` gives one tensor a second name, and the `+=` after it changes both. Begin with "
        "`dbndiff.clone()`.",
    ),
    _wrong(
        "dbnmeani",
        "minus forgotten",
        lambda dbndiff: dbndiff.sum(0, keepdim=True),
        "`bnmeani` is *subtracted*, so what comes back through it has a minus.",
    ),
]

TAIL = [
    _wrong(
        "dhprebn",
        "second path forgotten",
        lambda dbndiff: dbndiff.clone(),
        "`hprebn` is used twice: in `bndiff`, and in its own mean `bnmeani`. You have the first. Add 1/n * dbnmeani, "
        "which broadcasts over the rows.",
    ),
    _wrong(
        "dhprebn",
        "1/n of the mean forgotten",
        lambda dbndiff, dbnmeani: dbndiff + dbnmeani,
        "In a mean of n numbers each of them counts 1/n: 1/n * dbnmeani.",
    ),
    _wrong(
        "dhprebn",
        "n - 1 instead of n",
        lambda dbndiff, dbnmeani: dbndiff + dbnmeani / (len(dbndiff) - 1),
        "Bessel's n - 1 belongs to the variance. The mean divides by n.",
    ),
    _wrong(
        "dW1",
        "transposed",
        lambda embcat, dhprebn: dhprebn.T @ embcat,
        "The numbers are right, but the matrix is transposed: `W1` is (T*D, H), and so is its gradient: embcat.T @ "
        "dhprebn.",
    ),
    _wrong(
        "demb",
        "not reshaped",
        lambda dembcat: dembcat.clone(),
        "`emb` is (n, T, D), and so is its gradient. `embcat` holds the same numbers in another shape: undo the "
        "`view` with `dembcat.view(emb.shape)`.",
    ),
    _wrong(
        "demb",
        "numbers in another order",
        lambda dembcat, emb: dembcat.view(len(emb), emb.shape[2], emb.shape[1]).transpose(1, 2),
        "The shape is right, but the numbers stand in other places: `embcat` has the D numbers of the first "
        "character, then those of the second. `dembcat.view(emb.shape)` reads them in that order, without a "
        "transpose.",
    ),
    _wrong(
        "demb",
        "batch and context exchanged",
        lambda dembcat, emb: dembcat.view(emb.shape[1], len(emb), emb.shape[2]).transpose(0, 1),
        "The shape is right, but examples are mixed: `view(T, n, D)` reads rows of the batch as places of the "
        "context. `dembcat.view(emb.shape)` is all.",
    ),
    _wrong(
        "dC",
        "the last use wins",
        _last_wins,
        "Letters come more than once, and each row of `C` must *add up* what comes back from all its uses. `dC[xb] = "
        "demb` and `dC[xb] += demb` keep only one of them. Use a loop with `+=`, or `index_add_`.",
    ),
    _wrong(
        "dC",
        "the first place alone",
        lambda demb, xb, C: atoms.dC(demb[:, :1], xb[:, :1], C),
        "Only the first character of each context was counted. There are T of them: a loop over examples and one "
        "over places.",
    ),
    _wrong(
        "dC",
        "mean of the uses",
        _mean_of_uses,
        "You divided by how often each row was used. Its uses add up, as in lecture 1 where a value is used twice.",
    ),
]

WRONG_RULES = [*HEAD, *MIDDLE, *TAIL, *(wrong for broadcast in BROADCASTS for wrong in broadcast.wrong_rules())]
