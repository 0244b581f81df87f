import copy
import random

import pytest
import torch

from zth.autograd import Value
from zth.autograd.nn import MLP, Layer, Module, Neuron
from zth.compare import same
from zth.errors import ConfigError, ShapeError


def test_a_neuron_worked_by_hand() -> None:
    neuron = Neuron(2)
    for p, x in zip(neuron.parameters(), [1.0, -2.0, 0.5], strict=True):
        p.data = x
    out = neuron([3.0, 1.0])  # 1 * 3 - 2 * 1 + 0.5
    out.backward()
    assert out.data == 1.5
    assert [p.grad for p in neuron.parameters()] == [3.0, 1.0, 1.0]
    assert neuron([-3.0, 1.0]).data == 0.0
    neuron.nonlin = False
    assert neuron([-3.0, 1.0]).data == -4.5


def tensor(numbers: list[float] | list[list[float]]) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def test_an_mlp_is_torchs() -> None:
    model = MLP(3, [5, 4, 2], rng=7)
    judge = torch.nn.Sequential(
        torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2)
    ).double()
    linears = [module for module in judge if isinstance(module, torch.nn.Linear)]
    with torch.no_grad():
        for layer, linear in zip(model.layers, linears, strict=True):
            linear.weight.copy_(tensor([[w.data for w in neuron.w] for neuron in layer.neurons]))
            linear.bias.copy_(tensor([neuron.b.data for neuron in layer.neurons]))
    inputs = [Value(0.3), Value(-1.2), Value(2.0)]
    x = tensor([v.data for v in inputs]).requires_grad_()
    out, wanted = model(inputs), judge(x)
    assert same([v.data for v in out], wanted)
    (out[0] * out[1]).backward()
    (wanted[0] * wanted[1]).backward()
    assert x.grad is not None
    assert same([v.grad for v in inputs], x.grad)
    for layer, linear in zip(model.layers, linears, strict=True):
        assert same([[w.grad for w in neuron.w] for neuron in layer.neurons], linear.weight.grad)
        assert same([neuron.b.grad for neuron in layer.neurons], linear.bias.grad)


def test_zero_grad_forgets() -> None:
    model = MLP(2, [3, 1])
    model([1.0, 2.0]).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert not any(p.grad for p in model.parameters())
    assert Module().parameters() == []


def test_the_lectures_net_has_337_parameters_and_micrograds_names() -> None:
    model = MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337
    assert repr(MLP(2, [2, 1])) == ("MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]")
    assert [neuron.nonlin for layer in model.layers for neuron in layer.neurons] == [True] * 32 + [False]


def test_a_seed_fixes_the_weights() -> None:
    def weights(**how: int | random.Random) -> list[float]:
        return [p.data for p in MLP(2, [3, 1], **how).parameters()]

    assert weights() == weights()
    assert weights(rng=1) == weights(rng=1) != weights(rng=2)
    generator = random.Random(1)
    assert weights(rng=generator) != weights(rng=generator)
    assert all(-1 <= w <= 1 for w in weights())
    neurons = Layer(2, 2).neurons
    assert [w.data for w in neurons[0].w] != [w.data for w in neurons[1].w]


def test_one_neuron_in_the_middle_will_do() -> None:
    assert isinstance(MLP(2, [1, 1])([0.5, 1.0]), Value)


def test_a_copy_trains_on_its_own() -> None:
    model = MLP(2, [2, 1])
    other = copy.deepcopy(model)
    other([1.0, 1.0]).backward()
    assert not any(p.grad for p in model.parameters())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"ReLUNeuron\(2\) got 3 inputs"):
        MLP(2, [2, 1])([1.0, 2.0, 3.0])
    for make in (lambda: Neuron(0), lambda: Layer(2, 0), lambda: MLP(2, []), lambda: MLP(2, [3, 0])):
        with pytest.raises(ConfigError, match="at least one"):
            make()


def test_a_layer_makes_one_node_of_a_plain_input() -> None:
    first, second = Layer(1, 2, nonlin=False)([0.5])
    (first + second).backward()
    products = [node.operands[1] for node in (first, second)]
    assert products[0].operands[1] is products[1].operands[1]
    assert products[0].operands[1].grad != 0.0
