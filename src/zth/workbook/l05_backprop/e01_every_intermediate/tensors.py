"""5.1 asked of tensors that a notebook has: one forward pass, and those of its gradients that are written.

The lecture writes the lines one by one into a notebook, beside the forward pass of a batch of its own. The same rules
judge them there. What is missing is the second net, so that `logit_maxes` says nothing here; `backward` is asked
about both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from zth.backprop.atoms import Intermediates
from zth.compare import LECTURE_5, as_array
from zth.errors import ExerciseError
from zth.texts import say
from zth.workbook.check import Part
from zth.workbook.l05_backprop.e01_every_intermediate.check import PARTS, TOLERANCE
from zth.workbook.l05_backprop.e01_every_intermediate.solution import backward

FORWARD = tuple(field.name for field in fields(Intermediates))
# In float32, sums over 32 rows in another order lose one to two of seven digits; what is 0 but for rounding stays
# under the 5e-9 that the lecture prints.
SINGLE = replace(LECTURE_5, relative=1e-5)


def asked_of(tensors: Mapping[str, Any]) -> tuple[dict[str, object], list[Part]]:
    """A forward pass and its gradients by name -> the names of an answer that gives these, and the parts to ask it.

    A gradient that is not there is one that is not written yet. Raises ExerciseError where the forward pass has gaps
    or does not fit together.
    """
    forward = _forward(tensors)
    double = all(each.dtype != torch.float32 for each in forward.values())
    cases = [("your net", forward)]
    parts = [replace(part, shown=part.name, cases=cases, tolerance=TOLERANCE if double else SINGLE) for part in PARTS]
    gradients = {part.name[1:]: tensors.get(part.name) for part in PARTS}
    return {"backward": lambda **_: gradients}, parts


def _forward(tensors: Mapping[str, Any]) -> dict[str, Tensor]:
    if lacking := [name for name in FORWARD if name not in tensors]:
        raise ExerciseError(
            say("Gradients belong to a forward pass, and {names} of it cannot be found.", names=", ".join(lacking)),
            say(
                "Run the cell of the forward pass; its tensors must have the names that 5.1's `backward` gives them."
            ),
        )
    try:
        found = {name: _tensor(tensors[name]) for name in FORWARD}
        backward(**found)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        raise ExerciseError(
            say("The tensors of the forward pass do not fit together: {why}.", why=error),
            say("Run its cell again, then the gradients'."),
        ) from error
    return found


def _tensor(value: Any) -> Tensor:
    return value.detach() if isinstance(value, Tensor) else torch.as_tensor(as_array(value))
