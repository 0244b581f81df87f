"""5.4: the check's own steps against autograd, the measured story, and how real wrong files are told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from zth.backprop import fused
from zth.backprop.atoms import Parameters, forward
from zth.compare import FLOAT32, same
from zth.runs import read
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import Verdict, judge
from zth.workbook.l05_backprop.e04_train import measure as experiment
from zth.workbook.l05_backprop.e04_train import questions, solution, wrong
from zth.workbook.measure import measure

EXERCISE = get("5.4")
Judge = Callable[[str, str, str], Verdict]


def test_the_experiment_meets_the_lecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(experiment.N_STEPS, "quick", 2_000)
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 4
    assert [figure.name for figure in held if not figure.ok] == []
    assert 2.1 < figures["dev, mean of 2 seeds"].value < 2.42  # 2.35 to 2.38 on three seeds; a bigram has 2.45
    assert [block["kind"] for block in record.blocks].count("plot") == 1


@pytest.mark.parametrize("answer", [solution.train_step, wrong.step()])
def test_a_step_goes_down_autograds_gradient(answer: wrong.Step) -> None:
    for parameters, xb, yb, lr in questions.batches():
        leaves = Parameters(*(p.clone().requires_grad_() for p in parameters))
        loss = forward(leaves, xb, yb).loss
        loss.backward()
        got_loss, after = answer(parameters, xb, yb, lr)
        assert same(got_loss, loss, FLOAT32)
        for p, leaf in zip(after, leaves, strict=True):
            assert leaf.grad is not None
            assert same(p, leaf.detach() - lr * leaf.grad, FLOAT32)


def test_the_net_with_torchs_batchnorm_is_torchs() -> None:
    """Variance over n forward and backward: the check's mistake is what a net with nn.BatchNorm1d would do."""
    parameters, xb, yb, lr = questions.batches()[0]
    C, W1, b1, W2, b2, bngain, bnbias = leaves = [p.clone().requires_grad_() for p in parameters]
    hpreact = torch.nn.functional.batch_norm(
        C[xb].flatten(1) @ W1 + b1, None, None, bngain[0], bnbias[0], training=True
    )
    torch.nn.functional.cross_entropy(torch.tanh(hpreact) @ W2 + b2, yb).backward()
    step = wrong.step(correction=0, dhprebn=partial(fused.dhprebn, bessel=False))
    _, after = step(parameters, xb, yb, lr)
    for p, leaf in zip(after, leaves, strict=True):
        assert leaf.grad is not None
        assert same(p, leaf.detach() - lr * leaf.grad, FLOAT32)


@pytest.fixture
def told(tmp_path: Path, jail: Jail) -> Judge:
    """A right answer with one change -> its verdict."""

    def changed(style: str, old: str, new: str) -> Verdict:
        text = (EXERCISE.folder / "right" / f"{style}.py").read_text()
        assert text.count(old) == 1
        path = tmp_path / EXERCISE.file_name
        path.write_text(text.replace(old, new).replace("range(n_steps)", "range(min(n_steps, 300))"))
        return judge(EXERCISE, path, jail)

    return changed


@pytest.mark.parametrize(
    ("style", "old", "new", "part", "mistake"),
    [
        ("lecture_style", "dC[xb[k, j]] += demb[k, j]", "dC[xb[k, j]] = demb[k, j]", "train_step",
         "C: the last use wins"),
        ("lecture_style", "    dW2 = h.T @ dlogits\n",
         "    dW2 = h.T @ dlogits\n    dh = dlogits @ (W2 - lr * dW2).T\n", "train_step", "W2 updated too early"),
        ("lecture_style", "p.data += -lr * grad", "p.data += lr * grad", "train_step", "uphill"),
        ("lecture_style", "    dlogits /= n\n", "", "train_step", "division by n forgotten"),
        ("numpy_float64", "1 / np.sqrt(x.var(0, ddof=1)", "1 / np.sqrt(x.var(0)", "train_step",
         "variance over n in the forward pass"),
        ("numpy_float64", "x.mean(0, keepdims=True), x.var(0, ddof=1, keepdims=True)", "x.mean(0), x.var(0, ddof=1)",
         "calibrate", "calibrated: an axis lost"),
        ("net_class", "        raw = (self.hprebn(xb) - self.mean) * torch.rsqrt(self.var + 1e-5)\n",
         "        x = self.hprebn(xb)\n        raw = (x - x.mean(0)) * torch.rsqrt(x.var(0) + 1e-5)\n",
         "train", "the asked batch's own statistics"),
    ],
)  # fmt: skip
def test_slips_in_a_real_file_are_named(told: Judge, style: str, old: str, new: str, part: str, mistake: str) -> None:
    named = {each.name: each.mistake for each in told(style, old, new).parts}
    assert named[part] == mistake


AUTOGRAD = """
    leaves = [p.clone().requires_grad_() for p in parameters]
    C, W1, b1, W2, b2, bngain, bnbias = leaves
    x = C[xb].flatten(1) @ W1 + b1
    hpreact = bngain * (x - x.mean(0)) * (x.var(0) + 1e-5) ** -0.5 + bnbias
    F.cross_entropy(torch.tanh(hpreact) @ W2 + b2, yb).backward()
    return None
"""


@pytest.mark.parametrize("imported", ["import torch\n", "import torch as t\ntorch = t\n"])
def test_autograd_is_found_out_by_whatever_name(told: Judge, imported: str) -> None:
    start = "def train_step(parameters, xb, yb, lr):\n"
    verdict = told("net_class", f"import torch\n{REST}{start}", f"{imported}{REST}{start}{AUTOGRAD}")
    failure = verdict.first_failure
    assert failure is not None
    assert (failure.name, failure.state, failure.mistake) == ("train_step", "raised", "autograd after all")
    assert "backward()" in failure.place


@pytest.mark.parametrize(
    ("style", "old", "new", "says"),
    [
        ("net_class", "    net.calibrate(X)\n    return net\n", "    return 5\n", "must return a function"),
        ("net_class", "    net.calibrate(X)\n    return net\n", "    return {'p': 1}\n", "must return a function"),
        (  # what the judge would find out, said by the answer itself
            "net_class",
            "    net.calibrate(X)\n    return net\n",
            "    return {'found': 'learnt', 'loss': 1.0}\n",
            "must return a function",
        ),
        (
            "lecture_style",
            "@ W2 + b2\n\n    return logits",
            "@ W2.sum(1)\n\n    return logits",
            "a row of 27 for each",
        ),
        ("lecture_style", "lr = 0.2 if i < n_steps * 2 / 3 else 0.02", "lr = 0.001", "Print the loss every 100"),
    ],
)
def test_a_training_that_will_not_do_is_told_why(told: Judge, style: str, old: str, new: str, says: str) -> None:
    failure = told(style, old, new).first_failure
    assert failure is not None
    assert (failure.name, failure.mistake) == ("train", "")
    assert says in failure.says


ENABLED = """
@torch.enable_grad()
def train_step(parameters, xb, yb, lr):
    leaves = [p.detach().clone().requires_grad_() for p in parameters]
    C, W1, b1, W2, b2, bngain, bnbias = leaves
    x = C[xb].flatten(1) @ W1 + b1
    hpreact = bngain * (x - x.mean(0)) * (x.var(0) + 1e-5) ** -0.5 + bnbias
    loss = F.cross_entropy(torch.tanh(hpreact) @ W2 + b2, yb)
    {way}
    return loss.detach(), [(p - lr * d).detach() for p, d in zip(leaves, grads)]
"""


@pytest.mark.parametrize(
    "way",
    [
        "loss.backward(); grads = [p.grad for p in leaves]",
        "torch.autograd.backward(loss); grads = [p.grad for p in leaves]",
        "grads = torch.autograd.grad(loss, leaves)",
        "grads = grad_imported_before(loss, leaves)",
        "grads = torch.func.grad(lambda W: F.cross_entropy(torch.tanh(hpreact) @ W + b2, yb))(W2)",
    ],
)
def test_autograd_cannot_be_switched_on_again(tmp_path: Path, jail: Jail, way: str) -> None:
    text = (EXERCISE.folder / "right" / "net_class.py").read_text()
    path = tmp_path / EXERCISE.file_name
    path.write_text(f"{text}\nfrom torch.autograd import grad as grad_imported_before\n{ENABLED.format(way=way)}")
    verdict = judge(EXERCISE, path, jail)
    failure = verdict.first_failure
    assert failure is not None
    assert (failure.name, failure.state, failure.mistake) == ("train_step", "raised", "autograd after all")
    assert verdict.trouble == ""  # what the check replaced is not held against the file


TABLE = """
def train(parameters, X, Y, n_steps):
    counts = torch.ones(27, 27, 27) * 0.05
    for (_, first, second), third in zip(X.tolist(), Y.tolist()):
        counts[first, second, third] += 1
    logits = (counts / counts.sum(2, keepdim=True)).log()
    return lambda contexts: logits[contexts[:, 1], contexts[:, 2]]
"""


@pytest.mark.parametrize(
    ("old", "new", "mistake", "says"),
    [
        (None, TABLE, "a table instead of the net", "A table of counts"),
        ("range(n_steps)", "range(1_000)", "n_steps ignored", "not a number of your own"),
        (
            "net = Net(parameters)\n    order",
            "net = Net([0.9 * p for p in parameters])\n    order",
            "",
            "the net that came in",
        ),
    ],
)
def test_a_training_of_no_steps_tells_what_is_no_net(
    tmp_path: Path, jail: Jail, old: str | None, new: str, mistake: str, says: str
) -> None:
    text = (EXERCISE.folder / "right" / "net_class.py").read_text()
    path = tmp_path / EXERCISE.file_name
    path.write_text(text + new if old is None else text.replace(old, new))
    train = next(part for part in judge(EXERCISE, path, jail).parts if part.name == "train")
    assert (train.state, train.mistake) == ("wrong", mistake)
    assert says in train.says


def test_the_questions_leave_their_tensors_alone() -> None:
    before = [p.clone() for p in questions.batches()[0][0]]
    for mistake in EXERCISE.mistakes:
        if "train_step" in mistake.instead and mistake.name != "autograd after all":
            questions.one_step(mistake.put_into(EXERCISE.solution), *questions.batches()[0])
    assert all(map(torch.equal, before, questions.batches()[0][0]))


def _rest() -> str:
    text = (EXERCISE.folder / "right" / "net_class.py").read_text()
    return text.split("import torch\n", 1)[1].split("def train_step", 1)[0]


REST = _rest()
