"""Check of 5.1: 26 lines asked for in one call, each judged by itself; the wrong rules stand in `wrong_rules`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from zth.backprop.atoms import Intermediates, Parameters, forward
from zth.compare import LECTURE_5, as_array
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.seeds import stream
from zth.workbook.check import Mistake, Part, Step
from zth.workbook.l05_backprop.e01_every_intermediate import solution
from zth.workbook.l05_backprop.e01_every_intermediate.wrong_rules import WRONG_RULES

TOLERANCE = replace(LECTURE_5, relative=1e-9)  # relative: behind a wrong line, numbers may be large

Rule = Callable[..., Tensor]
"""One line: its arguments are named as the lecture names tensors and gradients; `dcounts_sum` wants both kinds."""

RULES: dict[str, Rule] = {name: getattr(solution, name) for name in solution.__all__ if name != "backward"}
"""dlogprobs, dprobs, ..., dC in the lecture's order, in which they can be computed."""


@cache
def _examples(block_size: int, n: int) -> tuple[Tensor, Tensor]:
    """n examples of real names: some letters stand twice in a context, most in several."""
    X, Y = windows(names()[:2000], Vocabulary.of_lines(names()), block_size)
    chosen = torch.randint(len(X), (n,), generator=stream(1, "batches"))
    return X[chosen], Y[chosen]


def _net(*, block_size: int, width: int, hidden: int) -> Parameters:
    drawn = Parameters.draw(stream(5, "init"), block_size=block_size, width=width, hidden=hidden)
    return Parameters(*(p.double() for p in drawn))


def never_seen(t: Intermediates) -> Intermediates:
    """The same net with one more character, whose logit is so that its count is always 1, and which never comes.

    `counts_sum` is then larger by 1, and nothing else in the 26 rules changes. But softmax now feels it if all logits
    of a row move together. In the lecture's net it does not, so that the gradient of `logit_maxes` is 0 whatever one
    makes of it, and what one makes of it has no effect.
    """
    counts_sum = t.counts.sum(1, keepdim=True) + 1
    counts_sum_inv = counts_sum**-1
    probs = t.counts * counts_sum_inv
    logprobs = probs.log()
    loss = -logprobs[torch.arange(len(t.yb)), t.yb].mean()
    return replace(t, counts_sum=counts_sum, counts_sum_inv=counts_sum_inv, probs=probs, logprobs=logprobs, loss=loss)


@cache
def nets() -> list[tuple[str, dict[str, Tensor]]]:
    """The lecture's net and batch; one of other sizes, all different, with a character that never comes."""
    first = forward(_net(block_size=3, width=10, hidden=64), *_examples(3, 32))
    second = never_seen(forward(_net(block_size=4, width=6, hidden=17), *_examples(4, 20)))
    return [("the lecture's net", dict(vars(first))), ("the second net", dict(vars(second)))]


def made_by(rule: Rule, given: Mapping[str, Any], t: Mapping[str, Tensor]) -> Tensor:
    """What one rule makes of the gradients that are given and the tensors of the forward pass, by its arguments."""
    arguments = {name: given[name] if name in RULES else t[name] for name in signature(rule).parameters}
    return rule(**{name: _tensor(value) for name, value in arguments.items()})


def _tensor(value: object) -> Tensor:
    """What a learner gave, an array or a list as well."""
    return value if isinstance(value, Tensor) else torch.as_tensor(as_array(value))


def backward_with(wrong: Mapping[str, Rule]) -> Callable[..., dict[str, Tensor | None]]:
    """All 26 in order, some by other rules. Where one can make nothing of what came before, the rest is None."""

    def backward(**t: Tensor) -> dict[str, Tensor | None]:
        made: dict[str, Any] = {}
        for name, rule in RULES.items():
            try:
                made[name] = made_by(wrong.get(name, rule), made, t)
            except (RuntimeError, IndexError):  # shapes that do not fit
                break
        return {name[1:]: made.get(name) for name in RULES}

    return backward


def _asked(answer: Any, _net: str, t: Mapping[str, Tensor]) -> Any:
    return answer.backward(**t)


def _rule(name: str, solution: Any, given: Mapping[str, Any], _net: str, t: Mapping[str, Tensor]) -> Tensor:
    return made_by(getattr(solution, name), given, t)


def _picked(name: str, found: Mapping[str, Any]) -> Any:
    return found.get(name[1:])


def _part(name: str) -> Part:
    return Part(
        name=name,
        shown=f'backward(...)["{name[1:]}"] of {{}}',
        ask=_asked,
        cases=nets,
        tolerance=TOLERANCE,
        pick=partial(_picked, name),
        step=Step(
            variable=name,
            after=tuple(argument for argument in signature(RULES[name]).parameters if argument in RULES),
            rule=partial(_rule, name),
        ),
    )


PARTS = [_part(name) for name in RULES]
MISTAKES = [
    Mistake(name=f"{wrong.of}: {wrong.name}", says=wrong.says, instead={**rules, "backward": backward_with(rules)})
    for wrong in WRONG_RULES
    for rules in [{wrong.of: wrong.rule}]
]
