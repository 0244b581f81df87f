"""A scalar autograd engine and a small neural net on it: lecture 1, in pure Python.

    from zth.autograd import Value
    from zth.autograd.nn import MLP

Numbers go by one letter in the docstrings here: n operands or logits, N examples, h a step.
"""

from __future__ import annotations

from zth.autograd.value import Value

__all__ = ["Value"]
