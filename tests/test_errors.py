from __future__ import annotations

import inspect
import re

import pytest

from zth import errors
from zth.errors import ZthError, did_you_mean

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ZthError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_says_the_problem_and_the_next_move(kind):
    error = kind("Got 3, wanted 4.", "Add one.")
    assert (error.problem, error.next_move) == ("Got 3, wanted 4.", "Add one.")
    assert str(error) == "Got 3, wanted 4. Add one."
    assert str(kind("Got 3, wanted 4.")) == "Got 3, wanted 4."


def test_the_drawn_tree_is_the_real_tree():
    tree = re.findall(r"^([ │├└─]*)(\w+Error)\b", errors.__doc__, re.MULTILINE)
    depth = {name: (len(branch) - 4) // 4 for branch, name in tree}
    for kind in KINDS:
        generations = [ancestor for ancestor in kind.__mro__ if issubclass(ancestor, ZthError)]
        assert depth[kind.__name__] == len(generations) - 1
    assert len(depth) == len(KINDS)


def test_pythons_own_handlers_catch_what_the_tree_promises():
    assert issubclass(errors.ShapeError, ValueError)
    assert issubclass(errors.ConfigError, ValueError)
    assert issubclass(errors.DomainError, ArithmeticError)
    assert issubclass(errors.VocabularyError, errors.DataError)


def test_did_you_mean():
    known = ["names", "plays", "shakespeare"]
    assert did_you_mean("nmaes", known) == "Did you mean names?"
    assert did_you_mean("zebra", (name for name in known)) == "Known: names, plays, shakespeare."
