"""bench/gpt_baselines.py: the baselines are what they say, and the same functions as ours with the same weights."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from zth.compare import FLOAT32, FLOAT64, same
from zth.data.stream import Ids, all_windows
from zth.models import GPTModel, evaluate
from zth.models.gpt import preset

BENCH = str(Path(__file__).parents[2] / "bench")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(BENCH)
    torch.manual_seed(1337)
    import gpt_baselines

    yield gpt_baselines
    sys.modules.pop("gpt_baselines")


@pytest.fixture
def text() -> torch.Tensor:
    return torch.randint(65, (700,), generator=torch.Generator().manual_seed(1))


def test_sizes_are_the_sources(bench) -> None:
    def count(model: torch.nn.Module) -> int:
        return sum(p.numel() for p in model.parameters())

    assert count(bench.LectureScript()) == 209_729  # the notebook prints 0.209729 M parameters
    assert count(bench.LectureScript(bench.LARGE)) == 10_788_929
    assert count(bench.NanoGPT()) - 64 * 128 == 795_904  # it prints 0.80M, positions left out
    assert round(bench.nano_lr(0), 9) == round(1e-3 / 101, 9)
    assert bench.nano_lr(100) == 1e-3
    assert math.isclose(bench.nano_lr(2000), 1e-4)


def test_the_lectures_preset_is_the_lectures_script(bench, text) -> None:
    """Letter for letter: with the same weights the same logits, so the same biases, scales, norms and positions."""
    setting = bench.LectureSetting(block_size=16, n_embd=24, n_head=3, n_layer=2)
    theirs = bench.LectureScript(setting).double().eval()
    options = preset("lecture", vocab_size=65, block_size=16, width=24, heads=3, layers=2)
    ours = GPTModel(options, generator=torch.Generator()).double().eval()
    with torch.no_grad():
        for p in theirs.parameters():
            p += 0.2 * torch.randn(p.shape, dtype=torch.float64)
    state = {
        "embedding.C": theirs.token_embedding_table.weight,
        "positions.C": theirs.position_embedding_table.weight,
    }
    for i, block in enumerate(theirs.blocks):
        heads = block.sa.heads
        linears = [getattr(head, name) for name in ("query", "key", "value") for head in heads]
        at = f"blocks.{i}."
        state[at + "attention.qkv.W"] = torch.cat([linear.weight.T for linear in linears], 1)
        pairs = {"attention.output": block.sa.proj, "mlp.up": block.ffwd.net[0], "mlp.down": block.ffwd.net[2]}
        for name, linear in pairs.items():
            state[f"{at}{name}.W"], state[f"{at}{name}.b"] = linear.weight.T, linear.bias
        for name, norm in {"norm1": block.ln1, "norm2": block.ln2}.items():
            state[f"{at}{name}.gamma"], state[f"{at}{name}.beta"] = norm.weight, norm.bias
    state |= {"norm.gamma": theirs.ln_f.weight, "norm.beta": theirs.ln_f.bias}
    state |= {"head.W": theirs.lm_head.weight.T, "head.b": theirs.lm_head.bias}
    ours.load_state_dict(state)
    ids = text[:32].view(2, 16)
    assert same(ours(ids), theirs(ids)[0], FLOAT64)
    # and as much spread at the start
    fresh, begun = (
        bench.LectureScript(bench.LARGE),
        GPTModel(preset("lecture", vocab_size=65), generator=torch.Generator()),
    )
    for mine, other in (
        (begun.head.W, fresh.lm_head.weight),
        (begun.positions.C, fresh.position_embedding_table.weight),
    ):
        assert abs(mine.std().item() / other.std().item() - 1) < 0.03


def test_nanogpts_model_is_one_of_ours(bench, text) -> None:
    theirs = bench.NanoGPT(bench.NanoSetting(block_size=16, n_embd=24, n_head=3, n_layer=2)).double().eval()
    options = preset(
        "gpt2", vocab_size=65, block_size=16, width=24, heads=3, layers=2, biases="none", mlp="gelu", dropout=0.0
    )
    ours = GPTModel(options, generator=torch.Generator()).double().eval()
    state = {"embedding.C": theirs.wte.weight, "positions.C": theirs.wpe.weight, "norm.gamma": theirs.ln_f.weight}
    for i, block in enumerate(theirs.h):
        at = f"blocks.{i}."
        state[at + "norm1.gamma"], state[at + "norm2.gamma"] = block.ln_1.weight, block.ln_2.weight
        state[at + "attention.qkv.W"], state[at + "attention.output.W"] = (
            block.attn.c_attn.weight.T,
            block.attn.c_proj.weight.T,
        )
        state[at + "mlp.up.W"], state[at + "mlp.down.W"] = block.mlp.c_fc.weight.T, block.mlp.c_proj.weight.T
    ours.load_state_dict(state)
    ids = text[:32].view(2, 16)
    assert same(ours(ids), theirs(ids)[0], FLOAT64)


@pytest.mark.parametrize("name", ["lecture", "nano"])
def test_they_train(bench, text, name) -> None:
    losses = []

    def watch(step: int, loss: float) -> bool:
        losses.append(loss)
        return step < 30

    repeating = (torch.arange(700) * 7) % 65
    if name == "lecture":
        setting = bench.LectureSetting(n_embd=16, n_layer=1, block_size=8)
        bench.train_lecture(bench.LectureScript(setting), repeating, setting, watch)
    else:
        setting = bench.NanoSetting(n_embd=16, n_layer=1, block_size=8, warmup_iters=5, learning_rate=1e-2)
        bench.train_nano(bench.NanoGPT(setting), repeating, setting, watch)
    assert len(losses) == 30
    assert abs(losses[0] - math.log(65)) < 0.1
    assert losses[-1] < losses[0] - 0.1


def test_the_measure_is_ours(bench, text) -> None:
    model = GPTModel(preset("nano", vocab_size=65, output_init="scaled"), generator=torch.Generator().manual_seed(1))
    for n in (700, 641, 642):  # 642 ids: exactly 40 blocks of 16 and one prediction more
        ours = evaluate(model, *all_windows(Ids([text[:n].numpy()]), 16))
        assert same(bench.whole_dev_loss(model.eval(), text[:n], 16), ours, FLOAT32)


def test_generate_appends(bench) -> None:
    model = bench.LectureScript(bench.LectureSetting(n_embd=16, n_layer=1, block_size=8))
    assert model.generate(torch.zeros(2, 1, dtype=torch.long), 20).shape == (2, 21)
