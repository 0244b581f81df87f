"""Three rules and a table of derivatives are all there is.

Each line of the forward pass has a local derivative that one knows by heart (log, exp, a product, a power, tanh).
Multiply it with the gradient that comes back, and mind the shapes:

- **what was broadcast is summed.** `bnraw = bndiff * bnvar_inv` used one number of `bnvar_inv` in all 32 rows. Each
  row has its say, so the gradient is summed over the rows. It has the shape of its tensor: that tells the axis.
- **what was summed is broadcast.** `counts_sum` adds up 27 counts; a small change of any of them changes it by as
  much.
- **what was used twice gets a sum.** `counts` is a factor of `probs` and a term of `counts_sum`; `bndiff`, `logits`
  and `hprebn` are used twice too, and a row of `C` as often as its character stands in the batch.

The matrix product needs no memory: `dh` has the shape of `h`, and `dlogits` and `W2` can give it in one way only.

Two gradients of the lecture's net are 0 but for rounding, and both say something. `dlogit_maxes`: softmax does not
feel it if all logits of a row move together, which is why their largest may be subtracted. `db1`: BatchNorm takes the
mean away, and with it whatever `b1` has added. It is a parameter that can learn nothing.
"""

from torch import Tensor

from zth.backprop import atoms
from zth.backprop.atoms import (
    Intermediates,
    db1,
    db2,
    dbnbias,
    dbndiff,
    dbndiff2,
    dbngain,
    dbnmeani,
    dbnraw,
    dbnvar,
    dbnvar_inv,
    dC,
    dcounts,
    dcounts_sum,
    dcounts_sum_inv,
    demb,
    dembcat,
    dh,
    dhpreact,
    dhprebn,
    dlogit_maxes,
    dlogits,
    dlogprobs,
    dnorm_logits,
    dprobs,
    dW1,
    dW2,
)

__all__ = [  # noqa: RUF022 (the lecture's order, in which they can be computed)
    "backward",
    "dlogprobs",
    "dprobs",
    "dcounts_sum_inv",
    "dcounts_sum",
    "dcounts",
    "dnorm_logits",
    "dlogit_maxes",
    "dlogits",
    "dh",
    "dW2",
    "db2",
    "dhpreact",
    "dbngain",
    "dbnbias",
    "dbnraw",
    "dbnvar_inv",
    "dbnvar",
    "dbndiff2",
    "dbndiff",
    "dbnmeani",
    "dhprebn",
    "dembcat",
    "dW1",
    "db1",
    "demb",
    "dC",
]


def backward(**t: Tensor) -> dict[str, Tensor]:
    """All tensors of a forward pass, by the lecture's names -> the 26 gradients, by the same names."""
    return atoms.backward(Intermediates(**t))
