"""A handout holds what a class needs, and no solution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from zth.errors import ExerciseError
from zth.workbook.assign import assign, contents
from zth.workbook.desk import Desk
from zth.workbook.exercise import Exercise, exercises
from zth.workbook.handout import Handout, chosen, read_lock


def test_a_handout_is_a_desk_with_its_statements_and_its_lock(tmp_path: Path) -> None:
    folder = tmp_path / "week" / "1"
    handout = Handout.of(chosen(["L1"]))
    files = assign(handout, folder)
    assert sorted(folder.iterdir()) == sorted(files)
    assert read_lock(folder) == handout
    readme = (folder / "README.md").read_text(encoding="utf-8")
    for exercise in chosen(["L1"]):
        assert Desk(folder).file(exercise).read_bytes() == exercise.stub.read_bytes()
        assert exercise.task.statement in readme


def test_a_german_handout_is_german(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZTH_LANG", "de")
    readme = contents(Handout.of(chosen(["L1"])))["README.md"]
    assert readme.startswith("# Aufgaben 1.1 1.2\n\n| | Aufgabe | deine Datei | Punkte |\n| --- |")
    for words in ("Schreibe deine Antworten in die Dateien", "Sie baut auf 1.1 auf.", "Die Funktion ist"):
        assert words in readme


def test_nothing_is_written_where_something_is(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ExerciseError, match="not empty"):
        assign(Handout.of(chosen(["1.1"])), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ExerciseError, match="Cannot write"):
        assign(Handout.of(chosen(["1.1"])), tmp_path / "mine.txt" / "below")


def secrets(exercise: Exercise) -> set[str]:
    """The lines of code and prose that a student is to find: solution, right answers, wrong ones, hints."""
    sources = [exercise.folder / "solution.py", exercise.folder / "check.py", *exercise.right_answers]
    lines = [line.strip() for path in sources for line in path.read_text(encoding="utf-8").splitlines()]
    lines += [line.strip() for hint in exercise.task.hints for line in hint.splitlines()]
    return {line for line in lines if len(line) >= 25 and not line.startswith(("import ", "from ", "def ", "class "))}


# Looked through by hand, line by line: code of the stub or the statement that right answers take over as it stands,
# and that is not what is asked for. Whoever adds a line here says that it gives nothing away.
GIVEN = {
    "1.2": """
        out = Value(self.data * other.data, (self, other))
        out = Value(self.data + other.data, (self, other))
    """,
    "2.1": """
        chars = ".abcdefghijklmnopqrstuvwxyz"
    """,
    "2.2": """
        chars = ".abcdefghijklmnopqrstuvwxyz"
        for i in range(T, len(text)):
        rows.append(losses(train, dev, test, T))
        text = "." * T + word + "."
        train, dev, test = split(words, seed)
        yield text[i - T : i], text[i]
    """,
    "2.3": """
        for i in range(T, len(text)):
        text = "." * T + word + "."
        yield text[i - T : i], text[i]
    """,
    "3.2": """
        g = torch.Generator().manual_seed(seed)
    """,
    "5.1": """
        "bnvar_inv": dbnvar_inv, "bnvar": dbnvar, "bndiff2": dbndiff2, "bndiff": dbndiff, "bnmeani": dbnmeani,
        "counts": dcounts, "norm_logits": dnorm_logits, "logit_maxes": dlogit_maxes, "logits": dlogits,
        "h": dh, "W2": dW2, "b2": db2, "hpreact": dhpreact, "bngain": dbngain, "bnbias": dbnbias, "bnraw": dbnraw,
        "hprebn": dhprebn, "embcat": dembcat, "W1": dW1, "b1": db1, "emb": demb, "C": dC,
        "logprobs": dlogprobs, "probs": dprobs, "counts_sum_inv": dcounts_sum_inv, "counts_sum": dcounts_sum,
        *, xb, yb, C, W1, b1, W2, b2, bngain, bnbias,
        emb, embcat, hprebn, bnmeani, bndiff, bndiff2, bnvar, bnvar_inv, bnraw, hpreact, h,
        logits, logit_maxes, norm_logits, counts, counts_sum, counts_sum_inv, probs, logprobs, loss,
    """,
    "6.1": """
        mean, var = running_mean, running_var
        return y, running_mean, running_var
        running_mean = (1 - momentum) * running_mean + momentum * mean
    """,
    "6.2": """
        block = 2 ** len(parameters["levels"])
        for W, b in parameters["levels"]:
    """,
    "7.2": """
        stoi = {s: i for i, s in enumerate(chars)}
    """,
    "7.3": """
        '''A text of n characters -> (n,) ids. Given.'''
        gradients = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        h = torch.tanh(weights["C"][ids[:-1]] @ weights["W1"] + weights["b1"])
        loss = F.cross_entropy(h @ weights["W2"] + weights["b2"], ids[1:])
        return torch.tensor([vocabulary.index(character) for character in text])
        return {name: tensor.detach() for name, tensor in weights.items()}, velocity
        velocity = velocity or {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
        velocity = {name: 0.9 * velocity[name] + gradients[name] for name in weights}
        weights = {name: (weights[name] - lr * velocity[name]).detach().requires_grad_() for name in weights}
        weights = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
    """,
    "7.4": """
        a, b, c = 3.4445, -4.7750, 2.0315
    """,
}


def leaked(exercise: Exercise, files: Mapping[str, str]) -> set[str]:
    given = {line.strip() for text in files.values() for line in text.splitlines()}
    return (secrets(exercise) & given) - meant(exercise)


def meant(exercise: Exercise) -> set[str]:
    lines = {line.strip() for line in GIVEN.get(exercise.id, "").splitlines()}
    return {line.replace("'''", '"""') for line in lines if line}


@pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.id)
def test_no_line_of_a_solution_is_in_it(exercise: Exercise) -> None:
    files = contents(Handout.of([exercise]))
    assert not leaked(exercise, files)
    stub = files[exercise.file_name]
    hint = max(exercise.task.hints[-1].splitlines(), key=len)
    for secret in (hint, exercise.right_answers[0].read_text(encoding="utf-8")):  # and one would be seen
        assert leaked(exercise, {**files, exercise.file_name: f"{stub}\n{secret}\n"})


def test_what_is_said_to_be_given_is_in_the_handout() -> None:
    for exercise in exercises():
        texts = "\n".join(contents(Handout.of([exercise])).values())
        assert all(line in texts for line in meant(exercise))
