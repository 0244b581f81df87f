"""What a learner calls in a notebook: the verdicts of files, on objects; clear words for what cannot be judged."""

from __future__ import annotations

import json
import linecache
import random
import signal
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from zth.backprop.atoms import Parameters, backward, forward
from zth.errors import ExerciseError
from zth.notebook import check, hint, solution
from zth.seeds import stream
from zth.workbook.check import Limits
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise, get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l02_bigrams.e05_cross_entropy.solution import cross_entropy, log_softmax

FEW_SECONDS = Limits(seconds=0.3)


@pytest.fixture(autouse=True)
def _desk_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def cell(source: str) -> SimpleNamespace:
    """What a cell with this source defines."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, "<cell>", "exec"), names)
    return SimpleNamespace(**names)


def first(result: Any) -> Any:
    found = result.verdict.first_failure
    assert found is not None
    return found


# --- which objects ------------------------------------------------------------------------------------------------


def test_functions_by_their_own_names() -> None:
    result = check("2.5", cross_entropy, log_softmax)
    assert result.ok
    assert result.next_move.startswith("Next: 1.1")
    assert 'Our solution, explained: `solution("2.5")`' in result.next_move


def test_the_notebook_has_them() -> None:
    def cross_entropy(logits, ys):
        return 3.0

    result = check("2.5")  # log_softmax is this module's
    assert [part.state for part in result.verdict.parts][:2] == ["passed", "wrong"]


def test_what_is_passed_comes_before_what_the_notebook_has() -> None:
    result = check("2.5", cross_entropy=lambda logits, ys: 3.0)
    assert [part.state for part in result.verdict.parts][:2] == ["missing", "wrong"]
    assert "`log_softmax` was not passed to check: add it" in first(result).says


@pytest.mark.parametrize("kind", ["object", "class", "module"])
def test_a_model_that_has_them(kind: str) -> None:
    class Model:
        log_softmax = staticmethod(log_softmax)
        cross_entropy = staticmethod(cross_entropy)

    module = types.ModuleType("mine")
    vars(module).update(log_softmax=log_softmax, cross_entropy=cross_entropy)
    assert check("2.5", {"object": Model(), "class": Model, "module": module}[kind]).ok


def test_a_name_that_is_not_there_yet() -> None:
    part = first(check("2.1"))
    assert part.state == "missing"
    assert part.says == "`trigrams` is not in this notebook yet: run the cell that defines it."


def test_a_name_that_has_become_a_number() -> None:
    part = next(part for part in check("2.1", loss=torch.tensor(2.0)).verdict.parts if part.name == "loss")
    assert part.says.startswith("`loss` is a Tensor here, and 2.1 asks for a function")


def test_a_name_that_another_exercise_has_taken() -> None:
    later = cell(get("2.3").stub.read_text())
    part = next(part for part in check("2.1", loss=later.loss).verdict.parts if part.name == "loss")
    assert part.says.startswith("`loss(train, words, T, k)` is that of 2.3; 2.1 asks for `loss(P, words)`")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: check("9.9"), "There is no exercise '9.9'"),
        (lambda: check("2.5", cross_entrpy=cross_entropy), "no `cross_entrpy`. Did you mean cross_entropy"),
        (lambda: check("2.5", json.dumps), "asks for no function `dumps`"),
        (lambda: check("2.5", [1, 2]), "a list has none of them"),
        (lambda: check("2.5", json), "the module json has none of them"),
        (lambda: check("5.1", dprobs=torch.zeros(2), dprob=torch.zeros(2)), "no tensor `dprob`. Did you mean dprobs"),
        (lambda: solution("2.5"), "You have not tried 2.5 yet"),
        (lambda: hint("nonsense"), "There is no exercise"),
        (lambda: check(2.1), 'this is of the type float. Write it in quotes, as in: "2.1"'),
        (lambda: hint(3), 'this is of the type int. Write it in quotes, as in: "1.1"'),
        (lambda: solution(get("1.1")), 'this is of the type Exercise. Write it in quotes, as in: "1.1"'),
    ],
)
def test_a_call_that_cannot_be_answered(call, words: str) -> None:
    with pytest.raises(ExerciseError) as caught:
        call()
    assert words in str(caught.value)
    shown = caught.value._render_traceback_()  # what IPython prints instead of a traceback
    assert shown[0].startswith("zth: ")
    assert len(shown) <= 2
    assert not Path("my-zth").exists()


# --- the verdict --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise_id", ["1.2", "2.4"])
def test_a_stub_is_told_what_its_file_is_told(exercise_id: str, jail: Jail) -> None:
    exercise = get(exercise_id)
    live = check(exercise_id, cell(exercise.stub.read_text())).verdict
    filed = judge(exercise, exercise.stub, jail)
    assert [(part.name, part.state, part.says) for part in live.parts] == [
        (part.name, part.state, part.says) for part in filed.parts
    ]
    assert first(SimpleNamespace(verdict=live)).state == "unwritten"


def test_a_known_mistake_is_named() -> None:
    mistake = get("2.5").mistakes[0]
    assert first(check("2.5", **{**get("2.5").solution, **mistake.instead})).mistake == mistake.name


def test_objects_of_the_learners_are_worked_with_where_they_are() -> None:
    style = get("1.2").right_answers[0]
    assert check("1.2", cell(style.read_text())).ok


def test_an_exception_is_told_with_its_place() -> None:
    source = "def log_softmax(logits):\n    return logits / None\n"
    part = first(check("2.5", cell(source)))
    assert part.state == "raised"
    assert part.got.startswith("TypeError")
    assert part.place.startswith("line 2, in log_softmax")


def test_what_is_printed_is_kept_and_shown_where_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    result = check("2.5", log_softmax=lambda logits: print("here" * 100_000))
    assert capsys.readouterr().out == ""
    assert result.verdict.output.startswith("herehere")
    assert len(result.verdict.output) == 16_384
    assert "Your code printed:" in repr(result)


def test_what_is_given_to_the_learners_code_is_a_copy() -> None:
    def spoil(logits):
        out = torch.log_softmax(logits, 1)
        logits.zero_()
        return out

    assert all(part.ok for part in check("2.5", log_softmax=spoil).verdict.parts if "log_softmax" in part.name)


# --- time, and Ctrl-C ---------------------------------------------------------------------------------------------


def _forever(logits):
    while True:
        logits = logits + 1


def test_a_loop_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exercise, "limits", property(lambda self: FEW_SECONDS))
    result = check("2.5", log_softmax=_forever)
    assert not result.ok
    assert "is there a loop that never ends?" in result.verdict.trouble
    assert {part.state for part in result.verdict.parts} == {"unreached"}
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_ctrl_c_ends_the_check_and_counts_nothing() -> None:
    def interrupted(logits):
        signal.raise_signal(signal.SIGINT)
        return logits

    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            check("2.5", log_softmax=interrupted)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert caught.value._render_traceback_() == ["interrupted: nothing was judged"]
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert not Path("my-zth").exists()
    assert check("2.5", log_softmax, cross_entropy).ok


def test_exit_is_an_answer_and_not_the_end() -> None:
    part = first(check("2.5", log_softmax=lambda logits: sys.exit()))
    assert part.got.startswith("SystemExit")


# --- the notebook around it ---------------------------------------------------------------------------------------


def test_random_numbers_of_the_notebook_are_not_drawn() -> None:
    def draws(logits):
        random.random(), np.random.rand(), torch.rand(())
        return torch.log_softmax(logits, 1)

    def three() -> tuple[float, float, float]:
        return random.random(), float(np.random.rand()), float(torch.rand(()))

    def seed() -> None:
        random.seed(7), np.random.seed(7), torch.manual_seed(7)

    seed()
    wanted = three()
    seed()
    check("2.5", log_softmax=draws)
    assert three() == wanted


@pytest.mark.parametrize("gradients", [True, False])
def test_settings_of_the_notebook_hold_for_its_code_alone(gradients: bool) -> None:
    seen = []

    def notices(logits):
        seen.append((torch.get_default_dtype(), torch.is_grad_enabled()))
        return torch.log_softmax(logits, 1)

    torch.set_default_dtype(torch.float64)
    try:
        with torch.set_grad_enabled(gradients):
            result = check("2.5", log_softmax=notices, cross_entropy=cross_entropy)
            assert torch.is_grad_enabled() == gradients
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert result.ok
    assert set(seen) == {(torch.float64, gradients)}


@pytest.mark.parametrize("exercise_id", ["2.1", "2.5", "5.2", "7.1"])
def test_another_default_device_of_the_notebook_reaches_neither_the_judge_nor_new_tensors(exercise_id: str) -> None:
    torch.set_default_device("meta")
    try:
        result = check(exercise_id, **get(exercise_id).solution)
        assert torch.ones(1).is_meta
    finally:
        torch.set_default_device(None)
    assert result.ok, first(result)
    with torch.device("meta"):
        assert check("2.5", log_softmax, cross_entropy).ok
        assert torch.ones(1).is_meta
    assert not torch.ones(1).is_meta


def test_a_device_that_the_answer_itself_chooses_ends_with_it() -> None:
    def choosing(logits):
        torch.set_default_device("meta")
        return logits.log_softmax(1)

    assert check("2.5", log_softmax=choosing, cross_entropy=cross_entropy).ok
    assert not torch.ones(1).is_meta


def test_autograd_is_off_for_5_4_alone() -> None:
    def train_step(parameters, xb, yb, lr):
        torch.ones(1, requires_grad=True).sum().backward()

    part = first(check("5.4", train_step=train_step))
    assert "autograd is switched off here" in part.got
    x = torch.ones(1, requires_grad=True)
    x.sum().backward()
    assert x.grad is not None


# --- the desk -----------------------------------------------------------------------------------------------------


def test_progress_goes_to_the_desk(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    check("2.5", log_softmax, desk=place)
    check("2.5", log_softmax, cross_entropy, desk=place)
    hint("2.5", desk=str(place))
    done = Desk(place).progress()["2.5"]
    assert (done.tries, bool(done.passed), done.hints) == (2, True, 1)
    assert not Path("my-zth").exists()


@pytest.fixture
def run_cell(tmp_path: Path):
    """run_cell(source) -> what a cell defines whose text can be looked up, as a notebook's can."""

    def run(source: str) -> SimpleNamespace:
        path = str(tmp_path / "cell.py")
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(source, path, "exec"), names)
        return SimpleNamespace(**names)

    return run


@pytest.mark.parametrize("exercise_id", ["1.1", "1.2", "2.1"])
def test_a_notebook_run_from_top_to_bottom_is_no_try(exercise_id: str, run_cell) -> None:
    exercise = get(exercise_id)
    for stub in exercise.stubs:
        assert not check(exercise_id, run_cell(stub.read_text(encoding="utf-8"))).ok
    assert Desk().state(exercise) == "new"
    with pytest.raises(ExerciseError, match="You have not tried"):
        solution(exercise_id)


def test_a_check_before_its_cells_were_run_is_no_try() -> None:
    check("2.1", loss=torch.tensor(2.0))
    eval('check("2.1")', {"check": check})
    assert Desk().state(get("2.1")) == "new"


def test_what_has_no_text_is_a_try_each_time() -> None:
    class Odd:
        def __call__(self, logits):
            return logits

        def __repr__(self):
            raise ValueError

    for _ in range(2):
        check("2.5", log_softmax=Odd())
        check("2.5", cell("def log_softmax(logits): return logits"))
    assert Desk().progress()["2.5"].tries == 4


def test_the_same_cells_run_again_are_one_try(run_cell) -> None:
    wrong = "def log_softmax(logits):\n    return logits"
    for source in (wrong, f"# again\n{wrong}  # as before\n", f"{wrong} - 1", f"{wrong} - 1"):
        check("2.5", log_softmax=run_cell(source).log_softmax)
    assert Desk().progress()["2.5"].tries == 2


def test_a_desk_that_cannot_be_written_does_not_cost_the_verdict() -> None:
    Path("my-zth").write_text("a file")
    result = check("2.5", log_softmax, cross_entropy)
    assert result.ok
    assert result.next_move.startswith("Your progress was not kept: ")


def test_hints_come_one_after_the_other_and_the_last_stays() -> None:
    shown = [repr(hint("2.5")).splitlines()[0] for _ in range(4)]
    assert shown == [
        "2.5, hint 1 of 3: nudge",
        "2.5, hint 2 of 3: idea",
        "2.5, hint 3 of 3: line",
        "2.5, hint 3 of 3: line",
    ]


def test_the_solution_once_there_was_a_try() -> None:
    check("2.5", log_softmax)
    text = solution("2.5")._repr_markdown_()
    assert text is not None
    assert text.startswith("### 2.5 F.cross_entropy")
    assert "```python\ndef log_softmax" in text
    assert repr(solution("1.1", anyway=True)).startswith("1.1 ")


# --- tensors, as lecture 5 has them -------------------------------------------------------------------------------


def lecture_5(dtype: torch.dtype) -> tuple[dict[str, Any], dict[str, Any]]:
    """A forward pass and its gradients, under the names of a notebook."""
    generator = stream(3, "init")
    xb = torch.randint(27, (16, 3), generator=generator)
    yb = torch.randint(27, (16,), generator=generator)
    parameters = Parameters(*(p.to(dtype).requires_grad_() for p in Parameters.draw(generator, hidden=20)))
    t = forward(parameters, xb, yb)
    with torch.no_grad():
        gradients = {f"d{name}": value for name, value in backward(t).items()}
    return dict(vars(t)), gradients


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_are_judged_beside_their_forward_pass(dtype: torch.dtype) -> None:
    tensors, gradients = lecture_5(dtype)
    result = check("5.1", **tensors, **gradients)
    assert result.ok, first(result)
    assert len(result.verdict.parts) == 26
    assert result.next_move == "Put the lines into `backward` to pass."
    assert json.loads(json.dumps(result.verdict.to_json()))["ok"]


def test_a_wrong_line_is_blamed_alone_and_what_is_not_written_is_left_out() -> None:
    tensors, gradients = lecture_5(torch.float64)
    written = {name: gradients[name] for name in ("dlogprobs", "dprobs", "dcounts_sum_inv", "dcounts_sum")}
    written["dcounts_sum_inv"] = written["dcounts_sum_inv"] * 2
    written["dcounts_sum"] = written["dcounts_sum"] * 2  # as the rule makes it from the line before
    result = check("5.1", **tensors, **written)
    states = {part.name: part.state for part in result.verdict.parts}
    assert states["dprobs"] == "passed"
    assert states["dcounts_sum_inv"] == "wrong"
    assert states["dcounts_sum"] == "inherited"
    assert states["dC"] == "unwritten"


def test_the_forward_pass_is_what_the_notebook_has() -> None:
    tensors, gradients = lecture_5(torch.float64)
    names = {"check": check, **tensors, **gradients}
    assert eval('check("5.1")', dict(names)).ok
    assert eval('check("5.1", dprobs=dprobs)', dict(names)).verdict.parts[1].ok
    del names["h"]
    with pytest.raises(ExerciseError, match="and h of it cannot be found"):
        eval('check("5.1")', dict(names))
    with pytest.raises(ExerciseError, match="do not fit together"):
        eval('check("5.1")', {**names, "h": torch.zeros(2, 3)})


def test_tensors_alone_do_not_pass_the_exercise() -> None:
    tensors, gradients = lecture_5(torch.float64)
    check("5.1", **tensors, **gradients)
    assert Desk().state(get("5.1")) == "tried"
