"""Check of 2.5: log probabilities and the loss, for ordinary logits, for some near 100, and for some near 10,000."""

import math
from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from zth.compare import FLOAT32, Tolerance
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models.ngram import Counts
from zth.workbook.check import Mistake, Part

# Near 10,000 the float32 numbers lie 0.001 apart. Who subtracts a log-sum-exp of that size from a logit of that size
# is right, and off by half of it.
LARGE = Tolerance(relative=1e-5, absolute=2e-3)
Case = tuple[Tensor, Tensor]


@cache
def _ordinary() -> list[Case]:
    """1.2's four logits; a random batch; one row for each bigram of some names."""
    generator = torch.Generator().manual_seed(25)
    contexts, ys = windows(names()[700:720], Vocabulary.of_lines(names()), 1)
    W = (Counts.of(*windows(names()[:3000], Vocabulary.of_lines(names()), 1), 27).table() + 1).float().log()
    return [
        (torch.tensor([[0.0, 3.0, -2.0, 1.0]]), torch.tensor([3])),
        (2 * torch.randn(6, 27, generator=generator), torch.randint(27, (6,), generator=generator)),
        (W[contexts[:, 0]], ys),
    ]


@cache
def _near(size: float) -> list[Case]:
    """Each case goes wrong in its own way: a row far above 0, one far below, a single large logit, all together."""
    high = torch.tensor([[size, size - 1.0, size - 3.0, size + 2.0]])
    low = torch.tensor([[-size, -size - 2.0, -size + 1.0, -size]])
    single = torch.tensor([[0.0, 1.2 * size, 1.0, -2.0]])
    together = torch.cat([high, low, single])
    return [
        (high, torch.tensor([2])),
        (low, torch.tensor([1])),
        (single, torch.tensor([1])),
        (single, torch.tensor([2])),  # a character of probability exp(-1.2 * size), but it came
        (together, torch.tensor([0, 3, 1])),
    ]


def _parts(name: str, cases: Callable[[], list[Case]], tolerance: Tolerance) -> list[Part]:
    """Both functions, on the same logits."""
    where = f" {name}" if name else ""
    return [
        Part(
            name=f"log_softmax{where}",
            shown="log_softmax({})",
            ask=lambda answer, logits: answer.log_softmax(logits),
            cases=lambda: [(logits,) for logits, _ in cases()],
            tolerance=tolerance,
        ),
        Part(
            name=f"cross_entropy{where}",
            shown="cross_entropy({}, {})",
            ask=lambda answer, logits, ys: answer.cross_entropy(logits, ys),
            cases=cases,
            tolerance=tolerance,
        ),
    ]


PARTS = [
    *_parts("", _ordinary, FLOAT32),
    *_parts("of logits near 100", lambda: _near(120.0), LARGE),
    *_parts("of logits near 10,000", lambda: _near(10_000.0), LARGE),
]

LogSoftmax = Callable[[Tensor], Tensor]
CrossEntropy = Callable[[Tensor, Tensor], Tensor]
SHIFTS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda logits: torch.zeros(len(logits), 1),
    "mean": lambda logits: logits.mean(1, keepdim=True),
    "batch": lambda logits: logits.max().expand(len(logits), 1),
    "row": lambda logits: logits.max(1, keepdim=True).values,
}


def _by_probabilities(shift: str) -> LogSoftmax:
    """The lecture's way: exp, divide, log."""

    def log_softmax(logits: Tensor) -> Tensor:
        exps = (logits - SHIFTS[shift](logits)).exp()
        return (exps / exps.sum(1, keepdim=True)).log()

    return log_softmax


def _by_log_sum(shift: str) -> LogSoftmax:
    """The other way: the logits less the log of the sum of their exps. Shifted by rows it is right."""

    def log_softmax(logits: Tensor) -> Tensor:
        shifted = logits - SHIFTS[shift](logits)
        return shifted - shifted.exp().sum(1, keepdim=True).log()

    return log_softmax


def _cross_entropy(log_softmax: LogSoftmax) -> CrossEntropy:
    return lambda logits, ys: -log_softmax(logits)[torch.arange(len(ys)), ys].mean()


def _both(log_softmax: LogSoftmax) -> dict[str, object]:
    """Who goes wrong in the log probabilities has a wrong loss too."""
    return {"log_softmax": log_softmax, "cross_entropy": _cross_entropy(log_softmax)}


Row = list[float]


def _logs_of_probabilities(shifted: Row) -> Row:
    exps = [math.exp(z) for z in shifted]
    return [math.log(e / sum(exps)) for e in exps]


def _less_the_log_sum(shifted: Row) -> Row:
    log_sum = math.log(sum(math.exp(z) for z in shifted))
    return [z - log_sum for z in shifted]


def _in_lists(logs: Callable[[Row], Row], shift: Callable[[Row, list[Row]], float]) -> dict[str, object]:
    """Plain Python, where an exp too large and a log of 0 are errors; `shift` is of a row, among all rows."""

    def log_softmax(logits: Tensor) -> Tensor:
        rows = logits.tolist()
        return torch.tensor([logs([z - shift(row, rows) for z in row]) for row in rows])

    return _both(log_softmax)


def _shifted_on_one_side(logits: Tensor) -> Tensor:
    return logits - (logits - SHIFTS["row"](logits)).exp().sum(1, keepdim=True).log()


def _with_a_little_more(little: float) -> LogSoftmax:
    return lambda logits: (logits.softmax(1) + little).log()


MISTAKES = [
    Mistake(
        name="exp of the logits as they are",
        says="exp of a large logit is inf, and inf / inf is not a number; in a row of very low logits every exp is "
        "0, and 0 / 0 is not a number either. Subtract each row's largest logit first.",
        instead=_both(_by_probabilities("none")),
    ),
    Mistake(
        name="log of a sum of exps as they are",
        says="You avoid the division, but not the exp: of a large logit it is inf, and of a row of very low ones the "
        "sum is 0. Subtract each row's largest logit first.",
        instead=_both(_by_log_sum("none")),
    ),
    Mistake(
        name="exp of the logits as they are, in plain Python",
        says="math.exp raises OverflowError from 710 on. Subtract each row's largest logit first, and every exp lies "
        "between 0 and 1.",
        instead=_in_lists(_logs_of_probabilities, lambda _row, _rows: 0.0),
    ),
    *[
        Mistake(
            name=f"the mean subtracted ({form})",
            says="You subtract the mean of the row, and the largest logit can still be far above it: exp overflows. "
            "Subtract the largest.",
            instead=_both(way("mean")),
        )
        for form, way in (("probabilities", _by_probabilities), ("log of the sum", _by_log_sum))
    ],
    *[
        Mistake(
            name=f"the largest logit of the batch ({form})",
            says="You subtract one number from all rows, the largest of the batch. In a row far below it every exp "
            "becomes 0. Each row needs its own: logits.max(1, keepdim=True).",
            instead=_both(way("batch")),
        )
        for form, way in (("probabilities", _by_probabilities), ("log of the sum", _by_log_sum))
    ],
    Mistake(
        name="the largest logit of the batch, in plain Python",
        says="You subtract one number from all rows, the largest of the batch. In a row far below it every exp "
        "becomes 0, and math.log(0) is an error. Each row needs its own largest.",
        instead=_in_lists(_less_the_log_sum, lambda _row, rows: max(map(max, rows))),
    ),
    Mistake(
        name="log of a probability that became 0",
        says="The shift is right, and the softmax with it. But a probability of exp(-144) is 0 in float32, and "
        "log(0) is -inf. Don't make the probability: log(e / sum) is log(e) - log(sum), and log(e) is the shifted "
        "logit.",
        instead=_both(_by_probabilities("row")),
    ),
    Mistake(
        name="log of a probability that became 0, in plain Python",
        says="The shift is right, but a probability of exp(-12000) is 0, and math.log(0) an error. Don't make the "
        "probability: log(e / sum) is log(e) - log(sum), and log(e) is the shifted logit.",
        instead=_in_lists(_logs_of_probabilities, lambda row, _rows: max(row)),
    ),
    *[
        Mistake(
            name=f"{little} inside the log",
            says=f"With {little} inside the log, no loss can be above {-math.log(float(little)):.1f}, however wrong "
            "the model is, and there the gradient is 0. Take the log on paper: log(e / sum) = log(e) - log(sum).",
            instead=_both(_with_a_little_more(float(little))),
        )
        for little in ("1e-12", "1e-10", "1e-9", "1e-8", "1e-7", "1e-6")
    ],
    Mistake(
        name="shifted on one side only",
        says="The largest logit was subtracted inside the exp, but not from the logit in front: every log "
        "probability is too high by it. Shift once, and use the shifted logits in both places.",
        instead=_both(_shifted_on_one_side),
    ),
    Mistake(
        name="softmax over the batch",
        says="The softmax went over dim 0, the examples. The V logits of one row compete with each other: dim 1.",
        instead=_both(lambda logits: logits.log_softmax(0)),
    ),
    Mistake(
        name="probabilities without log",
        says="Those are probabilities; the log is missing. Likelihoods multiply, so their logs are averaged.",
        instead=_both(lambda logits: logits.softmax(1)),
    ),
    Mistake(
        name="softmax twice",
        says="F.cross_entropy takes logits, and makes the softmax itself. You gave it probabilities, so they went "
        "through a softmax again: the loss can hardly move any more. Hand over the logits.",
        instead={"cross_entropy": lambda logits, ys: F.cross_entropy(logits.softmax(1), ys)},
    ),
    Mistake(
        name="minus forgotten",
        says="That is the mean log likelihood, which is below 0. The loss is its negative, so that lower is better.",
        instead={"cross_entropy": lambda logits, ys: -F.cross_entropy(logits, ys)},
    ),
    Mistake(
        name="sum instead of mean",
        says="That is the sum over the examples: twice the batch would be twice the loss. Divide by N.",
        instead={"cross_entropy": lambda logits, ys: F.cross_entropy(logits, ys, reduction="sum")},
    ),
    Mistake(
        name="mean over all logits",
        says="The sum was divided by N * V (`.mean()` over a one-hot times the log probabilities does that). One "
        "number of each row counts, so divide by N.",
        instead={"cross_entropy": lambda logits, ys: F.cross_entropy(logits, ys) / logits.shape[1]},
    ),
    Mistake(
        name="every example with every one of ys",
        says="`logprobs[:, ys]` takes all of ys in every row. Example i has its own ys[i]: logprobs[range(N), ys].",
        instead={"cross_entropy": lambda logits, ys: -logits.log_softmax(1)[:, ys].mean()},
    ),
    Mistake(
        name="the likeliest instead of the one that came",
        says="That is the loss of the characters that the model likes best. What counts is what came: ys.",
        instead={"cross_entropy": lambda logits, _: F.cross_entropy(logits, logits.argmax(1))},
    ),
]
