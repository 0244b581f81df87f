"""What a notebook may have changed in this process, and the judge must neither feel nor disturb.

Two sets of settings live in turns: the learner's code runs under the notebook's, the library's solution under those
of a fresh process. The random numbers are one stream; a check begins it anew, and gives the notebook's back. New
tensors come on the CPU for both, whatever the notebook's default device: the inputs are there, and two devices do not
mix.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

_AUTOGRAD: Any = torch.autograd
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Settings:
    """torch's settings that change what a line of Python makes."""

    dtype: torch.dtype = torch.float32
    gradients: bool = True
    way_back: Callable[..., Any] = _AUTOGRAD._engine_run_backward
    """What every backward() comes through; 5.4 switches it off for the code that it judges."""

    @classmethod
    def now(cls) -> Settings:
        return cls(torch.get_default_dtype(), torch.is_grad_enabled(), _AUTOGRAD._engine_run_backward)

    def apply(self) -> None:
        torch.set_default_dtype(self.dtype)
        torch.set_grad_enabled(self.gradients)
        _AUTOGRAD._engine_run_backward = self.way_back


class Turns:
    """Whose settings hold: the judge's in a `judge` block, the notebook's in a `notebook` block inside it.

    >>> turns = Turns()
    >>> with torch.no_grad(), turns.judge():
    ...     judges = torch.is_grad_enabled()
    ...     with turns.notebook():
    ...         notebooks = torch.is_grad_enabled()
    >>> judges, notebooks
    (True, False)
    """

    def __init__(self) -> None:
        self._notebook = Settings.now()

    @contextmanager
    def judge(self) -> Iterator[None]:
        """Afterwards the notebook's settings are back, and its random numbers go on as if none had been drawn."""
        before = self._notebook = Settings.now()
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        stack = ExitStack()
        if torch.get_default_device() != _CPU:  # a device of one's own slows every call of torch, also the CPU
            stack.enter_context(_CPU)
        Settings().apply()
        random.seed(0)  # so that a check says the same twice
        np.random.seed(0)
        torch.default_generator.manual_seed(0)
        try:
            yield
        finally:
            stack.close()
            before.apply()
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])

    @contextmanager
    def notebook(self) -> Iterator[None]:
        self._notebook.apply()
        try:
            yield
        finally:
            self._notebook = Settings.now()
            Settings().apply()
            if torch.get_default_device() != _CPU:  # the learner's own code has chosen another
                torch.set_default_device(_CPU)
