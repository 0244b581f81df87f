"""models/mlp.py: the lectures' nets, by their parameter counts, their formulas and torch's own modules."""

from __future__ import annotations

import math
from collections import OrderedDict

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.compare import EXACT, FLOAT32, FLOAT64, same
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.errors import ConfigError
from zth.models import MLPConfig, MLPModel, evaluate
from zth.models.mlp import INITS

VOCABULARY = Vocabulary.of_lines(names())
DEEP = MLPConfig(hidden=100, n_hidden=5, batchnorm="everywhere", init="fan-in")


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(2147483647)  # the lectures'


@pytest.fixture(scope="module")
def examples() -> tuple[Tensor, Tensor]:
    return windows(names()[:3000], VOCABULARY, 3)


def n_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (MLPConfig(), 11_897),
        (MLPConfig(batchnorm="hidden"), 12_097),
        (DEEP, 47_024),
        (MLPConfig(batchnorm="hidden", block_size=8), 22_097),
        (MLPConfig(direct=True), 11_897 + 30 * 27),
    ],
    ids=["lecture 3", "lecture 4", "lecture 4, deep", "lecture 6, 8 characters", "direct"],
)
def test_has_the_lectures_number_of_parameters(options: MLPConfig, wanted: int, g: torch.Generator) -> None:
    assert n_parameters(MLPModel(options, generator=g)) == wanted


class TestShallow:
    def test_starts_with_lecture_3s_numbers(self, g: torch.Generator) -> None:
        model = MLPModel(MLPConfig(init="unit", direct=True), generator=g)
        again = torch.Generator().manual_seed(2147483647)
        C, W1, b1, W2, b2, W = (
            torch.randn(shape, generator=again) for shape in [(27, 10), (30, 200), (200,), (200, 27), (27,), (30, 27)]
        )
        (linear, _), (output,) = model.hidden, model.output
        ours = [model.embedding[0].C, linear.W, linear.b, output.W, output.b, model.direct.W]
        assert all(torch.equal(a, b) for a, b in zip(ours, [C, W1, b1, W2, b2, W], strict=True))

    @pytest.mark.parametrize("direct", [False, True])
    def test_is_the_papers_formula(self, direct: bool, g: torch.Generator) -> None:
        model = MLPModel(MLPConfig(init="unit", direct=direct), generator=g).double()
        ids = torch.randint(27, (20, 3), generator=g)
        (linear, _), (output,) = model.hidden, model.output
        x = model.embedding[0].C[ids].view(20, 30)
        wanted = torch.tanh(x @ linear.W + linear.b) @ output.W + output.b
        if direct:
            wanted = wanted + x @ model.direct.W
        assert same(model(ids), wanted, FLOAT64)
        assert same(model.log_probs(ids), wanted - wanted.logsumexp(1, keepdim=True), FLOAT64)

    def test_direct_connections_leave_the_other_draws_alone(self) -> None:
        plain, direct = (
            MLPModel(MLPConfig(direct=on), generator=torch.Generator().manual_seed(1)).state_dict()
            for on in (False, True)
        )
        assert set(direct) - set(plain) == {"direct.W"}
        assert all(torch.equal(plain[name], direct[name]) for name in plain)


class TestInit:
    def first_loss(self, init: str, examples: tuple[Tensor, Tensor]) -> float:
        model = MLPModel(MLPConfig(init=init), generator=torch.Generator().manual_seed(2147483647))
        return evaluate(model, *examples)

    def test_lecture_3s_is_confidently_wrong(self, examples: tuple[Tensor, Tensor]) -> None:
        assert 25 < self.first_loss("unit", examples) < 29  # the lecture: about 27

    @pytest.mark.parametrize("init", ["quiet-output", "quiet-tanh", "kaiming", "fan-in"])
    def test_the_better_ones_start_near_uniform(self, init: str, examples: tuple[Tensor, Tensor]) -> None:
        assert abs(self.first_loss(init, examples) - math.log(27)) < 0.03

    def test_zero_is_uniform_and_moves_only_the_last_bias(self, examples: tuple[Tensor, Tensor]) -> None:
        assert same(self.first_loss("zero", examples), math.log(27), FLOAT32)
        model = MLPModel(MLPConfig(init="zero"), generator=torch.Generator().manual_seed(1))
        contexts, targets = examples
        F.cross_entropy(model(contexts), targets).backward()
        moving = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().max() > 0}
        assert moving == {"output.layers.0.b"}

    def test_quiets_what_its_name_says(self, examples: tuple[Tensor, Tensor]) -> None:
        saturated = {}
        for init in ("unit", "quiet-output", "quiet-tanh", "kaiming"):
            model = MLPModel(MLPConfig(init=init), generator=torch.Generator().manual_seed(1))
            h = model.hidden(model.embedding(examples[0]))
            saturated[init] = (h.abs() > 0.97).double().mean().item()
        assert saturated["unit"] == saturated["quiet-output"] > 0.6
        assert saturated["quiet-tanh"] < 0.1
        assert saturated["quiet-tanh"] < saturated["kaiming"] < 0.4

    @pytest.mark.parametrize("n_hidden", [1, 3])
    def test_all_make_the_same_draws(self, n_hidden: int) -> None:
        def directions(init: str) -> list[Tensor]:
            options = MLPConfig(init=init, n_hidden=n_hidden)
            model = MLPModel(options, generator=torch.Generator().manual_seed(1)).double()
            return [p / p.norm() for name, p in model.named_parameters() if name.endswith("W")]

        for init in set(INITS) - {"unit", "zero"}:
            # scaled in float32, so compared to its seven digits
            assert all((a - b).abs().max() < 1e-7 for a, b in zip(directions(init), directions("unit"), strict=True))


class TestDeep:
    def test_equals_torchs_in_training_and_evaluation(self, g: torch.Generator) -> None:
        ours, judge = MLPModel(DEEP, generator=g).double(), torchs_deep_net()
        # in the order of the forward pass; torch's Linear holds the transpose of W
        pairs = list(zip(ours.parameters(), judge.named_parameters(), strict=True))
        with torch.no_grad():
            for mine, (name, other) in pairs:
                other.copy_(torchs(mine, name))
        for _ in range(3):
            ids, targets = torch.randint(27, (32, 3), generator=g), torch.randint(27, (32,), generator=g)
            logits, wanted = ours(ids), judge(ids)
            assert same(logits, wanted, FLOAT64)
        F.cross_entropy(logits, targets).backward()
        F.cross_entropy(wanted, targets).backward()
        for mine, (name, other) in pairs:
            assert same(torchs(mine.grad, name), other.grad, FLOAT64), name
        ours.eval(), judge.eval()
        assert same(ours(ids), judge(ids), FLOAT64)

    def test_the_last_gamma_keeps_the_first_loss_small(
        self, examples: tuple[Tensor, Tensor], g: torch.Generator
    ) -> None:
        model = MLPModel(DEEP, generator=g)  # in training mode, where the norm would bring logits to variance 1
        contexts, targets = examples
        assert abs(F.cross_entropy(model(contexts), targets).item() - math.log(27)) < 0.03


def torchs_deep_net() -> nn.Sequential:
    layers: list[tuple[str, nn.Module]] = [("table", nn.Embedding(27, 10)), ("flatten", nn.Flatten())]
    for i, fan_in in enumerate([30, 100, 100, 100, 100]):
        layers += [(f"linear{i}", nn.Linear(fan_in, 100, bias=False)), (f"norm{i}", nn.BatchNorm1d(100))]
        layers += [(f"tanh{i}", nn.Tanh())]
    layers += [("linear5", nn.Linear(100, 27, bias=False)), ("norm5", nn.BatchNorm1d(27))]
    return nn.Sequential(OrderedDict(layers)).double()


def torchs(mine: Tensor, name: str) -> Tensor:
    return mine.T if name.startswith("linear") else mine


class TestConfig:
    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"n_hidden": 0}, "n_hidden must be a whole number from 1 up; got 0"),
            ({"init": "kaimin"}, "no init 'kaimin'. Did you mean kaiming"),
            ({"batchnorm": "no"}, "no batchnorm 'no'. Did you mean none"),
            ({"batchnorm": True}, "no batchnorm True. Known: everywhere, hidden, none"),
            ({"momentum": 1.5}, "momentum must be from 0 to 1; got 1.5"),
            ({"momentum": math.nan}, "momentum must be from 0 to 1; got nan"),
        ],
    )
    def test_refuses_what_makes_no_sense(self, wrong: dict[str, object], words: str) -> None:
        with pytest.raises(ConfigError, match=words):
            MLPConfig(**wrong)  # type: ignore[arg-type]

    def test_momentum_reaches_every_batchnorm(self, g: torch.Generator) -> None:
        model = MLPModel(MLPConfig(batchnorm="everywhere", momentum=0.25), generator=g)
        momenta = [part.momentum for part in model.modules() if hasattr(part, "momentum")]
        assert same(momenta, [0.25, 0.25], EXACT)
