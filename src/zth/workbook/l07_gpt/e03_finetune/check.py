"""Check of 7.3: leaking lines, free plays, a grown vocabulary, weights carried over, both trainings, the comparison.

Letters: V characters in a vocabulary, E the width of a row, H hidden units.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Any

import torch
from torch import Tensor

from zth.compare import Tolerance
from zth.data.leaks import plain
from zth.data.split import split_text
from zth.workbook.check import Mistake, Part
from zth.workbook.l07_gpt.e03_finetune.solution import (
    Look,
    Weights,
    carry_over,
    common,
    encode,
    free_plays,
    leaks,
    train,
)

# some fifty steps of momentum in float64: what another order of sums costs grows by a few digits
TRAINED = Tolerance(relative=1e-8, absolute=1e-9)
WORDS = (
    "river",
    "paper",
    "boat",
    "under",
    "bridge",
    "night",
    "lantern",
    "slowly",
    "green",
    "garden",
    "stone",
    "door",
)
SHORT = "Who goes there at this hour?"  # 28 characters
LEAST = 30

Leaks = Callable[[str, str, int], list[str]]


def _line(random: Random, least: int = 34) -> str:
    line = random.choice(WORDS).capitalize()
    while len(line) < least:
        line += f" {random.choice(WORDS)}"
    return line + "."


@cache
def _texts() -> list[tuple[str, str, int]]:
    """Texts whose dev part leaks in every way that counts, and in some that do not; so does the training part."""
    cases = []
    for seed, least in ((1, LEAST), (2, LEAST), (3, 12)):
        random = Random(seed)
        upper, wrapped, inside, exact, spaced, low, free = (_line(random) for _ in range(7))
        brim, below = "Carries a lantern to the door.", "Carries  a lantern  to a  door."  # 30 and 28 in plain form
        dev = [
            upper,
            wrapped,
            SHORT,
            inside,
            free,
            low.lower(),
            brim,
            below,
            exact,
            exact,
            spaced.replace(" ", "  "),
            "",
        ]
        first, last = _line(random), _line(random)
        cut_line = f"{_line(random)} {_line(random)}"
        tail = cut_line[len(cut_line) // 2 :] + "\n" + "\n".join(dev)  # dev begins amid a line
        head = cut_line[: len(cut_line) // 2]
        fill = first + "\n"
        while len(fill) + len(last) + len(head) + 1 < 9 * len(tail) - 45:
            fill += _line(random) + "\n"
        fill += "x" * (9 * len(tail) - len(fill) - len(last) - len(head) - 2) + "\n"
        text = fill + last + "\n" + head + tail
        assert split_text(text)[1] == tail, "the cut is where it should be"
        where = len(wrapped) // 2
        corpus = "\n".join(
            (
                upper.upper(),  # at its very beginning
                _line(random),
                wrapped[:where].rpartition(" ")[0] + "  \n" + wrapped[:where].rpartition(" ")[2] + wrapped[where:],
                f"Nay: {inside} {_line(random)}",
                SHORT,
                first,
                last,
                exact,
                low.lower(),
                brim,
                plain(below),
                spaced,
                cut_line[len(cut_line) // 2 :],
            )
        )
        cases.append((text, corpus, least))
    return cases


@cache
def _plays() -> list[tuple[dict[str, str], str]]:
    (text, corpus, _), (_, other, _), _ = _texts()
    random = Random(9)
    clean = "\n".join(_line(random) for _ in range(5))
    train_only = split_text(text)[0][:200]
    return [
        (
            {
                "The Winter Door": clean,
                "A Paper Boat": corpus.upper(),
                "The Short": clean + "\n" + SHORT,
                "Green Stone": train_only,
                "By Night": other,
                "A Whole": clean + "\n" + text,
            },
            text,
        ),
        ({}, text),
    ]


VOCABULARIES = [("abe", "be$"), ("\n abcde", "bed, bad?\n"), ("xyz", "zyx"), ("b", "éa!")]


def _normal(g: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def _weights(vocabulary: str, seed: int) -> Weights:
    g, V, E, H = torch.Generator().manual_seed(seed), len(vocabulary), 3, 4
    shapes = {"C": (V, E), "W1": (E, H), "b1": (H,), "W2": (H, V), "b2": (V,)}
    return {name: _normal(g, *shape) for name, shape in shapes.items()}


@cache
def _carried() -> list[tuple[Weights, str, str]]:
    """A new character in front, several anywhere, none, and behind."""
    pairs = [("be", "$be"), ("\n abcde", "\n !?abcdeé"), ("aeiou", "aeiou"), ("ab", "abz")]
    return [(_weights(old, n), old, new) for n, (old, new) in enumerate(pairs)]


@cache
def _trainings() -> list[tuple[Weights, str, str, int, float]]:
    """Weights, corpus, text, steps, rate. One character is new in train, another in dev."""
    random = Random(73)
    corpus = " ".join(_line(random) for _ in range(4))
    text = "Pay $5 to the boat, or go slowly by night: the garden has no door, and the river no bridge. Ha! Ah?"
    old = "".join(sorted(set(corpus)))
    return [(_weights(old, 5), corpus, text, 40, 0.5), (_weights(old, 6), corpus, text[::-1], 22, 0.2)]


def _looks(step: int, pace: float, *losses: float) -> list[Look]:
    return [(n * step, n * step * pace, loss) for n, loss in enumerate(losses, 1)]


COMPARISONS: list[tuple[float, list[Look], list[Look]]] = [
    (10, _looks(5, 1, 1.7), _looks(5, 1, 2.0, 1.9, 1.8, 1.6)),
    (
        40.0,
        _looks(10, 0.5, 1.6, 1.45, 1.5),
        _looks(10, 0.5, 2.4, 2.1, 2.2, 1.9, 1.8, 1.75, 1.7, 1.65, 1.55, 1.58, 1.62, 1.3),
    ),
    (
        7.5,
        _looks(20, 0.25, 1.52, 1.49),
        _looks(10, 0.125, 2.2, 1.9, 1.8, 1.7, 1.72, 1.6, 1.55, 1.5, 1.48, 1.47, 1.4, 1.39, 1.2, 1.1),
    ),
    (0.0, _looks(4, 2, 2.0, 1.9), _looks(4, 1, 1.95, 1.97, 1.9, 1.85, 1.7)),
]

PARTS = [
    Part(
        name="leaks",
        shown="leaks({}, {}, least={})",
        ask=lambda answer, text, corpus, least: answer.leaks(text, corpus, least=least),
        cases=_texts,
    ),
    Part(name="free_plays", ask=lambda answer, plays, text: answer.free_plays(plays, text), cases=_plays),
    Part(
        name="common",
        ask=lambda answer, old, text: "".join(answer.common(old, text)),
        cases=VOCABULARIES,
    ),
    Part(
        name="carry_over",
        ask=lambda answer, weights, old, new: answer.carry_over(weights, old, new),
        cases=_carried,
    ),
    Part(
        name="finetuned",
        ask=lambda answer, weights, corpus, text, steps, lr: answer.finetuned(weights, corpus, text, steps, lr),
        cases=_trainings,
        tolerance=TRAINED,
    ),
    Part(
        name="compared",
        ask=lambda answer, pretraining, finetuning, scratch: answer.compared(pretraining, finetuning, scratch),
        cases=COMPARISONS,
    ),
]


def _leaks(
    *,
    dev: Callable[[str], str] = lambda text: split_text(text)[1],
    form: Callable[[str], str] = plain,
    form_of_line: Callable[[str], str] | None = None,
    length: Callable[[str], int] = lambda line: len(plain(line)),
    above: int = 0,
    shown: Callable[[str], str] = lambda line: line,
) -> Leaks:
    """The options are the places to go wrong."""

    def wrong(text: str, corpus: str, least: int = LEAST) -> list[str]:
        lines = [line for line in dev(text).split("\n") if length(line) >= least + above]
        return [shown(line) for line in lines if (form_of_line or form)(line) in form(corpus)]

    return wrong


def _whole_file(text: str, corpus: str, least: int = LEAST) -> list[str]:
    dev = split_text(text)[1]
    return [line for line in dev.split("\n") if len(line) >= least] if plain(dev) in plain(corpus) else []


def _exact_lines(text: str, corpus: str, least: int = LEAST) -> list[str]:
    theirs = {plain(line) for line in corpus.split("\n")}
    return [line for line in split_text(text)[1].split("\n") if len(plain(line)) >= least and plain(line) in theirs]


def _last_tenth_of_lines(text: str) -> str:
    lines = text.split("\n")
    return "\n".join(lines[int(0.9 * len(lines)) :])


def _wrong_leaks(wrong: Leaks) -> dict[str, object]:
    """What is found wrongly is also chosen by wrongly."""
    return {
        "leaks": wrong,
        "free_plays": lambda plays, text: [title for title, play in plays.items() if not wrong(text, play, LEAST)],
    }


def _carry(rows: str = "character", columns: str = "character", biases: str = "character", new: float = 0.0) -> Any:
    """carry_over with each of the three carried by "character", by "index", or not at all ("fresh")."""
    ways = {"C": (0, rows), "W2": (1, columns), "b2": (0, biases)}

    def wrong(weights: Weights, old: str, vocabulary: str) -> Weights:
        grown = dict(weights)
        for name, (axis, way) in ways.items():
            shape = list(weights[name].shape)
            shape[axis] = len(vocabulary)
            where = [vocabulary.index(character) for character in old] if way == "character" else range(len(old))
            grown[name] = weights[name].new_full(shape, new)
            if way != "fresh":
                grown[name].index_copy_(axis, torch.tensor(list(where)), weights[name])
        return grown

    return wrong


def _neighbours(weights: Weights, old: str, new: str) -> Weights:
    """New characters get what the old character before them has."""
    near = torch.tensor([max(0, sum(o <= character for o in old) - 1) for character in new])
    return {**weights, "C": weights["C"][near], "W2": weights["W2"][:, near], "b2": weights["b2"][near]}


def _finetuned(
    *,
    pretrain: bool = True,
    keep_velocity: bool = False,
    carry: Callable[[Weights, str, str], Weights] = carry_over,
    more: Callable[[int], int] = lambda steps: steps // 4,
    rate: Callable[[float], float] = lambda lr: lr / 4,
    part: Callable[[str], str] = lambda text: split_text(text)[0],
    corpus_part: Callable[[str], str] = lambda corpus: corpus,
) -> Callable[..., Weights]:
    """The options are the places to go wrong."""

    def wrong(weights: Weights, corpus: str, text: str, steps: int, lr: float) -> Weights:
        old = "".join(sorted(set(corpus)))
        new = common(old, text)
        trained, velocity = train(weights, encode(corpus_part(corpus), old), steps, lr)
        begin = carry(trained if pretrain else weights, old, new)
        kept = carry_over(velocity, old, new) if keep_velocity else None
        return train(begin, encode(part(text), new), more(steps), rate(lr), kept)[0]

    return wrong


def _wrong_carry(carry: Callable[[Weights, str, str], Weights]) -> Mapping[str, object]:
    return {"carry_over": carry, "finetuned": _finetuned(carry=carry)}


def _compared(
    *,
    pretraining_counts: bool = True,
    finetuning_counts: bool = True,
    pick: Callable[[Sequence[float]], float] = min,
    swapped: bool = False,
    up_to: Callable[[float, float], bool] = lambda spent, budget: spent <= budget,
) -> Callable[[float, Sequence[Look], Sequence[Look]], dict[str, tuple[float, float]]]:
    """The options are the places to go wrong."""

    def wrong(
        pretraining: float, finetuning: Sequence[Look], scratch: Sequence[Look]
    ) -> dict[str, tuple[float, float]]:
        steps, seconds, _ = finetuning[-1]
        budget = pretraining * pretraining_counts + seconds * finetuning_counts
        best = pick([loss for *_, loss in finetuning])
        at_steps = pick([loss for step, _, loss in scratch if up_to(step, steps)] or [float("inf")])
        at_time = pick([loss for _, taken, loss in scratch if up_to(taken, budget)] or [float("inf")])
        pairs = {"equal steps": (best, at_steps), "equal time": (best, at_time)}
        return {name: pair[::-1] if swapped else pair for name, pair in pairs.items()}

    return wrong


MISTAKES = [
    Mistake(
        name="only the whole dev text looked for",
        says="You asked whether the whole dev text stands in the corpus as one piece. If a single line comes from "
        "another edition, it does not, though all the others leak. Ask line by line.",
        instead=_wrong_leaks(_whole_file),
    ),
    Mistake(
        name="only whole lines compared",
        says="A dev line was only found where the corpus has it as a line of its own. It may also be a part of a "
        "longer line, or be broken over two: look for it in the whole corpus, with line ends as spaces.",
        instead=_wrong_leaks(_exact_lines),
    ),
    Mistake(
        name="case kept",
        says="A line in capitals was not found: compare both in lower case.",
        instead=_wrong_leaks(_leaks(form=lambda text: " ".join(text.split()))),
    ),
    Mistake(
        name="whitespace kept",
        says="A line was not found where the corpus breaks it, or has more spaces in it: make each run of "
        'whitespace one space, in the line and in the corpus. " ".join(text.split()) does.',
        instead=_wrong_leaks(_leaks(form=str.lower)),
    ),
    Mistake(
        name="only the corpus made plain",
        says="The corpus is in its plain form, but the line is still as it was written, so nearly none can be found: "
        "bring both into it.",
        instead=_wrong_leaks(_leaks(form_of_line=lambda line: line)),
    ),
    Mistake(
        name="train lines instead of dev lines",
        says="Those are lines of the training part. What training sees anyway does no harm; the dev part must not "
        "leak.",
        instead=_wrong_leaks(_leaks(dev=lambda text: split_text(text)[0])),
    ),
    Mistake(
        name="all lines instead of dev lines",
        says="You looked for all lines of the text. Only the last tenth, the dev part, must not stand in the corpus.",
        instead=_wrong_leaks(_leaks(dev=lambda text: text)),
    ),
    Mistake(
        name="dev from the wrong end",
        says="You took the first tenth of the text for dev; it is the last one, as in the lecture.",
        instead=_wrong_leaks(_leaks(dev=lambda text: text[: int(0.1 * len(text))])),
    ),
    Mistake(
        name="a tenth of the lines",
        says="Your dev part is the last tenth of the lines. The cut is made in characters: text[int(0.9 * "
        "len(text)):].",
        instead=_wrong_leaks(_leaks(dev=_last_tenth_of_lines)),
    ),
    Mistake(
        name="short lines counted",
        says="Lines with fewer than `least` characters stand in many plays by chance: pass them over.",
        instead=_wrong_leaks(_leaks(length=lambda line: LEAST * 99 if line.strip() else 0)),
    ),
    Mistake(
        name="more than least",
        says="A line with exactly `least` characters counts as well: >=, not >.",
        instead=_wrong_leaks(_leaks(above=1)),
    ),
    Mistake(
        name="length with all its spaces",
        says="The length was taken before double spaces were made one: count the characters of the plain form.",
        instead=_wrong_leaks(_leaks(length=len)),
    ),
    Mistake(
        name="plain forms returned",
        says="The right lines, but in the form that you compare by. Return them as they are written in dev.",
        instead={"leaks": _leaks(shown=plain)},
    ),
    Mistake(
        name="the leaking plays",
        says="Those are the plays that must not be used: something leaks into each of them. Return the others.",
        instead={"free_plays": lambda plays, text: [title for title, play in plays.items() if leaks(text, play)]},
    ),
    Mistake(
        name="titles sorted",
        says="The right titles in another order: keep that of the dictionary.",
        instead={"free_plays": lambda plays, text: sorted(free_plays(plays, text))},
    ),
    Mistake(
        name="the new text's characters alone",
        says="Characters that only the old vocabulary has are missing, so the net could not keep their rows. Take "
        "both.",
        instead={"common": lambda _, text: "".join(sorted(set(text)))},
    ),
    Mistake(
        name="new characters behind",
        says="You put the new characters after the old ones. That would keep the old ids, and many people do so; "
        "but here a vocabulary is sorted, so that it can be made again from the text.",
        instead={"common": lambda old, text: old + "".join(sorted(set(text) - set(old)))},
    ),
    Mistake(
        name="characters twice",
        says="A character that both have stands twice in yours, and would have two ids. Use a set.",
        instead={"common": lambda old, text: "".join(sorted(old + "".join(sorted(set(text)))))},
    ),
    Mistake(
        name="carried over by index",
        says="You copied row i to row i. But ids are places in a sorted list, and a new character moves all that "
        "come after it: now each has its neighbour's row. Copy to new.index(character).",
        instead=_wrong_carry(_carry("index", "index", "index")),
    ),
    Mistake(
        name="output layer by index",
        says="The rows of C follow their characters, but the last layer does not: the columns of W2 and the numbers "
        "in b2 belong to characters too.",
        instead=_wrong_carry(_carry("character", "index", "index")),
    ),
    Mistake(
        name="output layer forgotten",
        says="W2 and b2 start again, so what the last layer had learnt is lost. Carry its columns over by character.",
        instead=_wrong_carry(_carry("character", "fresh", "fresh")),
    ),
    Mistake(
        name="last bias by index",
        says="C and W2 follow their characters, but b2 does not: it has a number for each character too.",
        instead=_wrong_carry(_carry("character", "character", "index")),
    ),
    Mistake(
        name="last bias forgotten",
        says="b2 is all zeros: carry its numbers over by character, as the columns of W2.",
        instead=_wrong_carry(_carry("character", "character", "fresh")),
    ),
    Mistake(
        name="new characters get another's row",
        says="A new character got the numbers of the one before it in the order. It has nothing in common with it: "
        "give it zeros.",
        instead=_wrong_carry(_neighbours),
    ),
    Mistake(
        name="new characters get ones",
        says="New characters got ones; the task wants zeros, which say nothing.",
        instead=_wrong_carry(_carry(new=1.0)),
    ),
    Mistake(
        name="finetuned from the untrained weights",
        says="The second training began with the initial weights, so the pretraining was for nothing. Carry over "
        "what the first `train` returned.",
        instead={"finetuned": _finetuned(pretrain=False)},
    ),
    Mistake(
        name="optimizer's memory carried on",
        says="The velocity of the pretraining was passed to the finetuning. It is a mean of gradients of the old "
        "text at the high rate, and pushes the weights away: let it start anew.",
        instead={"finetuned": _finetuned(keep_velocity=True)},
    ),
    Mistake(
        name="the same rate",
        says="You finetuned at the rate of the pretraining; the task wants lr / 4.",
        instead={"finetuned": _finetuned(rate=lambda lr: lr)},
    ),
    Mistake(
        name="as many steps",
        says="You finetuned for as many steps as you pretrained; the task wants steps // 4.",
        instead={"finetuned": _finetuned(more=lambda steps: steps)},
    ),
    Mistake(
        name="finetuned on dev too",
        says="The finetuning saw the whole text, and so the dev part by which it is judged. Train on the first nine "
        "tenths.",
        instead={"finetuned": _finetuned(part=lambda text: text)},
    ),
    Mistake(
        name="first tenth held out",
        says="The finetuning left out the first tenth, and saw the last: that one is dev.",
        instead={"finetuned": _finetuned(part=lambda text: text[int(0.1 * len(text)) :])},
    ),
    Mistake(
        name="corpus cut as well",
        says="The pretraining saw nine tenths of the corpus. Nothing is measured on its end here: use all of it.",
        instead={"finetuned": _finetuned(corpus_part=lambda corpus: split_text(corpus)[0])},
    ),
    Mistake(
        name="pretraining for free",
        says="At equal time, scratch only got the seconds of the finetuning. The finetuned net was paid for twice: "
        "add the seconds of its pretraining.",
        instead={"compared": _compared(pretraining_counts=False)},
    ),
    Mistake(
        name="finetuning for free",
        says="At equal time, scratch only got the seconds of the pretraining: add those of the finetuning.",
        instead={"compared": _compared(finetuning_counts=False)},
    ),
    Mistake(
        name="the last loss instead of the lowest",
        says="You took the last look. The model that is kept is that of the lowest dev loss so far.",
        instead={"compared": _compared(pick=lambda losses: losses[-1])},
    ),
    Mistake(
        name="scratch without a limit",
        says="Scratch was given all of its looks. It may use those up to the same step, and up to the same time.",
        instead={"compared": _compared(up_to=lambda *_: True)},
    ),
    Mistake(
        name="a look too few",
        says="A look exactly at the limit counts: <=, not <.",
        instead={"compared": _compared(up_to=lambda spent, budget: spent < budget)},
    ),
    Mistake(
        name="scratch first",
        says="The pairs are exchanged: the finetuned net's loss comes first.",
        instead={"compared": _compared(swapped=True)},
    ),
]
