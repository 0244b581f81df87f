"""7.2: the solution against Python's own arithmetic, the measured story, what a net writes, and real wrong files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zth.data.arithmetic import OPERATORS, VOCABULARY, ArithmeticConfig, Problems, as_ids, as_lines, draw_problems
from zth.models.gpt import GPTModel
from zth.runs import read
from zth.sample import sample
from zth.seeds import stream
from zth.train import Trainer
from zth.workbook.exercise import get
from zth.workbook.l07_gpt.e02_arithmetic import solution, training
from zth.workbook.l07_gpt.e02_arithmetic.measure import calculator, sums
from zth.workbook.measure import measure

EXERCISE = get("7.2")


def test_the_experiment_finds_that_a_net_adds_what_it_has_never_seen(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    assert [name for name, figure in figures.items() if figure.ok is False] == []
    assert figures["unseen sums that were seen, in either order"].ok
    (exact,) = [figure for name, figure in figures.items() if "exact on" in name]
    table = next(block for block in record.blocks if block["kind"] == "table")
    shares = [float(row[2]) for row in table["rows"]]
    assert shares[0] == pytest.approx(exact.value, abs=0.01)
    assert shares[0] > 80  # of the thousand unseen sums; chance has about 1
    assert max(shares[1], shares[3]) < shares[0]  # the question scored


def test_no_net_is_larger_than_was_allowed() -> None:
    settings = [calculator(), *(sums(digits) for digits in range(1, 5))]
    assert max(setting.net.n_parameters for setting in settings) < 1_000_000


def test_a_question_is_shown_as_a_learner_would_type_it() -> None:
    part = EXERCISE.parts[-1]
    assert [part.call(inputs) for inputs in part.inputs()][:2] == ["answer(17, '+', 25, 2)", "example('1+1=2', 8)"]


def test_the_solution_answers_as_python_does() -> None:
    for a in range(0, 40, 3):
        for b in range(1, 40, 2):
            for reverse in (True, False):
                texts = {o: solution.answer(a, o, b, 2, reverse) for o in OPERATORS}
                wanted = {"+": a + b, "-": a - b, "*": a * b, "/": list(divmod(a, b))}
                assert {o: solution.read(text, o, reverse) for o, text in texts.items()} == wanted


def test_the_solutions_example_is_the_librarys_row() -> None:
    for mask in (True, False):
        config = ArithmeticConfig(digits=2, operators=OPERATORS, mask=mask)
        problems = draw_problems(50, "train", config, seed=3, name="test")
        x, y = as_ids(problems, config)
        for line, ids, targets in zip(as_lines(problems, config), x.tolist(), y.tolist(), strict=True):
            assert solution.example(line, config.width, mask) == (ids, targets)


class TestTraining:
    def test_what_is_written_is_what_greedy_sampling_gives(self) -> None:
        """And one pass over the right answers (`share`) counts as many as writing character by character does."""
        setting = training.Setting(
            problems=ArithmeticConfig(digits=1), steps=60, batch_size=16, n_train=500, n_dev=60, watch_every=30
        )
        net = GPTModel(setting.net, generator=stream(1, "init"))
        config = setting.problems
        problems = draw_problems(40, "train", config, seed=1, name="train")
        trainer = Trainer(net, as_ids(problems, config), setting.training, seed=1)
        trainer.run(60)
        written = training.write(net, problems, config)
        right = solution.share_exact(written, list(problems), 1)
        assert right == pytest.approx(training.share(net, *as_ids(problems, config)))
        assert right > 0.2  # it has seen these
        for problem, text in list(zip(problems, written, strict=True))[:5]:
            asked = solution.question(*problem, 1)
            wanted = sample(net, VOCABULARY, n=1, temperature=0, prompt=asked, max_length=3)[0]
            assert asked + text == wanted

    def test_it_says_what_was_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """None of a fair dev; some where dev is drawn from train."""
        setting = training.Setting(
            problems=ArithmeticConfig(digits=1), steps=2, batch_size=4, n_train=2_000, n_dev=50, watch_every=1
        )
        fair = training.learn(setting, seed=1)
        assert fair.n_seen == 0
        assert (fair.steps, len(fair.seconds), len(fair.exact)) == ([1, 2], 2, 2)
        monkeypatch.setattr(training, "draw_problems", lambda n, _part, config, **how: _leaky(n, config, **how))
        assert training.learn(setting, seed=1).n_seen > 0

    def test_problems_that_come_twice_count_once(self) -> None:
        twice = Problems(a=np.array([3, 1, 3]), operator=np.array(["+", "+", "+"]), b=np.array([2, 1, 2]))
        assert list(training._different(twice)) == [(3, "+", 2), (1, "+", 1)]


def _leaky(n: int, config: ArithmeticConfig, *, seed: int, name: str) -> Problems:
    return draw_problems(n, "train", config, seed=seed, name=name)


def test_the_solutions_split_leaks_nothing() -> None:
    problems = [(a, o, b) for a in range(20) for o in OPERATORS for b in range(1, 20)]
    train, dev = solution.split(problems, 0.3, seed=4)
    assert sorted(train + dev) == sorted(problems)
    both = {(min(a, b), o, max(a, b)) if o in "+*" else (a, o, b) for a, o, b in dev}
    assert not any(((min(a, b), o, max(a, b)) if o in "+*" else (a, o, b)) in both for a, o, b in train)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("strings", "text[::-1] + sign if", "sign + text[::-1] if", "sign in front of the reversed digits"),
        ("strings", "text[::-1] + sign if reverse else sign + text", "sign + text", "not reversed"),
        ("strings", "a + b, digits + 1", "a + b, digits", "a sum with as many places as its numbers"),
        ("strings", 'line.index("=") + 1', 'line.index("=")', '"=" is scored'),
        ("strings", 'line.index("=") + 1', 'line.index("=") + 2', "the first digit of the answer is masked"),
        ("strings", "[-1] * n", "[0] * n", "masked with 0"),
        ("strings", "y + [-1] * rest", "y + [0] * rest", "the filling is scored"),
        ("strings", 'if operator in "+*" else problem', 'if operator in "" else problem', "b + a in train"),
        ("strings", "Random(seed)", "Random(42)", "seed ignored"),
        ("strings", "return train, dev", "return dev, train", "train and dev exchanged"),
        ("tensors", "t > len(line)", "t >= len(line)", "the end is not scored"),
        (
            "digit_by_digit",
            "for n in divmod(a, b)",
            "for n in divmod(a, b)[::-1]",
            "quotient and remainder exchanged",
        ),
        ("digit_by_digit", "sorted([a, b])", "[a, b]", "b + a in train"),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake
