"""7.4: each feature alone and all together, over seeds, at equal steps and at equal time: which help, which do not?

Letters: K seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median

import plotly.graph_objects as go

from zth.workbook.l03_mlp.trainings import COLOURS, run_all, standard_error, with_error
from zth.workbook.l07_gpt.e04_one_more_feature.ablation import (
    ALL,
    BASE,
    FEATURES,
    GATED,
    RATES_TRIED,
    SQUARED,
    Place,
    Variant,
    all_but_one,
    alone,
    dev_loss,
    step_seconds,
    variant_of,
)
from zth.workbook.measure import Lab

SHAKESPEARE = Place(corpus="shakespeare", vocab_size=65, block_size=64, batch_size=16, steps=600)
NAMES = Place(corpus="names", vocab_size=27, block_size=16, batch_size=32, steps=600)
QUICK = replace(NAMES, steps=50, dev_rows=400)
QUICK_FEATURES = ("rotary positions", SQUARED, "Muon")
N_SEEDS = 3
RATE_SEED = 1000
"""Added to the seed where rates are chosen, so that those trainings are not the ones that are reported."""
STEPS, TIME = "equal steps", "equal time"
HELPS, UNCLEAR, HURTS = "helps", "no clear difference", "hurts"

Losses = Mapping[str, Sequence[float]]
"""A variant's name -> K dev losses, one a seed."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How a variant's losses differ from another's, seed by seed."""

    difference: float
    error: float
    """Its standard error, of K differences."""
    typical: float
    """The median of the standard errors in this comparison."""

    @property
    def needed(self) -> float:
        """For a verdict: two standard errors, of which the typical one is the least that counts.

        Of three seeds' differences without any cause, 18 % lie beyond two standard errors of their own, for those are
        often small by luck; by this rule it is 7 % (normal noise, twelve variants).
        """
        return 2 * max(self.error, self.typical)

    @property
    def verdict(self) -> str:
        """In a word.

        >>> Compared(difference=-0.05, error=0.001, typical=0.03).verdict
        'no clear difference'
        """
        if abs(self.difference) <= self.needed:
            return UNCLEAR
        return HELPS if self.difference < 0 else HURTS

    def __str__(self) -> str:
        return f"{self.difference:+.4f} ± {self.error:.4f}"


def compared(losses: Losses, to: str) -> dict[str, Compared]:
    """Every variant but `to` -> what it has above `to`.

    >>> found = compared({"a": [2.0, 3.0], "b": [1.0, 2.0], "c": [1.9, 3.1]}, to="a")
    >>> {name: (round(each.difference, 3), each.verdict) for name, each in found.items()}
    {'b': (-1.0, 'helps'), 'c': (0.0, 'no clear difference')}
    """
    apart = {
        name: [loss - other for loss, other in zip(values, losses[to], strict=True)]
        for name, values in losses.items()
        if name != to
    }
    errors = {name: standard_error(values) for name, values in apart.items()}
    typical = median(errors.values())  # not the mean: one variant that is a gamble would raise it for all
    return {
        name: Compared(difference=mean(values), error=errors[name], typical=typical) for name, values in apart.items()
    }


def measure(lab: Lab) -> None:
    for place in [QUICK] if lab.quick else [SHAKESPEARE, NAMES]:
        lab.corpus(place.corpus)
    _open(lab)
    if lab.quick:
        losses = _train(lab, QUICK, [(variant, QUICK.steps) for variant in alone(QUICK_FEATURES)], n_seeds=2)
        found = {("names", STEPS): compared(losses, BASE)}
        _tell_alone(lab, QUICK, losses, found["names", STEPS], {}, {}, {})
        _draw_alone(lab, "names", {STEPS: found["names", STEPS]})
    else:
        found = {}
        for place in (SHAKESPEARE, NAMES):
            found |= _measure_place(lab, place)
    lab.run.text(_answer(found, quick=lab.quick))


def _open(lab: Lab) -> None:
    lab.run.text(
        "Each paper says that its feature helps. **Which of them do, here?** The base is the lecture's architecture "
        "in a small size (2 layers, 4 heads, width 64, no dropout; matrices begin as N(0, 0.02²)), trained by AdamW. "
        "All are trained alike: a twentieth of the steps as warm-up, then a steady rate that falls in a line "
        "to 0 over the last 60 %, gradients clipped at 1. All see the same batches, so differences are taken seed by "
        "seed. A verdict needs more than two standard errors; where so few seeds agree by luck, the error that is "
        "typical of the table, its median, counts instead of a variant's own."
    )
    if lab.quick:
        lab.run.text(
            "This is the quick preset: some features, few steps on the names, two seeds, no race against time."
        )


def _measure_place(lab: Lab, place: Place) -> dict[tuple[str, str], dict[str, Compared]]:
    """One text in full -> the features alone against the base, by text and budget."""
    name = place.corpus
    place = replace(place, rates=_choose_rates(lab, place))
    single, without = alone(), all_but_one()
    taken = step_seconds(place, single, seed=lab.seed)
    budget = place.steps * taken[BASE]
    steps = {variant.name: max(1, round(budget / taken[variant.name])) for variant in single}
    at_steps = _train(lab, place, [(variant, place.steps) for variant in single])
    # the base has the same steps either way
    others = _train(lab, place, [(variant, steps[variant.name]) for variant in single if variant.name != BASE])
    at_time = {BASE: at_steps[BASE], **others}
    less = {ALL: at_steps[ALL], **_train(lab, place, [(variant, place.steps) for variant in without])}
    found = {STEPS: compared(at_steps, BASE), TIME: compared(at_time, BASE)}
    lab.run.text(
        f"**{name}.** {place.steps:,} steps of {place.batch_size} {'blocks' if name != 'names' else 'names'}. Equal "
        f"time is the base's: {budget:.1f} s of one core, at {1e3 * taken[BASE]:.1f} ms a step. All variants took "
        "turns while their steps were timed, and each then gets as many steps as fit."
    )
    _tell_alone(lab, place, at_steps, found[STEPS], at_time, found[TIME], steps)
    _draw_alone(lab, name, found)
    _tell_less(lab, name, less)
    return {(name, kind): each for kind, each in found.items()}


def _choose_rates(lab: Lab, place: Place) -> dict[str, float]:
    """Each optimizer's rate is the one with which the base is best, on a seed of its own."""
    tried = [
        (variant_of(*names), rate) for names in ((), ("Muon",)) for rate in RATES_TRIED[variant_of(*names).optimizer]
    ]
    seed = lab.seed + RATE_SEED
    jobs = [(replace(place, rates={variant.optimizer: rate}), variant, place.steps, seed) for variant, rate in tried]
    losses = lab.parallel(dev_loss, jobs, f"{place.corpus}: the rates")
    best: dict[str, tuple[float, float]] = {}
    for (variant, rate), loss in zip(tried, losses, strict=True):
        best[variant.optimizer] = min(best.get(variant.optimizer, (loss, rate)), (loss, rate))
    lab.run.table(
        f"{place.corpus}: the base's dev loss by the rate, seed {seed}; the lowest one's rate is kept for all",
        ["optimizer", "rate", "dev"],
        [[variant.optimizer, rate, f"{loss:.4f}"] for (variant, rate), loss in zip(tried, losses, strict=True)],
    )
    return {optimizer: rate for optimizer, (_, rate) in best.items()}


def _train(
    lab: Lab, place: Place, wanted: Sequence[tuple[Variant, int]], n_seeds: int = N_SEEDS
) -> dict[str, list[float]]:
    """Each variant for so many steps, with each seed -> its losses."""
    seeds = range(lab.seed, lab.seed + n_seeds)
    jobs = [(place, variant, steps, seed) for variant, steps in wanted for seed in seeds]
    losses = run_all(lab, dev_loss, jobs, f"{place.corpus}: {len(wanted)} variants, {n_seeds} seeds")
    return {variant.name: losses[i * n_seeds : (i + 1) * n_seeds] for i, (variant, _) in enumerate(wanted)}


def _tell_alone(
    lab: Lab,
    place: Place,
    at_steps: Losses,
    by_steps: Mapping[str, Compared],
    at_time: Losses,
    by_time: Mapping[str, Compared],
    steps: Mapping[str, int],
) -> None:
    """The table of the features alone, and the figures; without what was not measured."""
    columns = ["", "dev", "minus the base's", "verdict"]
    if by_time:
        columns += ["steps in equal time", "dev", "minus the base's", "verdict"]
    rows = []
    for name, losses in at_steps.items():
        rows.append([name, with_error(losses), *_told(by_steps.get(name))])
        if by_time:
            rows[-1] += [f"{steps[name]:,}", with_error(at_time[name]), *_told(by_time.get(name))]
    n = len(at_steps[BASE])
    lab.run.table(
        f"{place.corpus}: dev loss after {place.steps:,} steps{' and in equal time' * bool(by_time)}; mean ± "
        f"standard error of {n} seeds",
        columns,
        rows,
    )
    for kind, of_all, found in ((STEPS, at_steps, by_steps), (TIME, at_time, by_time)):
        if not found:
            continue
        for name in (BASE, ALL):
            lab.run.figure(f"{place.corpus}, {kind}: dev, {name}", mean(of_all[name]), unit="nats")
        best = min((name for name in found if name != ALL), key=lambda name: found[name].difference)
        lab.run.figure(f"{place.corpus}, {kind}: the best alone, {best}", found[best].difference, unit="nats")


def _told(each: Compared | None) -> list[str]:
    return [str(each), each.verdict] if each else ["", ""]


def _tell_less(lab: Lab, name: str, losses: Losses) -> None:
    """All together less one: what a feature still brings when the others are there."""
    found = compared(losses, ALL)
    rows = [[ALL, with_error(losses[ALL]), "", ""]]
    for feature, each in found.items():
        verdict = {HELPS: HURTS, HURTS: HELPS}.get(each.verdict, UNCLEAR)  # worse without it: it helps
        if feature == GATED:
            rows.append([f"{GATED} for {SQUARED}", with_error(losses[feature]), str(each), each.verdict])
        else:
            rows.append([f"without {feature}", with_error(losses[feature]), str(each), verdict])
    lab.run.table(
        f"{name}: all together less one, equal steps; the verdict is on the feature",
        ["", "dev", "minus that of all", "verdict"],
        rows,
    )
    figure = _dots({"": found}, [feature for feature in FEATURES if feature in found])
    figure.update_xaxes(title="dev loss without it, minus that of all together (nats)")
    caption = (
        f"Right of the line: it was missed; a bar that crosses it is no clear difference. {GATED} took the place of "
        f"the {SQUARED}."
    )
    lab.run.plot(f"{name}: all but one", figure, caption)


def _draw_alone(lab: Lab, name: str, found: Mapping[str, Mapping[str, Compared]]) -> None:
    figure = _dots(found, list(next(iter(found.values()))))
    figure.update_xaxes(title="dev loss minus the base's (nats)")
    lab.run.plot(
        f"{name}: each feature alone, and all together",
        figure,
        "Left of the line is better; a bar that crosses it is no clear difference.",
    )


def _dots(found: Mapping[str, Mapping[str, Compared]], names: Sequence[str]) -> go.Figure:
    """A row for each variant, a colour for each budget."""
    figure = go.Figure()
    apart = 0.24 if len(found) > 1 else 0.0
    for number, (kind, each) in enumerate(found.items()):
        figure.add_scatter(
            name=kind,
            x=[each[name].difference for name in names],
            y=[row + apart * (number - 0.5) for row in range(len(names))],
            error_x={"array": [each[name].needed for name in names], "thickness": 1.5},
            mode="markers",
            marker={"color": COLOURS[2 + number], "size": 9},
            customdata=[[name, each[name].verdict] for name in names],
            hovertemplate="%{customdata[0]}: %{x:.4f}, %{customdata[1]}",
            showlegend=len(found) > 1,
        )
    figure.add_vline(x=0, line_dash="dash", line_color="#888888")
    figure.update_layout(height=140 + 32 * len(names))
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=list(names), autorange="reversed", automargin=True)
    return figure


def _answer(found: Mapping[tuple[str, str], Mapping[str, Compared]], *, quick: bool) -> str:
    told = [
        f"On {corpus}, at {kind}, all together: {each[ALL].difference:+.3f} nats. Alone, "
        + "; ".join(f"{verdict}: {_names_of(each, verdict)}" for verdict in (HELPS, HURTS, UNCLEAR))
        + "."
        for (corpus, kind), each in found.items()
    ]
    if quick:
        told.append("With two seeds and so few steps this is a first look only; the full preset has the table.")
        return f"**Answer.** {' '.join(told)}"
    everywhere = [n for n in FEATURES if all(each[n].verdict == HELPS for each in found.values())]
    never = [n for n in FEATURES if all(each[n].verdict != HELPS for each in found.values())]
    n_verdicts = sum(len(each) for each in found.values())
    return (
        f"**Answer.** What helps alone on both texts, at equal steps and in equal time: {_listed(everywhere)}. What "
        f"helps nowhere: {_listed(never)}. {' '.join(told)} What this does not say: the net is small and trained "
        "briefly, so what learns fast wins; what shows after hours, or in nets a thousand times as large, cannot "
        "appear. No rate was tuned for a feature, only for each optimizer. Grouped queries and a sliding window are "
        "there to save memory in generation and time on long texts: not to be worse is all that they promise. And "
        f"with three seeds about 7 of 100 differences without any cause would get a verdict: of {n_verdicts}, a few."
    )


def _names_of(found: Mapping[str, Compared], verdict: str) -> str:
    return _listed([name for name, each in found.items() if each.verdict == verdict and name != ALL])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
