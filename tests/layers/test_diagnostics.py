"""layers/diagnostics.py against numbers worked out beside the hooks: by hand, by retain_grad, as the lecture."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zth.compare import FLOAT32, same
from zth.layers import BatchNorm1d, Embedding, FlattenConsecutive, Linear, ReLU, Sequential, Tanh
from zth.layers.diagnostics import UpdateRatios, Watch, histogram, weight_gradients


def net(g: torch.Generator) -> Sequential:
    return Sequential(
        Embedding(27, 10, generator=g),
        FlattenConsecutive(3),
        Linear(30, 20, generator=g, bias=False),
        BatchNorm1d(20),
        Tanh(),
        Linear(20, 27, generator=g),
    )


def hooks(model: nn.Module) -> int:
    return sum(
        len(module._forward_hooks) + len(module._backward_hooks) + len(module._forward_pre_hooks)
        for module in model.modules()
    )


class TestWatch:
    def test_sees_what_the_layers_give(self, g) -> None:
        model, ids, targets = net(g), torch.randint(27, (32, 3), generator=g), torch.randint(27, (32,), generator=g)
        with Watch(model) as watch:
            loss = F.cross_entropy(model(ids), targets)
            loss.backward()
        # the same by hand; in training mode BatchNorm uses the batch alone
        x, outputs = ids, []
        for layer in model:
            x = layer(x)
            x.retain_grad()
            outputs.append(x)
        F.cross_entropy(x, targets).backward()
        activations, gradients = watch.activations(), watch.gradients()
        assert (
            [row.name for row in activations] == [row.name for row in gradients] == [f"layers.{i}" for i in range(6)]
        )
        assert [row.kind for row in activations] == [type(layer).__name__ for layer in model]
        for row, gradient, output in zip(activations, gradients, outputs, strict=True):
            assert same([row.mean, row.std], [output.mean(), output.std(correction=0)], FLOAT32)
            assert same([gradient.mean, gradient.std], [output.grad.mean(), output.grad.std(correction=0)], FLOAT32)
            assert sum(row.histogram.counts) == sum(gradient.histogram.counts) == output.numel()
        tanh = activations[4]
        assert tanh.saturation == pytest.approx((outputs[4].abs() > 0.97).double().mean().item())
        assert activations[3].saturation is None
        assert activations[3].dead == ()

    def test_leaves_no_hook_behind(self, g) -> None:
        model, ids = net(g), torch.zeros(4, 3, dtype=torch.int64)
        with Watch(model) as watch:
            assert hooks(model) == 6
            out = model(ids)
        assert hooks(model) == 0
        model(ids)
        out.sum().backward()  # behind the block: not seen
        assert watch.gradients() == []
        assert [sum(row.histogram.counts) for row in watch.activations()][-1] == 4 * 27

    def test_leaves_no_hook_behind_an_error(self, g) -> None:
        model = net(g)
        with pytest.raises(KeyError), Watch(model):
            raise KeyError
        assert hooks(model) == 0

    def test_changes_nothing(self, g) -> None:
        one = net(g)
        other = net(torch.Generator().manual_seed(2147483647))
        ids = torch.randint(27, (32, 3), generator=g)
        with Watch(one):
            one(ids).sum().backward()
        other(ids).sum().backward()
        for (name, p), q in zip(one.named_parameters(), other.parameters(), strict=True):
            assert torch.equal(p.grad, q.grad), name

    def test_dead_and_saturated_by_hand(self) -> None:
        x = torch.tensor([[3.0, 3.0, 0.0], [-3.0, 0.0, 0.0]])  # tanh(3) = 0.995
        with Watch(Sequential(Tanh())) as watch:
            watch.model(x)
        (row,) = watch.activations()
        assert row.flat == (1.0, 0.5, 0.0)
        assert (row.saturation, row.dead) == (0.5, (0,))
        for relu in (ReLU(), nn.ReLU()):
            with Watch(relu) as watch:
                relu(torch.tensor([[[1.0, -1.0, 0.0]], [[-1.0, -1.0, 2.0]]]))
            (row,) = watch.activations()
            assert (row.name, row.kind, row.flat, row.dead) == ("", "ReLU", (0.5, 1.0, 0.5), (1,))

    def test_the_edge_of_saturation(self) -> None:
        inside, outside = math.atanh(0.9699), math.atanh(0.9701)
        with Watch(nn.Tanh()) as watch:
            watch.model(torch.tensor([inside, outside, -inside, -outside]))
        assert watch.activations()[0].flat == (0, 1, 0, 1)

    def test_a_unit_is_dead_only_over_all_calls(self) -> None:
        with Watch(Tanh()) as watch:
            watch.model(torch.full((2, 2), 9.0))
            watch.model(torch.tensor([[9.0, 9.0], [9.0, 0.0]] + 18 * [[9.0, 9.0]]))
        (row,) = watch.activations()
        assert row.flat == (1, 21 / 22)
        assert row.dead == (0,)
        assert sum(row.histogram.counts) == 44

    def test_one_tanh_in_two_widths_is_two_rows(self, g) -> None:
        tanh = nn.Tanh()
        model = nn.Sequential(nn.Linear(3, 4), tanh, nn.Linear(4, 2), tanh)
        with Watch(model, only=(nn.Tanh,)) as watch:
            model(torch.randn(5, 3, generator=g)).sum().backward()
        assert [(row.name, len(row.flat)) for row in watch.activations()] == [("1", 4), ("1", 2)]
        assert watch.gradients()[1].mean == 1.0

    def test_is_not_fooled_by_what_works_in_place(self) -> None:
        model = nn.Sequential(nn.Identity(), nn.ReLU(inplace=True))
        with Watch(model) as watch:
            model(torch.tensor([[-2.0, 2.0]]))
        assert [row.mean for row in watch.activations()] == [0.0, 1.0]

    def test_takes_the_first_of_a_tuple_and_passes_over_the_rest(self, g) -> None:
        class Ids(nn.Module):
            def forward(self, x):
                return x.argmax(-1)

        gru, ids = nn.GRU(3, 4), Ids()
        model = nn.ModuleList([gru, ids])
        with Watch(model) as watch:
            out, _ = gru(torch.randn(5, 2, 3, generator=g))
            ids(out)
            gru(torch.zeros(5, 0, 3))
            out.sum().backward()
        assert [(row.name, row.kind, sum(row.histogram.counts)) for row in watch.activations()] == [("0", "GRU", 40)]
        assert [row.mean for row in watch.gradients()] == [1.0]

    def test_only_picks_modules_with_children_too(self, g) -> None:
        inner = Sequential(Linear(2, 3, generator=g), Tanh())
        with Watch(Sequential(inner, inner[1]), only=(Sequential,)) as watch, torch.no_grad():
            watch.model(torch.zeros(1, 2))
        assert [row.name for row in watch.activations()] == ["layers.0", ""]
        assert watch.gradients() == []

    def test_shows_a_net_that_has_diverged(self) -> None:
        with Watch(nn.Identity()) as watch:
            watch.model(torch.tensor([math.nan, math.inf, 1.0, 3.0]))
        (row,) = watch.activations()
        assert math.isnan(row.mean)
        assert sum(row.histogram.counts) == 2

    def test_takes_a_number_without_axes(self) -> None:
        with Watch(nn.Tanh()) as watch:
            watch.model(torch.tensor(9.0))
        assert watch.activations()[0].dead == (0,)


class TestHistogram:
    def test_is_numpys(self, g) -> None:
        values = torch.randn(40, 25, generator=g)
        counts, edges = np.histogram(values.double().numpy(), bins=100)
        ours = histogram(values)
        assert ours.counts == tuple(counts)
        assert same(ours.edges, edges)
        density, _ = np.histogram(values.double().numpy(), bins=100, density=True)
        assert same(ours.densities, density)
        assert same(ours.centres, (edges[1:] + edges[:-1]) / 2)

    @pytest.mark.parametrize("value", [0.0, 3.0, -1e-320, 1e30, 1e-8])
    @pytest.mark.parametrize("wobble", [0.0, 2.2e-16])
    def test_of_constants(self, value, wobble) -> None:
        ours = histogram(torch.tensor([value, value * (1 + wobble), value], dtype=torch.float64), bins=5)
        assert sum(ours.counts) == 3
        assert max(ours.counts) == 3
        assert ours.edges[0] < value < ours.edges[-1]
        assert sum(ours.densities) * (ours.edges[1] - ours.edges[0]) == pytest.approx(1)

    @pytest.mark.parametrize("values", [[], [math.nan, math.inf]])
    def test_of_nothing(self, values) -> None:
        ours = histogram(torch.tensor(values))
        assert (ours.edges, ours.counts, ours.densities, ours.centres) == ((), (), (), ())


class TestWeightGradients:
    def test_are_the_lectures(self, g) -> None:
        model = net(g)
        F.cross_entropy(model(torch.randint(27, (32, 3), generator=g)), torch.zeros(32).long()).backward()
        rows = {row.name: row for row in weight_gradients(model)}
        assert list(rows) == [name for name, _ in model.named_parameters()]
        for name, p in model.named_parameters():
            t = p.grad
            assert rows[name].shape == tuple(p.shape)
            assert same([rows[name].mean, rows[name].std], [t.mean(), t.std(correction=0)], FLOAT32)
            if p.dim() == 2:
                assert same(rows[name].ratio, t.std() / p.std(), FLOAT32)  # lecture 4's "grad:data ratio"
        assert rows["layers.5.b"].ratio == math.inf  # it begins at 0

    def test_of_what_has_none(self, g) -> None:
        model = net(g)
        assert weight_gradients(model) == []
        model[5].b.grad = torch.zeros(27)
        (row,) = weight_gradients(model)
        assert row.name == "layers.5.b"
        assert math.isnan(row.ratio)


class TestUpdateRatios:
    @pytest.mark.parametrize("rate", [0.1, 0.001])
    def test_are_the_lectures(self, rate, g) -> None:
        model = net(g).double()
        updates, wanted = UpdateRatios(model), []
        for _ in range(3):
            model.zero_grad()
            F.cross_entropy(model(torch.randint(27, (32, 3), generator=g)), torch.zeros(32).long()).backward()
            with updates.step(), torch.no_grad():
                for p in model.parameters():
                    p -= rate * p.grad
            # lecture 4
            wanted.append(
                [((rate * p.grad).std() / p.data.std()).log10().item() for p in model.parameters() if p.ndim == 2]
            )
        assert list(updates.ratios) == ["layers.0.C", "layers.2.W", "layers.5.W"]
        assert updates.steps == [0, 1, 2]
        assert same(np.array(list(updates.ratios.values())).T, wanted, FLOAT32)  # a difference of near numbers

    def test_of_any_optimizer(self, g) -> None:
        model = nn.Linear(50, 50)
        updates, optimizer = UpdateRatios(model), torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0)
        model(torch.randn(8, 50, generator=g)).square().sum().backward()
        with updates.step(7):
            optimizer.step()
        with updates.step():
            pass
        assert updates.steps == [7, 8]
        # Adam's first step is the rate for each weight, up or down
        assert updates.ratios["weight"][0] == pytest.approx(math.log10(1e-3 / model.weight.std().item()), abs=0.01)
        assert updates.ratios["weight"][1] == -math.inf

    def test_of_weights_without_spread(self) -> None:
        model = nn.Linear(2, 2, bias=False)
        nn.init.zeros_(model.weight)
        updates = UpdateRatios(model)
        with updates.step():
            pass
        assert math.isnan(updates.ratios["weight"][0])

    def test_a_step_that_fails_leaves_no_number(self) -> None:
        updates = UpdateRatios(nn.Linear(2, 2))
        with pytest.raises(KeyError), updates.step():
            raise KeyError
        assert updates.steps == updates.ratios["weight"] == []
