"""Check of 2.4: rows picked, their gradients added up, and both for a W whose one-hot rows fit no memory."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.workbook.check import Mistake, Part
from zth.workbook.l02_bigrams.e04_no_one_hot.solution import backward, logits

N_ROWS, N_EXAMPLES = 100_000, 10_000
TOO_MANY = 10**8
"""One-hot numbers that the check's own mistake refuses to make. The large case would need N_ROWS * N_EXAMPLES = 1e9:
as F.one_hot's int64 8 GB, of which a learner has 2."""


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(24)


@cache
def _examples() -> tuple[Tensor, Tensor]:
    """Some 140 bigrams of names."""
    words = names()[300:320]
    contexts, ys = windows(words, Vocabulary.of_lines(names()), 1)
    return contexts[:, 0], ys


def _tables() -> list[tuple[Tensor, Tensor, Tensor]]:
    """W, xs, ys: by hand with a row used twice and one not at all; a single example; names, where the dot leads."""
    generator = _generator()
    small = torch.tensor([[0.0, 3.0, -2.0], [1.0, -1.0, 0.5], [2.0, 0.25, -0.5]])
    W = torch.randn(27, 27, generator=generator)
    return [
        (small, torch.tensor([2, 0, 2, 2]), torch.tensor([1, 2, 0, 1])),
        (W, torch.tensor([5]), torch.tensor([13])),
        (W, *_examples()),
    ]


def _backwards() -> list[tuple[Tensor, Tensor, int]]:
    generator = _generator()
    xs, _ = _examples()
    return [
        (torch.tensor([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0], [3.0, 30.0, 300.0]]), torch.tensor([2, 0, 2]), 3),
        (torch.randn(1, 27, generator=generator), torch.tensor([26]), 27),
        (torch.randn(len(xs), 27, generator=generator), xs, 27),
    ]


@cache
def _large() -> tuple[Tensor, Tensor, Tensor]:
    generator = _generator()
    W = torch.randn(N_ROWS, 3, generator=generator)
    xs = torch.randint(N_ROWS, (N_EXAMPLES,), generator=generator)
    return W, xs, torch.randint(3, (N_EXAMPLES,), generator=generator)


PARTS = [
    Part(
        name="logits",
        ask=lambda answer, W, xs: answer.logits(W, xs),
        cases=lambda: [(W, xs) for W, xs, _ in _tables()],
    ),
    Part(
        name="backward",
        ask=lambda answer, dlogits, xs, n_rows: answer.backward(dlogits, xs, n_rows),
        cases=_backwards,
    ),
    Part(name="gradient", ask=lambda answer, W, xs, ys: answer.gradient(W, xs, ys), cases=_tables),
    Part(
        name="logits of 100,000 rows",
        shown="logits({}, {})",
        ask=lambda answer, W, xs: answer.logits(W, xs),
        cases=lambda: [_large()[:2]],
    ),
    Part(
        name="gradient of 100,000 rows",
        shown="gradient({}, {}, {})",
        ask=lambda answer, W, xs, ys: answer.gradient(W, xs, ys),
        cases=lambda: [_large()],
    ),
]

Backward = Callable[[Tensor, Tensor, int], Tensor]


def _gradient(
    *,
    way_back: Backward = backward,
    softmax: Callable[[Tensor], Tensor] = lambda logits: F.softmax(logits, dim=1),
    came: Callable[[Tensor, int], Tensor] = lambda ys, n: F.one_hot(ys, n).float(),
    over: Callable[[Tensor], float] = len,
    sign: int = 1,
    exchanged: bool = False,
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """(softmax - what came) / N, on the way back to W; the options are the places to go wrong."""

    def gradient(W: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
        if exchanged:
            xs, ys = ys, xs
        probs = softmax(W[xs])
        return way_back(sign * (probs - came(ys, W.shape[1])) / over(probs), xs, len(W))

    return gradient


def _all_over(way_back: Backward) -> dict[str, object]:
    """Who goes back in a wrong way has a wrong gradient too."""
    return {"backward": way_back, "gradient": _gradient(way_back=way_back)}


def _last_use(dlogits: Tensor, xs: Tensor, n_rows: int) -> Tensor:
    dW = np.zeros((n_rows, dlogits.shape[1]), dtype=np.float32)
    dW[xs.numpy()] = dlogits.numpy()  # NumPy writes in order; torch on two threads would not
    return torch.from_numpy(dW)


def _mean_of_uses(dlogits: Tensor, xs: Tensor, n_rows: int) -> Tensor:
    n_uses = torch.bincount(xs, minlength=n_rows).clamp(min=1)
    return backward(dlogits, xs, n_rows) / n_uses[:, None]


def _turned(dlogits: Tensor, xs: Tensor, n_rows: int) -> Tensor:
    return backward(dlogits, xs, n_rows).T


def _at_all_ys(ys: Tensor, n: int) -> Tensor:
    """What `dlogits[:, ys] -= 1` subtracts: 1 in each row, at every character that came after any."""
    return (torch.bincount(ys, minlength=n) > 0).float().expand(len(ys), n)


def _one_hot(xs: Tensor, n_rows: int) -> Tensor:
    if len(xs) * n_rows > TOO_MANY:
        raise _out_of_memory(8 * len(xs) * n_rows)
    return F.one_hot(xs, n_rows).float()


def _out_of_memory(n_bytes: int) -> Exception:
    """PyTorch's own error for so many bytes, without asking for them: a learner's must have the same words."""
    impossible = 2**60
    try:
        torch.empty(impossible, dtype=torch.uint8)
    except RuntimeError as error:
        return RuntimeError(str(error).replace(str(impossible), str(n_bytes)))
    raise AssertionError(impossible)


MISTAKES: list[Mistake] = [
    Mistake(
        name="one-hot after all",
        says="The numbers are right, but the one-hot rows are still there: with 100,000 rows in W and 10,000 "
        "examples they hold a billion numbers, nearly all 0, and do not fit into memory. Use an index instead: "
        "W[xs].",
        instead={
            "logits": lambda W, xs: _one_hot(xs, len(W)) @ W,
            "backward": lambda dlogits, xs, n_rows: _one_hot(xs, n_rows).T @ dlogits,
            "gradient": _gradient(way_back=lambda dlogits, xs, n_rows: _one_hot(xs, n_rows).T @ dlogits),
        },
    ),
    Mistake(
        name="columns instead of rows",
        says="Those are columns of W. The logits after character x are row x, so the index comes first: W[xs].",
        instead={"logits": lambda W, xs: W[:, xs].T},
    ),
    Mistake(
        name="columns, lying on their side",
        says="W[:, xs] takes columns of W, and puts the N examples along the second axis. The logits after x are "
        "row x, one row for each example: W[xs].",
        instead={"logits": lambda W, xs: W[:, xs]},
    ),
    Mistake(
        name="probabilities instead of logits",
        says="The logits are the rows of W as they are; the softmax comes after them.",
        instead={"logits": lambda W, xs: F.softmax(logits(W, xs), dim=1)},
    ),
    Mistake(
        name="counts instead of logits",
        says="That is exp of the rows, what the lecture calls counts. The logits are the rows of W as they are.",
        instead={"logits": lambda W, xs: logits(W, xs).exp()},
    ),
    Mistake(
        name="the last use wins",
        says="Where a row was used more than once, only its last use counted. Uses add up. `dW[xs] = dlogits` and "
        "`dW[xs] += dlogits` both write each row once; use dW.index_add_(0, xs, dlogits), np.add.at, or a loop.",
        instead=_all_over(_last_use),
    ),
    Mistake(
        name="the mean of the uses",
        says="A row that was used several times got the mean of what comes back; it must get the sum. (The loss is a "
        "mean over examples, but that 1/N is in dlogits already.)",
        instead=_all_over(_mean_of_uses),
    ),
    Mistake(
        name="dW on its side",
        says="That is dW with rows and columns exchanged. Add the rows of dlogits to rows of dW: its shape is that "
        "of W, (n_rows, V).",
        instead=_all_over(_turned),
    ),
    Mistake(
        name="division by N forgotten",
        says="That is the gradient of the sum of the losses. The loss is their mean: divide by N.",
        instead={"gradient": _gradient(over=lambda _: 1)},
    ),
    Mistake(
        name="divided by N and by V",
        says="You divided by the number of all entries, N * V (a `.mean()` over a one-hot times the log "
        "probabilities does that). The mean goes over the N examples.",
        instead={"gradient": _gradient(over=lambda probs: probs.numel())},
    ),
    Mistake(
        name="minus 1 forgotten",
        says="Those are the probabilities alone, added up by rows. Subtract 1 at the character that came: its "
        "logit should grow.",
        instead={"gradient": _gradient(came=lambda ys, n: torch.zeros(len(ys), n))},
    ),
    Mistake(
        name="minus 1 at all of ys in every row",
        says="`dlogits[:, ys] -= 1` subtracts in every row at every one of ys. Example i has its own ys[i]: "
        "dlogits[range(N), ys] -= 1.",
        instead={"gradient": _gradient(came=_at_all_ys)},
    ),
    Mistake(
        name="uphill",
        says="The sign is reversed: that gradient raises the loss. At the logits it is probabilities minus 1 at "
        "the right place, so that going down makes the right character more likely.",
        instead={"gradient": _gradient(sign=-1)},
    ),
    Mistake(
        name="softmax over the batch",
        says="The softmax went over dim 0, the examples. The V characters of one example compete: dim 1.",
        instead={"gradient": _gradient(softmax=lambda logits: F.softmax(logits, dim=0))},
    ),
    Mistake(
        name="xs and ys exchanged",
        says="Rows of W were picked by ys. A row belongs to the character that we look at, so xs picks the rows, and "
        "ys says which entry of each gets the minus 1.",
        instead={"gradient": _gradient(exchanged=True)},
    ),
    Mistake(
        name="stopped at the logits",
        says="That is the gradient at the logits, a row for each example. Send it through `backward` to get one row "
        "for each row of W.",
        instead={"gradient": _gradient(way_back=lambda dlogits, _xs, _n_rows: dlogits)},
    ),
]
