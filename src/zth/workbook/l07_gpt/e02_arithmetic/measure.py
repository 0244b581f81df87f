"""7.2: how soon does a small GPT calculate what it has never seen, and what do reversal and the mask each bring?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import plotly.graph_objects as go

from zth.data.arithmetic import OPERATORS, ArithmeticConfig
from zth.workbook.l03_mlp.trainings import with_error
from zth.workbook.l07_gpt.e02_arithmetic.training import Learned, Setting, learn
from zth.workbook.measure import Lab

GOAL, MINUTES, MOST = 99.0, 3, 1_000_000
"""Percent exact on unseen sums of three digits, in so many minutes, by at most so many parameters."""
COLOURS = ("#e0812f", "#2aa18f", "#6574dc", "#c2549d")
Way = tuple[bool, bool]
"""(reversed?, masked?)"""
WAYS: tuple[Way, ...] = ((True, True), (True, False), (False, True), (False, False))
STEPS = {1: 800, 2: 800, 3: 800, 4: 1500}
"""By digits."""


def measure(lab: Lab) -> None:
    digits = 2 if lab.quick else 3
    lab.run.text(
        f"A GPT of two layers reads sums of {digits} digits as lines of text. The sum is **reversed** and the "
        "question is **masked** out of the loss. How many answers are exact, to the last character, on sums that "
        "training never saw in either order, and what do the two tricks bring? Each training runs on one core."
    )
    seeds = [lab.seed] if lab.quick else [lab.seed + n for n in range(3)]
    ways = _tricks(lab, digits, seeds)
    both = ways[True, True]
    _tell_goal(lab, digits, both)
    if lab.quick:
        lab.run.text(f"**Answer.** {_verdict(ways)} Sums of 1 to 4 digits and the calculator: `--preset full`.")
        return
    by_digits = {3: both[0]} | _digits(lab)
    _draw_digits(lab, by_digits)
    lab.run.text(f"**Answer.** {_verdict(ways)} {_told_calculator(_calculator(lab))}")


def sums(digits: int, way: Way = (True, True), *, quick: bool = False) -> Setting:
    """Addition of so many digits."""
    reverse, mask = way
    problems = ArithmeticConfig(digits=digits, reverse=reverse, mask=mask)
    if quick:
        return Setting(
            problems=problems, steps=300, batch_size=32, lr=0.08, n_train=10_000, n_dev=2_000, watch_every=50
        )
    return Setting(problems=problems, steps=STEPS[digits])


def calculator() -> Setting:
    """All four operators on numbers of two digits, by a net of three layers."""
    problems = ArithmeticConfig(digits=2, operators=OPERATORS)
    return Setting(problems=problems, steps=4_000, layers=3, n_train=100_000, watch_every=250)


def _tricks(lab: Lab, digits: int, seeds: Sequence[int]) -> dict[Way, list[Learned]]:
    """All four ways with every seed, at equal steps."""
    asked = [(way, seed) for way in WAYS for seed in seeds]
    found = lab.parallel(learn, [(sums(digits, way, quick=lab.quick), seed) for way, seed in asked], "four ways")
    ways = {way: [run for run, (which, _) in zip(found, asked, strict=True) if which == way] for way in WAYS}
    lab.run.table(
        f"Sums of {digits} digits, after {found[0].steps[-1]:,} steps",
        ["sum", "question", "exact on unseen sums, %", "steps until 99 %", "seconds of training"],
        [
            [
                "reversed" if reverse else "as people write it",
                "masked" if mask else "scored",
                with_error([100 * run.final for run in runs], 2),
                ", ".join(map(_reached, runs)),
                with_error([run.seconds[-1] for run in runs], 1),
            ]
            for (reverse, mask), runs in ways.items()
        ],
    )
    _log(lab, {_name(way): runs for way, runs in ways.items()})
    figure = go.Figure()
    for (way, runs), colour in zip(ways.items(), COLOURS, strict=True):
        _add_curves(figure, _name(way), runs, colour, of_steps=True)
    _show(lab, figure, "What reversal and mask bring", "steps", "A line for each seed; 1,000 unseen sums.")
    return ways


def _reached(run: Learned) -> str:
    step = run.step_of(GOAL / 100)
    return "not reached" if step is None else f"{step:,}"


def _name(way: Way) -> str:
    reverse, mask = way
    return f"{'reversed' if reverse else 'not reversed'}, {'masked' if mask else 'not masked'}"


def _tell_goal(lab: Lab, digits: int, runs: Sequence[Learned]) -> None:
    """Against what was set as a goal; sums of two digits have none."""
    goal = f"the goal: {GOAL:g} % in {MINUTES} minutes with at most {MOST:,} parameters"
    against: dict[str, float | None] = {"exact": GOAL, "seconds": 60.0 * MINUTES, "parameters": MOST}
    if lab.quick:
        against = dict.fromkeys(against)
    many, worst = f" of {len(runs)} seeds" if len(runs) > 1 else "", min(run.final for run in runs)
    lab.run.figure(
        f"{digits} digits: exact on {runs[0].n_dev:,} unseen sums{', the worst' + many if many else ''}",
        100 * worst,
        unit="%",
        reference=against["exact"],
        source=goal if not lab.quick else "",
        better="higher",
    )
    lab.run.figure(
        f"{digits} digits: seconds of training on one core{', the longest' + many if many else ''}",
        max(run.seconds[-1] for run in runs),
        unit="s",
        reference=against["seconds"],
        source=goal if not lab.quick else "",
        better="lower",
    )
    lab.run.figure(
        "parameters",
        runs[0].n_parameters,
        reference=against["parameters"],
        source=goal if not lab.quick else "",
        better="lower",
    )
    seen = sum(run.n_seen for run in runs)
    lab.run.figure("unseen sums that were seen, in either order", seen, reference=0, source="none may be")


def _digits(lab: Lab) -> dict[int, Learned]:
    """Sums of 1, 2 and 4 digits; those of 3 are there."""
    found = lab.parallel(learn, [(sums(digits), lab.seed) for digits in (4, 2, 1)], "digits")
    return dict(zip((4, 2, 1), found, strict=True))


def _draw_digits(lab: Lab, by_digits: dict[int, Learned]) -> None:
    runs = dict(sorted(by_digits.items()))
    lab.run.table(
        "Sums of more and more digits, reversed and masked",
        ["digits", "exact on unseen sums, %", "steps until 99 %", "seconds of training"],
        [
            [
                digits,
                f"{100 * run.final:.2f}",
                _reached(run),
                f"{run.seconds[-1]:.1f}",
            ]
            for digits, run in runs.items()
        ],
    )
    figure = go.Figure()
    for (digits, run), colour in zip(runs.items(), COLOURS, strict=True):
        _add_curves(figure, f"{digits} digit{'s' * (digits > 1)}", [run], colour, of_steps=False)
        lab.run.figure(f"{digits} digit{'s' * (digits > 1)}: exact on unseen sums", 100 * run.final, unit="%")
    _log(lab, {f"{digits} digits": [run] for digits, run in runs.items()})
    caption = "One digit has only 55 different sums: they can be learned by heart, and nothing else has to be."
    _show(lab, figure, "Exact answers over the time of training", "seconds of training on one core", caption)


def _calculator(lab: Lab) -> list[Learned]:
    """+ - * / at once, by two seeds."""
    setting = calculator()
    runs = lab.parallel(learn, [(setting, lab.seed), (setting, lab.seed + 1)], "calculator")
    lab.run.table(
        f"The calculator, two digits: {runs[0].n_parameters:,} parameters, {setting.steps:,} steps, "
        f"{max(run.seconds[-1] for run in runs):.0f} s on one core",
        ["operator", *(f"seed {run.seed}: exact on unseen problems, %" for run in runs)],
        [[operator, *(f"{100 * run.by_operator[operator]:.1f}" for run in runs)] for operator in OPERATORS],
    )
    for operator, exact in _means(runs).items():
        figure = f"calculator, {operator}: exact on unseen problems, mean of {len(runs)} seeds"
        lab.run.figure(figure, exact, unit="%", better="higher")
    lab.run.table(
        "Some answers, the wrong ones first (+ - * from the last digit on)",
        ["question", "written", "right", ""],
        [[asked, written, right, "" if written == right else "wrong"] for asked, written, right in runs[0].written],
    )
    _log(lab, {"calculator": runs})
    return runs


def _means(runs: Sequence[Learned]) -> dict[str, float]:
    """Percent exact, operator by operator."""
    return {operator: 100 * mean(run.by_operator[operator] for run in runs) for operator in runs[0].by_operator}


def _verdict(ways: dict[Way, list[Learned]]) -> str:
    def told(way: Way) -> str:
        runs = ways[way]
        reached = [step for run in runs if (step := run.step_of(GOAL / 100))]
        if not reached:
            return f"{100 * mean(run.final for run in runs):.2f} % (99 % not reached)"
        by = f"by {len(reached)} of {len(runs)} seeds" if len(reached) < len(runs) else ""
        there = " ".join(["99 %", *([by] if by else []), f"after {mean(reached):.0f} steps"])
        return f"{100 * mean(run.final for run in runs):.2f} % ({there})"

    both = ways[True, True]
    rest = "; ".join(f"{_name(way)}, {told(way)}" for way in WAYS[1:])
    return (
        f"Reversed and masked: {told((True, True))} of the unseen sums are answered exactly, after "
        f"{max(run.seconds[-1] for run in both):.0f} seconds of training on one core. At equal steps: {rest}."
    )


def _told_calculator(runs: Sequence[Learned]) -> str:
    told = ", ".join(f"{operator} {exact:.1f} %" for operator, exact in _means(runs).items())
    return (
        f"The calculator on two digits: {told}. A carry is one small step for each digit; a product is a sum of "
        "many, and all must be done between one character and the next."
    )


def _add_curves(figure: go.Figure, name: str, runs: Sequence[Learned], colour: str, *, of_steps: bool) -> None:
    for number, run in enumerate(runs):
        figure.add_scatter(
            name=name,
            legendgroup=name,
            showlegend=number == 0,
            x=run.steps if of_steps else run.seconds,
            y=[100 * exact for exact in run.exact],
            mode="lines",
            line={"color": colour},
        )


def _show(lab: Lab, figure: go.Figure, title: str, x: str, caption: str) -> None:
    figure.add_hline(y=GOAL, line_dash="dot")
    figure.update_layout(height=380)
    figure.update_xaxes(title=x)
    figure.update_yaxes(title="exact on unseen problems, %", range=[0, 102])
    lab.run.plot(title, figure, f"{caption} Dotted: {GOAL:g} %.")


def _log(lab: Lab, named: dict[str, list[Learned]]) -> None:
    for name, runs in named.items():
        for run in runs:
            for step, seconds, exact in zip(run.steps, run.seconds, run.exact, strict=True):
                lab.run.log(name=name, seed=run.seed, step=step, seconds=seconds, exact=exact)
