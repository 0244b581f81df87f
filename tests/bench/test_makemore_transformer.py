"""bench/makemore_transformer.py: the baseline is what it says; our rows and our loss are its."""

from __future__ import annotations

import math
from types import ModuleType

import pytest
import torch

from zth.compare import FLOAT32, FLOAT64, same
from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.data.windows import padded_lines
from zth.models import GPTModel, evaluate
from zth.models.gpt import preset

TINY = {"n_embd": 16, "n_head": 2, "n_layer": 1}


@pytest.fixture
def bench(modules) -> ModuleType:
    torch.manual_seed(3407)
    import makemore_transformer

    return makemore_transformer


def test_it_has_as_many_parameters_as_the_source_prints(bench) -> None:
    model = bench.MakemoreTransformer()
    assert sum(p.numel() for p in model.parameters()) == 204_544


def test_it_sees_nothing_that_comes_later(bench) -> None:
    model = bench.MakemoreTransformer(bench.MakemoreSetting(**TINY)).eval()
    ids = torch.randint(27, (2, 16))
    changed = ids.clone()
    changed[:, 9:] = (changed[:, 9:] + 1) % 27
    assert torch.equal(model(ids)[0][:, :9], model(changed)[0][:, :9])
    assert not same(model(ids)[0][:, 9], model(changed)[0][:, 9], FLOAT32)


def test_its_activation_is_torchs_tanh_gelu(bench) -> None:
    x = torch.linspace(-4, 4, 101, dtype=torch.float64)
    assert same(bench.TanhGELU()(x), torch.nn.functional.gelu(x, approximate="tanh"), FLOAT64)


def test_a_thousand_words_are_the_test(bench) -> None:
    words = names()
    train, test = bench.split_words(words)
    assert (len(train), len(test)) == (31_033, 1000)
    assert sorted(train + test) == sorted(words)
    torch.manual_seed(3407)  # what the source does before it draws
    assert test[-1] == words[torch.randperm(len(words))[-1]]
    assert len(bench.split_words(words[:50])[1]) == 5


def test_our_rows_are_its_rows(bench) -> None:
    words = names()
    characters = "".join(sorted(set("".join(words))))
    rows = bench.rows_of(words[:300], characters, 16)
    ids, targets = padded_lines([*words[:300], max(words, key=len)], Vocabulary.of_lines(words), 16)
    assert torch.equal(rows[0], ids[:-1])
    assert torch.equal(rows[1], targets[:-1])


def test_its_measure_is_ours(bench) -> None:
    model = GPTModel(preset("nano", vocab_size=27, output_init="scaled"), generator=torch.Generator().manual_seed(1))
    rows = bench.rows_of(names()[:250], "abcdefghijklmnopqrstuvwxyz", 16)
    assert same(bench.mean_loss(model.eval(), rows), evaluate(model, *rows), FLOAT32)


def test_it_trains(bench) -> None:
    setting = bench.MakemoreSetting(**TINY, max_iters=60, learning_rate=1e-2)
    rows = bench.rows_of(["abc", "abd"], "abcd", 16)
    losses = [*bench.train_makemore(bench.MakemoreTransformer(setting), rows, setting)]
    assert len(losses) == 60
    assert abs(losses[0] - math.log(27)) < 0.6
    assert losses[-1] < 0.4  # ln 2 of every 4 characters is by chance
