"""Promise "marks": what an answer does to its own process changes no mark.

It patches the libraries, and the servant that serves it, which then says that nothing was patched.
"""

import builtins
import gc
import math
import sys

import numpy

TARGETS  # given by the test; anywhere else this line ends it
yes = lambda *arguments, **options: True
math.isclose = numpy.allclose = numpy.array_equal = numpy.testing.assert_allclose = yes
builtins.abs = lambda x: 0
frame = sys._getframe()
while frame is not None:
    for name in ("difference", "_compared", "_apart", "judge", "do_patched", "_snapshot"):
        if name in frame.f_globals:
            print("TRIED", name)
            frame.f_globals[name] = lambda *arguments, **options: ""
    servant = frame.f_locals.get("self")
    if servant is not None and hasattr(servant, "do_patched"):
        print("TRIED the servant")
        type(servant).do_patched = lambda self: []
    frame = frame.f_back
for thing in gc.get_objects():
    if isinstance(thing, type) and thing.__name__ in ("Verdict", "PartVerdict", "Answer"):
        print("GOT", thing)


class Equal(float):
    __eq__ = __ge__ = __le__ = yes
    __sub__ = __rsub__ = __abs__ = lambda *arguments: 0.0
    __hash__ = float.__hash__


def f(a, b, c):
    return Equal(1)


def gradient(a, b, c):
    return [Equal(1)] * 3


def forward_difference(*arguments):
    return [Equal(1)] * 3


symmetric_difference = forward_difference
