"""Small changes of right code, one at a time: what a check should notice.

The changes are those of mutmut, a mutation tester that is kept up to date; it works on libcst's trees, so a mutant
is the file as it was written, except for one place. Judging the mutants is `mutation`'s.

What nothing can notice is left out beforehand, since a mutant that is the same program says nothing about a check:
annotations and other types, docstrings, `__all__`, `strict=` in a zip, and which input is refused with which words.
"""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from zth.errors import MissingPartError

_GENERIC = {"list", "dict", "set", "tuple", "Callable", "Sequence", "Mapping"}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A right file with one change in it."""

    file: str
    """What was changed: "right/loops.py" beside the check, "solution.py", or a module of the library by its name."""
    line: int
    was: str
    now: str
    """The changed line before and after; several lines are joined by " ⏎ "."""
    kind: str
    """What was changed, as libcst calls it: "Integer", "Call", "BinaryOperation", ..."""
    source: str
    """The whole changed file."""

    @property
    def key(self) -> tuple[str, str, str]:
        """How an explanation names it; the line's number would change with each edit above it."""
        return self.file, self.was, self.now


def mutants(file: str, source: str, lines: Collection[int] | None = None) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines; with `lines`, only those that begin on one of them.

    Raises MissingPartError where mutmut is not installed.

    >>> made = mutants("answer.py", "def double(x: float) -> float:\\n    return 2 * x\\n")
    >>> [mutant.now for mutant in made]
    ['return 2 / x', 'return 3 * x']
    """
    text, bare = _Text(source), _Bare(_types(source))
    seen: set[tuple[int, str]] = set()
    made = []
    for kind, start, end, new in _changes(file, source, lines):
        first, before, after = text.statement(start, end, new)
        meaning = bare.meaning(after)
        if meaning and meaning != bare.meaning(before) and (first, meaning) not in seen:
            seen.add((first, meaning))
            line, was, now = _difference(before, after)
            whole = source[: text.place(start)] + new + source[text.place(end) :]
            made.append(Mutant(file=file, line=first + line, was=was, now=now, kind=kind, source=whole))
    return sorted(made, key=lambda mutant: mutant.line)


def drawn(found: list[Mutant], at_most: int) -> list[Mutant]:
    """At most so many of them, by a lot that always falls alike: their share is an estimate of the share of all."""
    chosen = found if len(found) <= at_most else Random(0).sample(found, at_most)
    return sorted(chosen, key=lambda mutant: (mutant.file, mutant.line, mutant.now))


Place = tuple[int, int]
"""Line, counted from 1, and column."""


def _changes(file: str, source: str, lines: Collection[int] | None) -> Iterator[tuple[str, Place, Place, str]]:
    """(kind, from, to, what stands there instead) of each change that mutmut makes."""
    try:
        from libcst.metadata import MetadataWrapper, WhitespaceInclusivePositionProvider
        from mutmut.mutation.file_mutation import create_mutations
    except ImportError as error:
        raise MissingPartError(
            f"mutmut, which makes the mutants, is missing: {error}.", "pip install mutmut"
        ) from error
    module, mutations, *_ = create_mutations(file, source, None if lines is None else set(lines))
    ranges = MetadataWrapper(module, unsafe_skip_copy=True).resolve(WhitespaceInclusivePositionProvider)
    for mutation in mutations:  # as text: to write the whole tree anew takes a hundred times as long
        span = ranges[mutation.original_node]
        start, end = (span.start.line, span.start.column), (span.end.line, span.end.column)
        yield type(mutation.original_node).__name__, start, end, module.code_for_node(mutation.mutated_node)


class _Text:
    """A source, and where its statements begin: what a change means, its own statement tells."""

    def __init__(self, source: str) -> None:
        self._lines = source.splitlines(keepends=True)
        self._begins = [0, *accumulate(map(len, self._lines))]
        self._firsts = [_first_line(node) for node in ast.parse(source).body]

    def place(self, place: Place) -> int:
        """(line, column) -> the place in the source."""
        line, column = place
        return self._begins[line - 1] + column

    def statement(self, start: Place, end: Place, new: str) -> tuple[int, str, str]:
        """(how many lines come before it, the statement, the changed statement): the one at the top of the file."""
        number = bisect_right(self._firsts, start[0]) - 1
        first = self._firsts[number]
        last = self._firsts[number + 1] - 1 if number + 1 < len(self._firsts) else len(self._lines)
        before, skipped = "".join(self._lines[first - 1 : last]), self._begins[first - 1]
        after = before[: self.place(start) - skipped] + new + before[self.place(end) - skipped :]
        return first - 1, before, after


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _difference(before: str, after: str) -> tuple[int, str, str]:
    """(line, what was there, what is there now): the lines that differ, without those around them.

    >>> _difference("a\\n  b\\nc", "a\\n  d\\nc")
    (2, 'b', 'd')
    """
    old, new = ([line.strip() for line in text.splitlines()] for text in (before, after))
    start = next(
        (i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return start + 1, " ⏎ ".join(old[start : len(old) - end]), " ⏎ ".join(new[start : len(new) - end])


def _types(source: str) -> set[str]:
    """The names that stand for a type, as in `Words = list[str]`.

    >>> _types("Words = list[str]\\nfirst = words[0]")
    {'Words'}
    """
    subscripts = [
        (node.targets[0], node.value.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)
    ]
    return {
        target.id
        for target, of in subscripts
        if isinstance(target, ast.Name) and isinstance(of, ast.Name) and of.id in _GENERIC
    }


class _Bare(ast.NodeTransformer):
    """Takes out of a program what no question can notice."""

    def __init__(self, types: set[str]) -> None:
        self._unseen = {"__all__", *types}

    def meaning(self, source: str) -> str:
        """What a program does, to compare; "" where it is none at all (a `return` outside a function, say)."""
        try:
            tree = ast.parse(source)
            compile(tree, "mutant", "exec")
        except SyntaxError:
            return ""
        return ast.dump(self.visit(tree))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        refuses = isinstance(node.body[0], ast.Raise) and not node.orelse
        return ast.Pass() if refuses else self.generic_visit(node)

    def visit_Raise(self, _node: ast.Raise) -> ast.AST:
        return ast.Raise()

    def visit_Assert(self, _node: ast.Assert) -> ast.AST:
        return ast.Pass()

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "zip":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "strict"]
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        unseen = isinstance(target, ast.Name) and target.id in self._unseen
        return ast.Pass() if unseen else self.generic_visit(node)
