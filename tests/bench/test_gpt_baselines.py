"""bench/gpt_baselines.py: the baselines are what they say, and the same functions as ours with the same weights."""

from __future__ import annotations

import dataclasses
import importlib
import math
from types import ModuleType

import numpy as np
import pytest
import torch

from zth.compare import FLOAT32, FLOAT64, same
from zth.data.stream import Ids, all_windows
from zth.models import GPTModel, evaluate
from zth.models.gpt import preset
from zth.train.backends import AutogradSteps
from zth.train.batches import Passage


@pytest.fixture
def bench(modules) -> ModuleType:
    torch.manual_seed(1337)
    return importlib.import_module("gpt_baselines")


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
    import _gpt_weights

    setting = bench.LectureSetting(block_size=16, n_embd=24, n_head=3, n_layer=2)
    theirs = bench.LectureScript(setting).double().eval()
    with torch.no_grad():
        for p in theirs.parameters():
            p += 0.2 * torch.randn(p.shape, dtype=torch.float64)
    ours = GPTModel(_gpt_weights.lecture_options(setting), generator=torch.Generator()).double().eval()
    ours.load_state_dict(_gpt_weights.lecture_weights(theirs, setting))
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
    import _gpt_weights

    setting = bench.NanoSetting(block_size=16, n_embd=24, n_head=3, n_layer=2)
    theirs = bench.NanoGPT(setting).double().eval()
    ours = GPTModel(_gpt_weights.nano_options(setting), generator=torch.Generator()).double().eval()
    ours.load_state_dict(_gpt_weights.nano_weights(theirs))
    ids = text[:32].view(2, 16)
    assert same(ours(ids), theirs(ids)[0], FLOAT64)
    laptop = preset("gpt2", vocab_size=65, block_size=64, width=128, heads=4, layers=4, biases="none", mlp="gelu")
    assert _gpt_weights.nano_options(bench.LAPTOP) == dataclasses.replace(laptop, dropout=0.0)


def test_nanogpts_training_is_one_of_ours(bench, text) -> None:
    """The same weights, batches and rates give the same losses: so decay, clipping and AdamW are the same."""
    import _gpt_sides
    import _gpt_weights

    setting = bench.NanoSetting(
        block_size=16, n_embd=24, n_head=3, n_layer=2, batch_size=3, max_iters=12, warmup_iters=4, lr_decay_iters=12
    )
    theirs = bench.NanoGPT(setting).double()
    ours = GPTModel(_gpt_weights.nano_options(setting), generator=torch.Generator()).double()
    ours.load_state_dict(_gpt_weights.nano_weights(theirs))
    torch.manual_seed(7)
    wanted = list(bench.train_nano(theirs, text, setting))
    torch.manual_seed(7)
    starts = np.stack([torch.randint(700 - 16, (3,)).numpy() for _ in range(12)])
    blocks = Passage(ids=Ids([text.numpy()]), block_size=16).blocks(batch_size=3, seed=1)
    steps = AutogradSteps(ours, blocks.at, _gpt_sides.config_as_nano(setting), seed=1)
    got = steps.run(starts, np.array([bench.nano_lr(it, setting) for it in range(12)]))
    assert same(got, wanted, FLOAT64)
    assert wanted[-1] < wanted[0] - 0.01  # they moved


@pytest.mark.parametrize("name", ["lecture", "nano"])
def test_they_train(bench, name) -> None:
    repeating = (torch.arange(700) * 7) % 65
    if name == "lecture":
        setting = bench.LectureSetting(n_embd=16, n_layer=1, block_size=8, max_iters=30)
        losses = [*bench.train_lecture(bench.LectureScript(setting), repeating, setting)]
    else:
        setting = bench.NanoSetting(
            n_embd=16, n_layer=1, block_size=8, warmup_iters=5, learning_rate=1e-2, max_iters=30
        )
        losses = [*bench.train_nano(bench.NanoGPT(setting), repeating, setting)]
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
