"""Matrix products in bfloat16: where, how near to float32, and that weights and losses stay what they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from zth.data.sources import load
from zth.data.stream import Ids
from zth.errors import ConfigError
from zth.layers import matmul
from zth.models import MLPConfig, MLPModel
from zth.models.gpt import GPTModel, preset
from zth.runs import metrics, read
from zth.seeds import stream
from zth.train import TrainConfig, Trainer, backends
from zth.train.batches import Passage
from zth.train.job import Job
from zth.train.long_text import LongText
from zth.train.resume import resume

TEXT = Passage(ids=Ids([np.arange(600) % 7]), block_size=16)


def net() -> GPTModel:
    return GPTModel(preset("nano", vocab_size=7), generator=stream(3, "init"))


def trained(precision: str, steps: int = 40) -> tuple[NDArray[np.float64], Trainer]:
    config = TrainConfig(steps=steps, batch_size=4, optimizer="muon", lr=0.02, precision=precision)  # type: ignore[arg-type]
    trainer = Trainer(net(), TEXT, config, seed=1)
    return trainer.run(steps), trainer


def test_bfloat16_learns_the_same_up_to_its_rounding() -> None:
    """A forward pass that kept the weights it has cast would not learn at all."""
    (exact, _), (rounded, trainer) = trained("float32"), trained("bfloat16")
    assert not np.array_equal(exact, rounded)
    assert exact[-1] < 0.5 * exact[0]
    np.testing.assert_allclose(rounded, exact, atol=0.05)
    assert trainer.precision == "bfloat16"
    assert {p.dtype for p in trainer.net.parameters()} == {torch.float32}
    assert {t.dtype for t in trainer.state().values()} <= {torch.float32, torch.int64}


@pytest.mark.parametrize(("native", "wanted"), [(True, "bfloat16"), (False, "float32")])
def test_auto_asks_the_processor(native: bool, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "native_bfloat16", lambda _: native)
    assert backends.precision_for(net(), TrainConfig()) == wanted
    assert backends.precision_for(net(), TrainConfig(precision="float32")) == "float32"
    assert backends.precision_for(net(), TrainConfig(precision="bfloat16")) == "bfloat16"
    small = MLPModel(MLPConfig(hidden=5), generator=stream(3, "init"))
    assert backends.precision_for(small, TrainConfig()) == "float32"


@pytest.mark.parametrize(
    ("told", "wanted"),
    [({}, False), ({"avx512_f": True}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)],
)
def test_what_the_processor_tells(told: dict[str, bool], wanted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert matmul.native_bfloat16() is wanted


def test_of_an_older_torch_nothing_is_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not matmul.native_bfloat16()


def test_a_training_goes_on_in_the_precision_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "verse.txt"
    path.write_text(40 * "So late into the night\n")
    config = TrainConfig(steps=40, batch_size=4, optimizer="muon", lr=0.02)

    def job(asked: int) -> Job:
        calls = iter(range(asked))
        return Job(
            text=LongText.of(load(path, kind="text")),
            family="gpt",
            options={"layers": 1, "heads": 2, "width": 16, "block_size": 8},
            config=config,
            stop=lambda: next(calls, None) is None,
        )

    monkeypatch.setattr(backends, "native_bfloat16", lambda _: True)
    whole = job(10**6).start(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        job(3).start(tmp_path / "cut")
    (folder,) = (tmp_path / "cut").iterdir()
    assert read(folder).meta["config"]["train"]["precision"] == "bfloat16"
    monkeypatch.setattr(backends, "native_bfloat16", lambda _: False)
    resume(folder)
    losses, wanted = ([row["loss"] for row in metrics(each)] for each in (folder, whole.folder))
    assert losses == wanted


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ConfigError, match="There is no precision 'float16'"):
        TrainConfig(precision="float16")  # type: ignore[arg-type]
