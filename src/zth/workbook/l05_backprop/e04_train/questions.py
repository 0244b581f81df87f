"""What 5.4 asks: one step and the calibration for their numbers, a short training for its loss on new names.

A training of no steps shows whether it is a net that is trained: the function must then give the logits of the net
that came in. Autograd's way back is switched off while an answer works.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any
from weakref import WeakSet

import numpy as np
import torch
from torch import Tensor

from zth.backprop.atoms import Parameters
from zth.backprop.step import calibrate, predict
from zth.compare import as_array
from zth.seeds import stream
from zth.texts import mark, say
from zth.workbook.answer import Answer
from zth.workbook.l05_backprop.e04_train import wrong
from zth.workbook.names import parts

N_STEPS = 1_000
N_EXAMPLES, N_ASKED = 40_000, 5_000
BOUND = 2.55
"""Nats on dev. A constant 0.1 came to 2.44 to 2.46, a constant 0.3 to 2.45 to 2.50, six draws each."""
GUESSING = math.log(27)
LEARNT, COMPANY, PROBABILITIES = "learnt", "logits that depend on the company", mark("probabilities")
AS_GIVEN, TABLE, OTHER = "the net as it came in", "the same for any parameters", mark("another function")
TRAINED = mark("a net that has learnt all the same")
"""What a training of no steps returned."""
NEAR = 1e-4
"""For logits in float32, whose size is some 1 to 10, behind sums of 200 terms and statistics of 40,000 examples."""
NAMES = Parameters._fields
_switched: WeakSet[Answer] = WeakSet()
OFF = "autograd is switched off here: write the backward pass yourself"
# All ways back come through here: backward(), autograd.grad, torch.func.grad; also where a file imported them before.
# no_grad alone would not do: enable_grad undoes it.
SWITCH = f"""
import torch
def off(*_args, **_kwargs):
    raise RuntimeError({OFF!r})
torch.set_grad_enabled(False)
torch.autograd._engine_run_backward = off
"""


def without_autograd(answer: Any) -> None:
    """Where the answer lives, a backward() ends with an error from now on; here, `torch.no_grad` sees to it."""
    if isinstance(answer, Answer) and answer not in _switched:
        answer.ask("get", target=None, name="__builtins__")["exec"](SWITCH, {})
        _switched.add(answer)


@torch.no_grad()
def one_step(answer: Any, parameters: list[Tensor], xb: Tensor, yb: Tensor, lr: float) -> object:
    """The loss, and each parameter after the step, by name."""
    without_autograd(answer)
    try:
        result = answer.train_step(parameters, xb, yb, lr)
    except RuntimeError as error:
        if "does not require grad" in str(error):  # what no_grad does here, told as it is told there
            raise RuntimeError(OFF) from error
        raise
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return result
    loss, after = result
    if not isinstance(after, (tuple, list)) or len(after) != len(NAMES):
        return result
    return {"loss": loss, **dict(zip(NAMES, after, strict=True))}


@torch.no_grad()
def statistics(answer: Any, parameters: list[Tensor], X: Tensor) -> object:
    without_autograd(answer)
    return answer.calibrate(parameters, X)


def trained(answer: Any, parameters: list[Tensor], X: Tensor, Y: Tensor, n_steps: int) -> object:
    """What the trained net is like on dev: see `_described`; for no steps, whether it is the net that came in."""
    if not isinstance(answer, Answer):
        return _ours(answer.train, n_steps)
    without_autograd(answer)
    if n_steps == 0:
        return _untouched(answer.train)
    return _on_dev(answer.train(parameters, X, Y, n_steps))


@cache
def _ours(train: wrong.Train, n_steps: int) -> object:
    """The same for the solution and the mistakes, which are asked again and again."""
    return _on_dev(train(list(_start()), *_examples(), n_steps)) if n_steps else _untouched(train)


@torch.no_grad()
def _untouched(train: Any) -> object:
    """Whether a training of no steps leaves the net that came in; what `_on_dev` finds where there are no logits."""
    contexts, _ = _asked()
    model = train(list(_start()), *_examples(), 0)
    found = _on_dev(model)
    if not isinstance(found, dict) or "loss" not in found:
        return found
    got = as_array(model(contexts))
    if np.allclose(got, _as_given(), rtol=NEAR, atol=NEAR):
        return {**found, "found": AS_GIVEN}
    other = Parameters.draw(stream(6, "init"), hidden=200)
    of_other = as_array(train(list(other), *_examples(), 0)(contexts))
    alike = got.shape == of_other.shape and np.allclose(got, of_other, rtol=NEAR, atol=NEAR)
    other_than_given = TRAINED if found["found"] == LEARNT else OTHER
    return {**found, "found": TABLE if alike else other_than_given}


@torch.no_grad()
def _on_dev(model: Any) -> object:
    """What is found of a function; of anything else only that it is none, whatever it says of itself."""
    if model is None or not callable(model):
        return None if model is None else "no function"
    contexts, targets = _asked()
    together, alone = model(contexts), [model(context[None]) for context in contexts[:3]]
    try:
        return _described(as_array(together), np.concatenate([as_array(row) for row in alone]), as_array(targets))
    except (TypeError, ValueError):  # no numbers, or of shapes that do not fit together
        return "no logits"


def _described(logits: Any, alone: Any, targets: Any) -> dict[str, object]:
    """(N, V) logits, the first again (3, V), (N,) targets -> what was found, in a word, and the loss if it counts."""
    if logits.shape != (len(targets), 27) or alone.shape != (3, 27):
        return {"found": f"shape {logits.shape}"}
    rows = logits.astype(np.float64)
    if not np.allclose(rows[:3], alone, rtol=1e-3, atol=1e-3):
        return {"found": COMPANY}
    if (rows >= 0).all() and np.allclose(rows.sum(1), 1, atol=1e-3):
        return {"found": PROBABILITIES}
    with np.errstate(all="ignore"):  # what is not finite is told as such
        sums = np.exp(rows - rows.max(1, keepdims=True)).sum(1)
        loss = float((np.log(sums) + rows.max(1) - rows[np.arange(len(rows)), targets]).mean())
    return {"found": _level(loss), "loss": loss}


def _level(loss: float) -> str:
    if loss < BOUND:
        return LEARNT
    if abs(loss - _untrained()) < 0.05:
        return mark("as before training")
    if not loss < _untrained():  # or not a number
        return mark("worse than before training")
    return mark("worse than guessing") if loss > GUESSING else mark("better than guessing")


def accept(got: Any, wanted: Any) -> str:  # noqa: ARG001
    """ "" for a net that has learnt, else what is wrong with it."""
    if not isinstance(got, dict):
        return say(
            "`train` must return a function: called with contexts (n, 3), it gives logits (n, 27), as numbers. An "
            "object with __call__ will do, too."
        )
    found = got["found"]
    if found == COMPANY:
        return (
            "A context's logits depend on the other contexts in its batch. Normalise with the mean and variance "
            "that you calibrated on the training examples, not with those of the contexts that are asked."
        )
    if "loss" not in got:
        return say(
            "For {n:,} contexts the function gave {found}; it should give logits, a row of 27 for each.",
            n=N_ASKED,
            found=say(found),
        )
    if found in (LEARNT, AS_GIVEN):
        return ""
    if found == TABLE:
        return say("With n_steps = 0, the function gives the same logits for any `parameters`: use the net's.")
    if found in (OTHER, TRAINED):
        return say(
            "With n_steps = 0, the function must give the logits of the net that came in, with statistics calibrated "
            "on `X`. It is {found}.",
            found=say(found),
        )
    return say(
        "The loss on names that were not given is {loss:.3f}, {found}; it must be below {bound}. Guessing has "
        "{guessing:.3f}, the net before training {untrained:.3f}. Print the loss every 100 steps: does it fall? Does "
        "the function use the trained parameters, and the calibrated statistics?",
        loss=got["loss"],
        found=say(found),
        bound=BOUND,
        guessing=GUESSING,
        untrained=_untrained(),
    )


@cache
def _examples() -> tuple[Tensor, Tensor]:
    """What `train` is given: a part of the training names, so that they travel fast."""
    X, Y = parts(3).train
    return X[:N_EXAMPLES].clone(), Y[:N_EXAMPLES].clone()


@cache
def _asked() -> tuple[Tensor, Tensor]:
    """What the trained function is asked: names of dev, mixed up, since in a row's place the next one tells its Y."""
    X, Y = parts(3).dev
    mixed = torch.randperm(N_ASKED, generator=stream(5, "asked"))
    return X[mixed], Y[mixed]


@cache
def _start() -> Parameters:
    return Parameters.draw(stream(5, "init"), hidden=200)


@cache
def _untrained() -> float:
    """The loss on dev of the net that is given to `train`."""
    return torch.nn.functional.cross_entropy(_as_given(), _asked()[1]).item()


@cache
def _as_given() -> Tensor:
    """(N_ASKED, 27) logits on dev of the net that is given to `train`, calibrated."""
    return predict(_start(), calibrate(_start(), _examples()[0]), _asked()[0])


@cache
def batches() -> list[tuple[list[Tensor], Tensor, Tensor, float]]:
    """32 names; four contexts, mostly of dots; a layer whose variance is near eps."""
    g = stream(5, "batches")
    X, Y = parts(3).train
    rows = torch.randint(len(X), (32,), generator=g)
    small = _start()._replace(W1=0.01 * _start().W1, b1=0.01 * _start().b1)
    few = torch.tensor([0, 1, 2, 8])
    return [
        (list(_start()), X[rows], Y[rows], 1.0),
        (list(_start()), X[few], Y[few], 0.5),
        (list(small), X[rows[:8]], Y[rows[:8]], 0.01),
    ]


@cache
def contexts() -> list[tuple[list[Tensor], Tensor]]:
    """Few, where n and n - 1 are far apart; some hundreds, that 32 does not divide."""
    X, _ = parts(3).train
    return [(list(_start()), X[:5]), (list(_start()), X[1_000:1_500])]


def trainings() -> list[tuple[list[Tensor], Tensor, Tensor, int]]:
    return [(list(_start()), *_examples(), n_steps) for n_steps in (N_STEPS, 0)]
