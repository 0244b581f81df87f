"""models/wavenet.py: tree and convolutions agree with each other and with torch's convolutions."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.compare import FLOAT64, same
from zth.errors import ConfigError
from zth.models import WaveNetConfig, WaveNetModel


@pytest.fixture
def g() -> torch.Generator:
    return torch.Generator().manual_seed(42)


def trained(options: WaveNetConfig, g: torch.Generator) -> WaveNetModel:
    """In float64, with weights and running statistics that are not the first ones, in evaluation mode."""
    model = WaveNetModel(options, generator=g).double()
    with torch.no_grad():
        for p in model.parameters():
            p += 0.2 * torch.randn(p.shape, generator=g)
        for _ in range(5):
            model(torch.randint(27, (64, options.block_size), generator=g))
    return model.eval()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [(WaveNetConfig(), 76_579), (WaveNetConfig(embedding=10, hidden=68), 22_397)],
    ids=["76K", "22K"],
)
def test_has_the_lectures_number_of_parameters(options: WaveNetConfig, wanted: int, g: torch.Generator) -> None:
    assert sum(p.numel() for p in WaveNetModel(options, generator=g).parameters()) == wanted


class TestTree:
    def test_has_the_lectures_shapes(self, g: torch.Generator) -> None:
        model = WaveNetModel(WaveNetConfig(), generator=g)
        shapes: list[tuple[int, ...]] = []
        for part in [model.embedding, *model.levels, model.output]:
            part.register_forward_hook(lambda _part, _x, y: shapes.append(tuple(y.shape)))
        model(torch.zeros(4, 8, dtype=torch.int64))
        assert shapes == [(4, 8, 24), (4, 4, 128), (4, 2, 128), (4, 128), (4, 27)]

    @pytest.mark.parametrize("batchnorm", [True, False])
    def test_equals_torchs_strided_convolutions_in_training(self, batchnorm: bool, g: torch.Generator) -> None:
        """Outputs and gradients; a pair's Linear is a convolution of kernel 2 and stride 2."""
        model = WaveNetModel(WaveNetConfig(hidden=16, batchnorm=batchnorm), generator=g).double()
        ids, targets = torch.randint(27, (32, 8), generator=g), torch.randint(27, (32,), generator=g)
        x = model.embedding.C[ids].transpose(1, 2)  # channels first, as torch has them
        for level in model.levels:
            x = F.conv1d(x, kernel(level[0].W), level[0].b, stride=2)
            if batchnorm:
                x = F.batch_norm(x, None, None, level[1].gamma, level[1].beta, training=True)
            x = x.tanh()
        wanted = F.linear(x[:, :, 0], model.output.W.T, model.output.b)
        logits = model(ids)
        assert same(logits, wanted, FLOAT64)
        ours, theirs = (
            torch.autograd.grad(F.cross_entropy(y, targets), list(model.parameters())) for y in (logits, wanted)
        )
        assert all(same(a, b, FLOAT64) for a, b in zip(ours, theirs, strict=True))


class TestConvolutions:
    @pytest.mark.parametrize("block_size", [2, 4, 8, 16])
    @pytest.mark.parametrize("length", [0, 1, 5, 16])
    def test_give_the_trees_logits(self, block_size: int, length: int, g: torch.Generator) -> None:
        model = trained(WaveNetConfig(block_size=block_size, hidden=20), g)
        ids = torch.randint(27, (9, length), generator=g)
        everywhere = model.logits_everywhere(ids)
        assert everywhere.shape == (9, length, 27)
        for t in range(length):
            assert same(everywhere[:, t], model(ids[:, : t + 1]), FLOAT64)

    def test_equal_torchs_dilated_convolutions(self, g: torch.Generator) -> None:
        model = trained(WaveNetConfig(hidden=20), g)
        ids = torch.randint(27, (9, 12), generator=g)
        x = model.embedding.C[F.pad(ids, (7, 0))].transpose(1, 2)
        for number, level in enumerate(model.levels):
            linear, norm, _ = level
            x = F.conv1d(x, kernel(linear.W), dilation=2**number)
            x = F.batch_norm(x, norm.running_mean, norm.running_var, norm.gamma, norm.beta).tanh()
        wanted = F.linear(x.transpose(1, 2), model.output.W.T, model.output.b)
        assert same(model.logits_everywhere(ids), wanted, FLOAT64)

    def test_look_back_over_the_block_and_never_ahead(self, g: torch.Generator) -> None:
        model = trained(WaveNetConfig(hidden=20), g)
        ids = torch.randint(1, 27, (1, 20), generator=g)
        other = ids.clone()
        other[0, 6] = other[0, 6] % 26 + 1
        moved = (model.logits_everywhere(ids) - model.logits_everywhere(other)).abs().amax((0, 2)) > 1e-9
        assert moved.nonzero().flatten().tolist() == list(range(6, 14))  # itself and the 7 behind it

    def test_compute_each_node_once(self, g: torch.Generator) -> None:
        """3 nodes a position (and 3 for all that lies before the text) instead of 7."""
        model = trained(WaveNetConfig(hidden=20), g)
        n_nodes = 0

        def count(_part: nn.Module, _x: object, y: Tensor) -> None:
            nonlocal n_nodes
            n_nodes += y[..., 0].numel()

        for level in model.levels:
            level.register_forward_hook(count)
        model.logits_everywhere(torch.zeros(1, 100, dtype=torch.int64))
        assert n_nodes == 3 * 100 + 3
        n_nodes = 0
        model(torch.zeros(100, 8, dtype=torch.int64))
        assert n_nodes == 7 * 100


def kernel(W: Tensor) -> Tensor:
    """A pair's (2C, H) weights -> torch's (H, C, 2) of a convolution."""
    return W.view(2, -1, W.shape[1]).permute(2, 1, 0)


@pytest.mark.parametrize("block_size", [1, 3, 6, 12])
def test_refuses_a_block_that_is_no_tree(block_size: int) -> None:
    with pytest.raises(ConfigError, match=rf"block_size must be 2, 4, 8, 16, \.\.\.; got {block_size}\."):
        WaveNetConfig(block_size=block_size)


def test_refuses_a_momentum_outside() -> None:
    with pytest.raises(ConfigError, match=r"momentum must be from 0 to 1; got -0\.1"):
        WaveNetConfig(momentum=-0.1)
