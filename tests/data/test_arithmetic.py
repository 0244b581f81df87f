"""data/arithmetic.py: answers worked by Python, problems that training never sees, and what is scored."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from zth.data.arithmetic import (
    OPERATORS,
    VOCABULARY,
    ArithmeticConfig,
    ProblemBatches,
    Problems,
    answer,
    answered,
    as_ids,
    as_lines,
    draw_problems,
    examples,
    in_dev,
    question,
    read_answer,
    share_exact,
)
from zth.data.stream import IGNORED
from zth.errors import ConfigError, DataError

STYLES = [
    ArithmeticConfig(digits=2, operators=OPERATORS, reverse=reverse, padded=padded, mask=mask)
    for reverse, padded, mask in product([True, False], repeat=3)
]


def every_problem(digits: int, operators: str) -> Problems:
    numbers = range(10**digits)
    triples = [(a, o, b) for a, o, b in product(numbers, operators, numbers) if o != "/" or b]
    a, o, b = zip(*triples, strict=True)
    return Problems(a=np.array(a), operator=np.array(o), b=np.array(b))


@pytest.mark.parametrize("config", STYLES)
def test_answers_are_pythons(config: ArithmeticConfig) -> None:
    for a, operator, b in every_problem(1, OPERATORS):
        got = answer(a, operator, b, config)
        if operator == "/":
            assert tuple(map(int, got.split("r"))) == divmod(a, b)
        else:
            assert int(got[::-1] if config.reverse else got) == eval(f"{a} {operator} {b}")
        asked = question(a, operator, b, config)
        left, right = asked.removesuffix("=").split(operator)
        assert (int(left), int(right)) == (a, b)


@pytest.mark.parametrize("config", STYLES)
def test_the_width_is_that_of_the_longest_line(config: ArithmeticConfig) -> None:
    for operators in OPERATORS:
        some = ArithmeticConfig(digits=2, operators=operators, reverse=config.reverse, padded=config.padded)
        lines = as_lines(every_problem(2, operators), some)
        assert 1 + max(map(len, lines)) == some.width
        if config.padded and operators != "-":
            assert len({len(line) for line in lines}) == 1  # each digit has its place


@pytest.mark.parametrize("config", STYLES)
def test_what_is_scored(config: ArithmeticConfig) -> None:
    problems = draw_problems(200, "train", config, seed=1, name="test")
    x, y = as_ids(problems, config)
    assert x.shape == y.shape == (200, config.width)
    for row, target, line, problem in zip(x, y, as_lines(problems, config), problems, strict=True):
        assert VOCABULARY.decode(row).rstrip(".") == f".{line}".rstrip(".")
        scored = VOCABULARY.decode(target[target != IGNORED])
        assert scored == (answer(*problem, config) if config.mask else line) + "."
        kept = target != IGNORED
        assert torch.equal(row[1:][kept[:-1]], target[:-1][kept[:-1]])  # a target is the next id


def test_a_line_that_is_too_long_says_so() -> None:
    assert examples(["1+1=2"], 6, mask=True)[1].tolist() == [[IGNORED] * 4 + VOCABULARY.encode("2.")]
    with pytest.raises(DataError, match="A line of 5 characters needs a width of 6; got 5"):
        examples(["1=2", "1+1=2"], 5, mask=True)


class TestParts:
    @pytest.mark.parametrize("operators", ["+", "/", OPERATORS])
    def test_have_no_problem_in_common(self, operators: str) -> None:
        config = ArithmeticConfig(digits=2, operators=operators, dev_fraction=0.2)
        seen = {}
        for part in ("train", "dev"):
            problems = draw_problems(20_000, part, config, seed=3, name=part)
            seen[part] = set(problems)
            assert all(b > 0 for _, operator, b in problems if operator == "/")
        assert not seen["train"] & seen["dev"]
        every = every_problem(2, operators)
        assert len(seen["train"] | seen["dev"]) > 0.35 * len(every)  # nearly all problems come, of one operator

    @pytest.mark.parametrize("fraction", [0.05, 0.3])
    def test_have_their_share(self, fraction: float) -> None:
        for operator in OPERATORS:
            config = ArithmeticConfig(digits=2, operators=operator, dev_fraction=fraction)
            share = in_dev(every_problem(2, operator), config, seed=5).mean()
            # 10,000 problems, half as many where a + b is b + a: within 5 deviations
            assert abs(share - fraction) < 5 * (fraction * (1 - fraction) / 5000) ** 0.5

    def test_keep_both_orders_together(self) -> None:
        config = ArithmeticConfig(digits=2, operators=OPERATORS)
        every = every_problem(2, OPERATORS)
        dev = dict(zip(every, in_dev(every, config, seed=5).tolist(), strict=True))
        for operator in "+*":
            assert all(dev[a, operator, b] == dev[b, operator, a] for a in range(100) for b in range(100))
        assert any(dev[a, "-", b] != dev[b, "-", a] for a in range(100) for b in range(100))

    def test_depend_on_the_seed_and_not_on_how_it_is_written(self) -> None:
        every = every_problem(2, "+")
        plain, other = ArithmeticConfig(digits=2), ArithmeticConfig(digits=2, reverse=False, padded=False, mask=False)
        assert np.array_equal(in_dev(every, plain, 1), in_dev(every, other, 1))
        assert not np.array_equal(in_dev(every, plain, 1), in_dev(every, plain, 2))

    def test_an_empty_part_says_so(self) -> None:
        with pytest.raises(DataError, match="No problem of 1 digits is in dev"):
            draw_problems(5, "dev", ArithmeticConfig(digits=1, dev_fraction=1e-9), seed=1, name="dev")


class TestBatches:
    def test_depend_on_seed_and_step_alone(self) -> None:
        config = ArithmeticConfig()
        first, again, other = (ProblemBatches(config, batch_size=8, seed=seed) for seed in (1, 1, 2))
        wanted = [first.batch(step) for step in (0, 63, 64, 200)]
        for step, (x, y) in list(zip((0, 63, 64, 200), wanted, strict=True))[::-1]:
            assert torch.equal(again.batch(step)[0], x)
            assert torch.equal(again.batch(step)[1], y)
        assert not torch.equal(other.batch(0)[0], wanted[0][0])
        assert not torch.equal(wanted[0][0], wanted[1][0])

    def test_are_of_train_alone(self) -> None:
        config = ArithmeticConfig(digits=2)
        x, _ = ProblemBatches(config, batch_size=500, seed=1).batch(3)
        lines = [VOCABULARY.decode(row)[1:] for row in x]
        a, b = (np.array([int(line[at : at + 2]) for line in lines]) for at in (0, 3))
        assert not in_dev(Problems(a=a, operator=np.full(500, "+"), b=b), config, 1).any()


@pytest.mark.parametrize("config", STYLES)
def test_answers_are_read_as_they_were_meant(config: ArithmeticConfig) -> None:
    for a, operator, b in every_problem(1, OPERATORS):
        wanted = list(divmod(a, b)) if operator == "/" else [eval(f"{a} {operator} {b}")]
        assert read_answer(answer(a, operator, b, config), operator, config) == wanted


@pytest.mark.parametrize(
    ("written", "operator"),
    [
        *[("", "+"), ("1=2", "+"), ("12+", "+"), ("8-0", "-"), ("--", "-"), ("-", "-")],
        *[("1r2", "*"), ("12", "/"), ("3r", "/"), ("1r2r3", "/"), ("-1r2", "/")],
    ],
)
@pytest.mark.parametrize("reverse", [True, False])
def test_what_is_no_answer_is_read_as_none(written: str, operator: str, reverse: bool) -> None:
    assert read_answer(written, operator, ArithmeticConfig(operators=OPERATORS, reverse=reverse)) is None


class TestScoring:
    def test_answered_is_what_greedy_writing_gives(self) -> None:
        """A model that knows some sums: its greedy answers by hand, id by id, against one pass at the right ones."""
        config = ArithmeticConfig(digits=1)
        problems = every_problem(1, "+")
        x, y = as_ids(problems, config)
        g = torch.Generator().manual_seed(1)
        confused = torch.randn(100, config.width, len(VOCABULARY), generator=g)
        right = torch.nn.functional.one_hot(y.clamp(min=0), len(VOCABULARY)) * 3.0
        logits = confused + right
        written = []
        for i in range(100):
            ids = VOCABULARY.encode("." + question(*list(problems)[i], config))
            while len(ids) < config.width + 1:
                # this toy looks at the place, and goes astray once it wrote a wrong character
                on_track = ids == x[i, : len(ids)].tolist()
                ids.append(int(logits[i, len(ids) - 1].argmax()) if on_track else 0)
                if ids[-1] == 0:
                    break
            written.append(VOCABULARY.decode(ids)[1:].split("=")[1].removesuffix("."))
        got = answered(logits, y)
        assert got.tolist() == [w == answer(*p, config) for w, p in zip(written, problems, strict=True)]
        assert got.double().mean().item() == share_exact(written, problems, config)
        assert 10 < got.sum() < 99

    def test_refuses_answers_that_do_not_belong(self) -> None:
        with pytest.raises(DataError, match="1 answers do not belong to 100 problems"):
            share_exact(["1"], every_problem(1, "+"), ArithmeticConfig())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"digits": 0}, r"digits must be in 1 \.\. 6; got 0"),
        ({"digits": 7}, r"digits must be in 1 \.\. 6; got 7"),
        ({"digits": 2.0}, r"digits must be in 1 \.\. 6; got 2\.0"),
        ({"operators": ""}, r"operators must be some of .* got ''"),
        ({"operators": "++"}, r"each once; got '\+\+'"),
        ({"dev_fraction": 0}, "dev_fraction must lie between 0 and 1; got 0"),
    ],
)
def test_refusals(options, words) -> None:
    with pytest.raises(ConfigError, match=words):
        ArithmeticConfig(**options)
