"""2.6: how near do counts come to nets?

Letters: N examples, T characters of context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from torch import Tensor

from zth.data.split import Split, split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models import KneserNeyModel, NgramModel, evaluate
from zth.models.ngram import sweep
from zth.sample import sample
from zth.workbook.l02_bigrams.costs import one_thread
from zth.workbook.measure import Lab

HIGHEST = 6
KS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 10)
BLUE, ORANGE, GREEN = "#6574dc", "#e0812f", "#2aa18f"


@dataclass(frozen=True, kw_only=True)
class Net:
    """What the course reports of a net."""

    name: str
    block_size: int
    n_parameters: int
    dev: float


NETS = (
    Net(name="lecture 3, MLP", block_size=3, n_parameters=11_897, dev=2.1701),
    Net(name="lecture 6, MLP with BatchNorm", block_size=3, n_parameters=12_000, dev=2.105),
    Net(name="lecture 6, small WaveNet", block_size=8, n_parameters=22_000, dev=2.022),
    Net(name="lecture 6, WaveNet", block_size=8, n_parameters=76_000, dev=1.993),
)


@dataclass(frozen=True)
class Examples:
    """(N, T) contexts and (N,) targets; the last ids of each context serve every lower order as well."""

    contexts: Tensor
    targets: Tensor

    def of_order(self, n: int) -> tuple[Tensor, Tensor]:
        return self.contexts[:, self.contexts.shape[1] + 1 - n :], self.targets


@dataclass(frozen=True, kw_only=True)
class Found:
    """Both ways to smooth the counts of one order, and their losses."""

    order: int
    model: KneserNeyModel
    dev: float
    test: float
    new: float
    """On the dev names that train does not hold."""
    k: float
    """Of add-k, the best on dev."""
    add_k_dev: float
    add_k_test: float

    @property
    def n_counts(self) -> int:
        return sum(len(level.keys) for level in self.model.levels)


def measure(lab: Lab) -> None:
    words = lab.corpus("names").lines()
    vocabulary, split = Vocabulary.of_lines(words), split_lines(words)
    lab.run.text(
        "Contexts that look alike share what a net learns. Counts share nothing, unless one tells them how, and "
        "Kneser and Ney told them well. **How near do counts come to the nets of the course?** All models count the "
        "train names; the k of add-k is the best on dev, for each order."
    )
    with one_thread():
        found = _count_all(lab, split, vocabulary)
        _tell_losses(lab, found)
        _plot_losses(lab, found)
        _tell_samples(lab, found, split, vocabulary)
        _answer(lab, found, split, vocabulary)


def _count_all(lab: Lab, split: Split, vocabulary: Vocabulary) -> list[Found]:
    """Orders 1 to HIGHEST; with the full preset two more, to see whether they help."""
    highest = HIGHEST if lab.quick else HIGHEST + 2
    parts = (split.train, split.dev, split.test, _new_names(split))
    train, dev, test, new = (Examples(*windows(part, vocabulary, highest - 1)) for part in parts)
    found = []
    for n in lab.track(range(1, highest + 1), "orders"):
        model = KneserNeyModel.fit(*train.of_order(n), len(vocabulary))
        add_k = NgramModel.fit(*train.of_order(n), len(vocabulary))
        losses = sweep(add_k, KS, *dev.of_order(n))
        k = min(losses, key=losses.__getitem__)
        each = Found(
            order=n,
            model=model,
            dev=evaluate(model, *dev.of_order(n)),
            test=evaluate(model, *test.of_order(n)),
            new=evaluate(model, *new.of_order(n)),
            k=k,
            add_k_dev=losses[k],
            add_k_test=evaluate(add_k.with_k(k), *test.of_order(n)),
        )
        lab.run.log(order=n, dev=each.dev, test=each.test, new=each.new, k=k, add_k_dev=losses[k])
        found.append(each)
    return found


def _new_names(split: Split) -> list[str]:
    """The dev names that train does not hold: the list has some names twice, as a girl's and as a boy's."""
    known = set(split.train)
    return [word for word in split.dev if word not in known]


def _tell_losses(lab: Lab, found: Sequence[Found]) -> None:
    lab.run.table(
        "Loss in nats per character, by the characters of context",
        ["context", "add-k: best k", "add-k: dev", "add-k: test", "Kneser-Ney: dev", "test", "dev, new names"],
        [[each.order - 1, each.k, each.add_k_dev, each.add_k_test, each.dev, each.test, each.new] for each in found],
    )
    best = found[HIGHEST - 1]
    lab.run.table(
        "The counts among the nets of the course",
        ["model", "context", "numbers kept", "dev"],
        [
            *([net.name, net.block_size, net.n_parameters, net.dev] for net in NETS),
            *(
                [f"Kneser-Ney, order {each.order}", each.order - 1, each.n_counts, each.dev]
                for each in (found[3], best)
            ),
        ],
    )
    tuned = "lecture 2, exercise 2.3"
    for order, k, dev, test in ((2, 0.3, 2.45297, 2.45796), (3, 0.2, 2.22227, 2.22348)):
        each = found[order - 1]
        lab.run.figure(f"add-k, order {order}: best k", each.k, reference=k, source=tuned)
        for name, value, reference in (("dev", each.add_k_dev, dev), ("test", each.add_k_test, test)):
            name = f"add-k, order {order}: {name}"
            lab.run.figure(name, value, unit="nats", reference=reference, source=tuned, tolerance=5e-6)
    for order, reference, source in (
        (2, 2.4533, "lecture 2, bigram with +1"),
        (4, NETS[0].dev, NETS[0].name),
        (HIGHEST, NETS[-1].dev, NETS[-1].name),
    ):
        name = f"Kneser-Ney, order {order}: dev"
        value = found[order - 1].dev
        lab.run.figure(name, value, unit="nats", reference=reference, source=source, better="lower")
    lab.run.figure(f"Kneser-Ney, order {HIGHEST}: test", best.test, unit="nats")
    lab.run.figure(f"Kneser-Ney, order {HIGHEST}: dev, new names", best.new, unit="nats")


def _plot_losses(lab: Lab, found: Sequence[Found]) -> None:
    figure = go.Figure()
    for name, losses, style in (
        ("add-k", [each.add_k_dev for each in found], {"color": ORANGE}),
        ("Kneser-Ney", [each.dev for each in found], {"color": BLUE}),
        ("Kneser-Ney, new names", [each.new for each in found], {"color": BLUE, "dash": "dot"}),
    ):
        lengths = [each.order - 1 for each in found]
        figure.add_scatter(name=name, x=lengths, y=losses, mode="lines+markers", line=style)
    figure.add_scatter(
        name="nets of the course",
        x=[net.block_size for net in NETS],
        y=[net.dev for net in NETS],
        customdata=[net.name for net in NETS],
        hovertemplate="%{customdata}: %{y:.4f} nats<extra></extra>",
        mode="markers",
        marker={"color": GREEN, "size": 11, "symbol": "diamond"},
    )
    figure.update_layout(height=420)
    figure.update_xaxes(title="characters of context", dtick=1)
    figure.update_yaxes(title="loss on dev (nats)")
    lab.run.plot(
        "Loss against the length of the context",
        figure,
        "The same counts, smoothed in two ways. Dotted: only dev names that train does not hold. The nets, as the "
        f"course reports them: {'; '.join(f'{net.name} {net.dev:.3f}' for net in NETS)}.",
    )


def _tell_samples(lab: Lab, found: Sequence[Found], split: Split, vocabulary: Vocabulary) -> None:
    n, shown = (1_000, 8) if lab.quick else (10_000, 8)
    known = set(split.train)
    drawn = {f"order {each.order}": sample(each.model, vocabulary, n=n, seed=lab.seed) for each in found[1:HIGHEST]}
    rows = [list(row) for row in zip(*(names[:shown] for names in drawn.values()), strict=True)]
    shares = {order: 100 * sum(name in known for name in names) / n for order, names in drawn.items()}
    rows.append([f"({share:.0f} % in train)" for share in shares.values()])
    lab.run.table(f"Names drawn from Kneser-Ney; below, how many of {n:,} stand in the train list", list(drawn), rows)
    name = f"order {HIGHEST}: drawn names that train holds"
    lab.run.figure(name, shares[f"order {HIGHEST}"], unit="%")


def _answer(lab: Lab, found: Sequence[Found], split: Split, vocabulary: Vocabulary) -> None:
    at_three, best, mlp, net = found[3], found[HIGHEST - 1], NETS[0], NETS[-1]
    uncertainty = _standard_error(best, Examples(*windows(split.dev, vocabulary, HIGHEST - 1)))
    share = 100 * (1 - len(_new_names(split)) / len(split.dev))
    lab.run.text(
        f"**Answer.** With three characters of context, Kneser-Ney has {at_three.dev:.3f} on dev, the MLP of lecture "
        f"3 {mlp.dev:.3f}, add-k {at_three.add_k_dev:.3f}. With {HIGHEST - 1} it has {best.dev:.3f}, where add-k, "
        f"whose tables are too thin by then, has {best.add_k_dev:.3f}. The best net of the course has {net.dev:.3f}, "
        f"with {net.block_size} characters of context: the counts are {_compared(best.dev, net.dev, uncertainty)}. "
        f"(Other names, as many, would move such a loss by about {uncertainty:.3f}, and the nets were judged on "
        "names of another shuffle.)"
    )
    lab.run.text(
        f"It is not all insight. Of the dev names {share:.0f} % stand in train as well, and a long context knows "
        f"them by heart; on the others the loss of order {HIGHEST} is {best.new:.3f}. (The nets had the same help, "
        f"from the same list.) And it takes {best.n_counts:,} counts, where the net has {net.n_parameters:,} "
        "parameters."
    )


def _compared(ours: float, theirs: float, uncertainty: float) -> str:
    if abs(ours - theirs) <= uncertainty:
        return "as good, as far as this can tell"
    return f"{abs(ours - theirs):.3f} {'better' if ours < theirs else 'worse'}"


def _standard_error(found: Found, dev: Examples) -> float:
    """Of the mean loss, with names as the unit: the characters of one name are easy or hard together."""
    contexts, targets = dev.contexts, dev.targets
    losses = -found.model.log_probs(contexts).gather(1, targets[:, None])[:, 0]
    number = (contexts == 0).all(1).cumsum(0) - 1  # a name begins where the context is all dots
    n_names = int(number[-1]) + 1
    # each name's loss above what its length would cost on average
    excess = losses.new_zeros(n_names).index_add_(0, number, losses - losses.mean())
    return float(excess.std() * n_names**0.5 / len(losses))
