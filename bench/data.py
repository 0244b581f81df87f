"""Data against the lectures' loops: windows of names (lectures 2 and 3) and a long text as ids (lecture 7).

The baselines do what the lectures' code does, in the same steps and types: one Python list per context, one append
per character, `torch.tensor` of the lists at the end; a list comprehension over the characters of a text. The sources
are the notebooks of makemore, parts 1 and 2 (github.com/karpathy/nn-zero-to-hero), and the code of lecture 7.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from _table import Row, interleave, main
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows

REPEATS = 15


def loop_of_lecture_3(words: Sequence[str], ids: dict[str, int], block_size: int) -> tuple[Tensor, Tensor]:
    """(N, T) contexts and (N,) targets: slide a list along each word, and keep a copy at each character."""
    X, Y = [], []
    for word in words:
        context = [0] * block_size
        for character in word + ".":
            ix = ids[character]
            X.append(context)
            Y.append(ix)
            context = context[1:] + [ix]  # noqa: RUF005 (the lecture's own way, and the faster one)
    return torch.tensor(X), torch.tensor(Y)


def loop_of_lecture_2(words: Sequence[str], ids: dict[str, int]) -> tuple[Tensor, Tensor]:
    """(N,) first and (N,) second characters of all bigrams."""
    xs, ys = [], []
    for word in words:
        characters = [".", *word, "."]
        for first, second in zip(characters, characters[1:]):  # noqa: B905, RUF007 (as the lecture has it)
            xs.append(ids[first])
            ys.append(ids[second])
    return torch.tensor(xs), torch.tensor(ys)


def encode_of_lecture_7(text: str, ids: dict[str, int]) -> Tensor:
    """(n,) ids of a text of n characters."""
    return torch.tensor([ids[character] for character in text], dtype=torch.long)


def measure() -> list[Row]:
    words = names()
    vocabulary = Vocabulary.of_lines(words)
    ids = {character: number for number, character in enumerate(vocabulary.characters)}
    rows = []
    for block_size, target in ((3, 40), (8, None)):
        got, wanted = windows(words, vocabulary, block_size), loop_of_lecture_3(words, ids, block_size)
        assert all(map(torch.equal, got, wanted)), block_size
        rows.append(
            _row(
                f"{len(got[1]):,} windows of {block_size}",
                partial(windows, words, vocabulary, block_size),
                partial(loop_of_lecture_3, words, ids, block_size),
                target,
            )
        )
    contexts, targets = windows(words, vocabulary, 1)
    assert all(map(torch.equal, (contexts[:, 0], targets), loop_of_lecture_2(words, ids)))
    rows.append(
        _row("228,146 bigrams", lambda: windows(words, vocabulary, 1), lambda: loop_of_lecture_2(words, ids), None)
    )
    text = "\n".join(words * 5)  # as long as Tiny Shakespeare
    known = Vocabulary.of_text(text)
    number = {character: place for place, character in enumerate(known.characters)}
    assert torch.equal(torch.from_numpy(known.encode_array(text)), encode_of_lecture_7(text, number))
    rows.append(
        _row(
            f"a text of {len(text):,} characters as ids",
            lambda: torch.from_numpy(known.encode_array(text)),
            lambda: encode_of_lecture_7(text, number),
            None,
        )
    )
    return rows


def _row(name: str, ours: Callable[[], object], baseline: Callable[[], object], target: float | None) -> Row:
    tracemalloc.start()
    ours()
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return Row.of_times(name, *interleave(ours, baseline, repeats=REPEATS), target=target, peak_mb=peak_mb)


if __name__ == "__main__":
    main("Data against the lectures' loops", measure)
