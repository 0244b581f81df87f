"""layers/sequential.py against torch.nn.Sequential; the lectures' nets against the same of torch's modules."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zth.compare import EXACT, same
from zth.errors import ConfigError
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, Sequential, Sum, Tanh


def test_runs_in_order_as_torchs(dtype, judge, g) -> None:
    layers = [Linear(4, 5, generator=g).to(dtype), Tanh(), Linear(5, 3, generator=g).to(dtype)]
    judge(Sequential(*layers), nn.Sequential(*layers), torch.randn(6, 4, generator=g).to(dtype))


def test_is_a_sequence(g) -> None:
    layers = [Linear(4, 5, generator=g), Tanh()]
    model = Sequential(*layers)
    assert list(model) == layers
    assert (len(model), model[0], model[-1]) == (2, *layers)
    model.layers.append(Linear(5, 2, generator=g))
    assert model(torch.zeros(1, 4)).shape == (1, 2)
    assert list(model.state_dict()) == ["layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b"]
    x = torch.ones(2)
    assert Sequential()(x) is x


def test_refuses_a_list(g) -> None:
    with pytest.raises(ConfigError, match=r"got list. Unpack a list: Sequential\(\*layers\)"):
        Sequential([Tanh()])
    with pytest.raises(ConfigError, match="got type"):
        Sequential(Linear(4, 5, generator=g), Tanh)


def deep(g: torch.Generator) -> Sequential:
    """Lecture 4's: five hidden layers of 100, BatchNorm behind every Linear, the last one too."""
    layers: list[nn.Module] = [Embedding(27, 10, generator=g), FlattenConsecutive(3)]
    for fan_in in (30, 100, 100, 100, 100):
        layers += [Linear(fan_in, 100, generator=g, bias=False), BatchNorm1d(100), Tanh()]
    return Sequential(*layers, Linear(100, 27, generator=g, bias=False), BatchNorm1d(27))


def wavenet(width: int, hidden: int, g: torch.Generator) -> Sequential:
    """Lecture 6's tree of pairs over 8 characters."""
    layers: list[nn.Module] = [Embedding(27, width, generator=g)]
    for fan_in in (width, hidden, hidden):
        layers += [FlattenConsecutive(2), Linear(2 * fan_in, hidden, generator=g, bias=False)]
        layers += [BatchNorm1d(hidden), Tanh()]
    return Sequential(*layers, Linear(hidden, 27, generator=g))


def n_parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_the_lectures_sizes(g) -> None:
    assert n_parameters(deep(g)) == 47024  # lecture 4
    assert n_parameters(wavenet(10, 68, g)) == 22397  # lecture 6, "22K"
    assert n_parameters(wavenet(24, 128, g)) == 76579  # lecture 6, "76K"


class Last(nn.Module):
    """torch's BatchNorm1d for channels last."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(n_features)

    def forward(self, x):
        return self.norm(x) if x.dim() == 2 else self.norm(x.transpose(1, 2)).transpose(1, 2)


def of_torchs(model: Sequential) -> nn.Sequential:
    """The same net, with the same weights, of torch's modules."""
    layers: list[nn.Module] = []
    for layer in model:
        match layer:
            case Embedding():
                theirs = nn.Embedding.from_pretrained(layer.C.detach().clone(), freeze=False)
            case Linear():
                theirs = nn.Linear(*layer.W.shape, bias=layer.b is not None)
                theirs.weight.data = layer.W.detach().T.clone()
                if layer.b is not None:
                    theirs.bias.data = layer.b.detach().clone()
            case BatchNorm1d():
                theirs = Last(len(layer.gamma))
            case Tanh():
                theirs = nn.Tanh()
            case FlattenConsecutive():
                theirs = layer
        layers.append(theirs)
    return nn.Sequential(*layers).to(layer.state_dict().popitem()[1].dtype)


@pytest.mark.parametrize(
    ("build", "block_size"), [(deep, 3), (lambda g: wavenet(10, 68, g), 8)], ids=["deep", "wavenet"]
)
def test_a_net_of_the_lectures_equals_one_of_torchs(build, block_size, dtype, judge, g) -> None:
    ours = build(g).to(dtype)
    theirs = of_torchs(ours)
    named = zip(ours.named_parameters(), theirs.parameters(), strict=True)
    pairs = [(mine, torchs, name.endswith(".W")) for (name, mine), torchs in named]
    for _ in range(2):
        judge(ours, theirs, torch.randint(27, (32, block_size), generator=g), pairs)
    judge(ours.eval(), theirs.eval(), torch.randint(27, (1, block_size), generator=g), pairs)


def test_its_state_moves_to_another(g) -> None:
    one, other = deep(g), deep(g)
    ids = torch.randint(27, (32, 3), generator=g)
    one(ids)
    other.load_state_dict(one.state_dict())
    assert same(other.eval()(ids), one.eval()(ids), EXACT)


def test_a_sum_adds_its_branches(g) -> None:
    x = torch.randn(4, 3)
    layers = [Linear(3, 2, generator=g), Sequential(Linear(3, 2, generator=g), Tanh()), Linear(3, 2, generator=g)]
    assert torch.allclose(Sum(*layers)(x), layers[0](x) + layers[1](x) + layers[2](x))
    assert torch.equal(Sum(Sequential())(x), x)
    assert len(list(Sum(*layers).parameters())) == 6
    with pytest.raises(ConfigError, match="at least one branch"):
        Sum()
