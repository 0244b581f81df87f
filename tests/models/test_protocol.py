"""models/protocol.py: scoring, saving and loading, and that a model of another kind can join."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zth.compare import EXACT, FLOAT32, FLOAT64, same
from zth.errors import ConfigError, DataError, RunError, ShapeError, VocabularyError
from zth.models import IGNORED, Continuation, LanguageModel, NeuralNgramModel, NgramModel, evaluate
from zth.models.protocol import CONFIG_FILE, FAMILIES, TENSOR_FILE, evaluating, last_ids
from zth.sample import Sampling, sample_ids


class Running(nn.Module, LanguageModel):
    """A toy of the kind to come: a torch module that scores all positions in one pass and has a cache for sampling.

    Its state is the sum of the embeddings so far, so position t depends on everything before it.
    """

    family = "running"

    def __init__(self, vocab_size: int = 5) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.block_size = 64
        self.embedding = nn.Embedding(vocab_size, 8)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(8, vocab_size)
        self.n_positions_computed = 0

    def forward(self, ids: Tensor) -> Tensor:
        """(B, T) -> (B, T, V) logits."""
        self.n_positions_computed += ids.shape[1]
        return self.head(self.dropout(self.embedding(ids)).cumsum(1))

    def log_probs_everywhere(self, ids: Tensor) -> Tensor:
        return F.log_softmax(self.forward(ids), dim=-1)

    def log_probs(self, contexts: Tensor) -> Tensor:
        return self.log_probs_everywhere(contexts)[:, -1]

    def continuation(self, contexts: Tensor) -> Continuation:
        return RunningContinuation(self, contexts)

    def config(self) -> dict[str, Any]:
        return {"vocab_size": self.vocab_size}

    def tensors(self) -> dict[str, Tensor]:
        return self.state_dict()

    @classmethod
    def from_parts(cls, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        model = cls(**config)
        model.load_state_dict(dict(tensors))
        return model


class RunningContinuation(Continuation):
    """Keeps the sum instead of the ids."""

    model: Running

    def __init__(self, model: Running, contexts: Tensor) -> None:
        super().__init__(model, contexts)
        self.state = model.embedding(contexts).sum(1)

    def log_probs(self) -> Tensor:
        return F.log_softmax(self.model.head(self.state), dim=-1)

    def append(self, ids: Tensor) -> None:
        self.state = self.state + self.model.embedding(ids)


@pytest.fixture
def running() -> Running:
    torch.manual_seed(0)
    return Running()


@pytest.fixture
def counted() -> NgramModel:
    return NgramModel.fit(torch.tensor([[0], [1], [1], [2]]), torch.tensor([1, 2, 2, 0]), vocab_size=3, k=0.5)


class TestEvaluate:
    def test_is_the_mean_over_examples_worked_by_hand(self, counted: NgramModel) -> None:
        # p(1|0) = 1.5 / 2.5 and p(0|1) = 0.5 / 3.5
        loss = evaluate(counted, torch.tensor([[0], [1]]), torch.tensor([1, 0]))
        assert same(loss, -(math.log(1.5 / 2.5) + math.log(0.5 / 3.5)) / 2)

    @pytest.mark.parametrize("batch_size", [1, 3, 7, 1000])
    def test_does_not_depend_on_the_batch_size(self, counted: NgramModel, batch_size: int) -> None:
        contexts, targets = torch.arange(20)[:, None] % 3, torch.arange(20) % 2
        assert same(evaluate(counted, contexts, targets, batch_size=batch_size), evaluate(counted, contexts, targets))

    def test_is_torchs_cross_entropy(self, running: Running) -> None:
        ids, targets = torch.randint(5, (4, 6)), torch.randint(5, (4, 6))
        targets[1, 3:] = IGNORED
        running.eval()
        wanted = F.cross_entropy(running(ids).flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        assert same(evaluate(running, ids, targets, batch_size=13), wanted, FLOAT32)

    def test_scores_every_position_of_a_fixed_window_as_it_scores_windows(self) -> None:
        torch.manual_seed(0)
        model = NgramModel.fit(torch.randint(4, (50, 2)), torch.randint(4, (50,)), vocab_size=4, k=1)
        ids, targets = torch.randint(4, (3, 5)), torch.randint(4, (3, 5))
        padded = F.pad(ids, (1, 0))
        windows = torch.stack([padded[b, t : t + 2] for b in range(3) for t in range(5)])
        assert same(evaluate(model, ids, targets, batch_size=5), evaluate(model, windows, targets.flatten()), FLOAT64)

    def test_a_unigram_scores_every_position_too(self) -> None:
        model = NgramModel.fit(torch.empty(4, 0, dtype=torch.int64), torch.tensor([0, 1, 1, 1]), vocab_size=2)
        assert same(model.log_probs_everywhere(torch.zeros(2, 3, dtype=torch.int64)).exp(), [[[0.25, 0.75]] * 3] * 2)

    def test_leaves_the_mode_of_each_part_as_it_was(self, running: Running) -> None:
        running.head.eval()
        ids = torch.randint(5, (4, 6))
        assert evaluate(running, ids, ids) == evaluate(running, ids, ids)  # no dropout meanwhile
        assert (running.training, running.dropout.training, running.head.training) == (True, True, False)

    def test_restores_the_mode_after_an_error_too(self, running: Running) -> None:
        with pytest.raises(KeyError), evaluating(running):
            raise KeyError
        assert running.dropout.training
        assert torch.is_grad_enabled()

    @pytest.mark.parametrize(
        ("contexts", "targets", "error", "words"),
        [
            (
                torch.zeros(3, 1, dtype=torch.int64),
                torch.zeros(2, dtype=torch.int64),
                ShapeError,
                r"\(3, 1\).*\(2,\)",
            ),
            (torch.zeros(3, dtype=torch.int64), torch.zeros(3, dtype=torch.int64), ShapeError, "do not belong"),
            (torch.tensor([[3]]), torch.tensor([0]), VocabularyError, "contexts must be ids in 0 .. 2; got 3"),
            (torch.tensor([[0]]), torch.tensor([-2]), VocabularyError, "targets must be ids in 0 .. 2; got -2"),
            (torch.tensor([[0.0]]), torch.tensor([0]), VocabularyError, "float32"),
            (torch.tensor([[0]]), torch.tensor([IGNORED]), DataError, "nothing to score"),
            (torch.empty(0, 1, dtype=torch.int64), torch.empty(0, dtype=torch.int64), DataError, "nothing to score"),
            (torch.empty(2, 0, dtype=torch.int64), torch.empty(2, 0, dtype=torch.int64), DataError, "nothing to"),
        ],
    )
    def test_refuses_what_cannot_be_scored(
        self, counted: NgramModel, contexts: Tensor, targets: Tensor, error: type[Exception], words: str
    ) -> None:
        with pytest.raises(error, match=words):
            evaluate(counted, contexts, targets)

    def test_refuses_a_batch_of_none(self, counted: NgramModel) -> None:
        with pytest.raises(ConfigError, match="batch_size must be at least 1; got 0"):
            evaluate(counted, torch.tensor([[0]]), torch.tensor([0]), batch_size=0)


class TestJoining:
    """A model of another kind needs one file and one line."""

    def test_saves_and_loads(self, running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(FAMILIES, "running", f"{__name__}:Running")
        running.save(tmp_path / "new" / "model")
        again = LanguageModel.load(tmp_path / "new" / "model")
        assert type(again).__name__ == "Running"
        ids = torch.randint(5, (2, 7))
        assert evaluate(again, ids, ids) == evaluate(running, ids, ids)

    def test_samples_with_its_cache_as_without(self, running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        how = Sampling(end=None, max_length=12)
        cached = sample_ids(running, [1, 2], how, n=20, seed=3)
        assert running.n_positions_computed == 0
        monkeypatch.setattr(Running, "continuation", LanguageModel.continuation)
        assert sample_ids(running, [1, 2], how, n=20, seed=3) == cached
        assert running.n_positions_computed > 0
        assert len({tuple(ids) for ids in cached}) > 1

    def test_next_distribution(self, running: Running) -> None:
        probs = running.next_distribution([1, 4, 2])
        assert probs.shape == (5,)
        assert not probs.requires_grad
        assert same(probs.sum(), 1.0, FLOAT32)
        with pytest.raises(VocabularyError, match="got 9"):
            running.next_distribution([9])

    def test_a_continuation_sees_no_more_than_the_block(self, counted: NgramModel) -> None:
        continuation = counted.continuation(torch.tensor([[0, 1], [0, 2]]))
        continuation.append(torch.tensor([2, 0]))
        assert same(continuation.log_probs(), counted.log_probs(torch.tensor([[2], [0]])), EXACT)
        assert continuation.contexts.shape == (2, 1)

    def test_every_family_loads_its_own_class(self) -> None:
        from zth.models.protocol import _class_of

        for family in FAMILIES:
            assert _class_of(Path(), family).family == family


def test_last_ids_refuses_a_single_context() -> None:
    with pytest.raises(ShapeError, match=r"must be \(B, T\); got \(3,\)"):
        last_ids(torch.tensor([1, 2, 3]), 2)


class TestLoad:
    @pytest.fixture
    def folder(self, counted: NgramModel, tmp_path: Path) -> Path:
        counted.save(tmp_path)
        return tmp_path

    def test_saving_again_replaces_and_leaves_nothing_else(self, counted: NgramModel, folder: Path) -> None:
        counted.with_k(2).save(folder)
        assert NgramModel.load(folder).k == 2
        assert sorted(path.name for path in folder.iterdir()) == [CONFIG_FILE, TENSOR_FILE]

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(RunError, match=r"is not a saved model: it has no model\.json"):
            LanguageModel.load(tmp_path / "nowhere")

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"family": "ngram", "config": 3, "sha256": "x"}', "\0"])
    def test_a_foreign_config(self, folder: Path, text: str) -> None:
        (folder / CONFIG_FILE).write_text(text)
        with pytest.raises(RunError, match=r"model\.json (cannot be read|was not written by zth)"):
            LanguageModel.load(folder)

    def test_an_undecodable_config(self, folder: Path) -> None:
        (folder / CONFIG_FILE).write_bytes(b"\xff\xfe\xff")
        with pytest.raises(RunError, match="cannot be read"):
            LanguageModel.load(folder)

    def test_an_unknown_family(self, folder: Path) -> None:
        _edit(folder, family="n-gram")
        with pytest.raises(RunError, match=r"unknown family 'n-gram'\. Did you mean ngram\?"):
            LanguageModel.load(folder)

    def test_another_family_than_asked_for(self, folder: Path) -> None:
        with pytest.raises(RunError, match=r"holds a NgramModel, not a NeuralNgramModel\. Use NgramModel\.load"):
            NeuralNgramModel.load(folder)

    @pytest.mark.parametrize("keep", [0, 7, 100, -1])
    def test_a_truncated_tensor_file(self, folder: Path, keep: int) -> None:
        path = folder / TENSOR_FILE
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(RunError, match="is cut short or changed"):
            LanguageModel.load(folder)

    def test_a_missing_tensor_file(self, folder: Path) -> None:
        (folder / TENSOR_FILE).unlink()
        with pytest.raises(RunError, match=r"model\.safetensors cannot be read: No such file"):
            LanguageModel.load(folder)

    @pytest.mark.parametrize(
        "config", [{}, {"order": 2, "vocab_size": 3}, {"order": 1, "vocab_size": 3, "k": 0}, {"k": "inf", "order": 2}]
    )
    def test_a_config_that_does_not_fit(self, folder: Path, config: dict[str, object]) -> None:
        _edit(folder, config=config)
        with pytest.raises(RunError, match=r"does not fit model\.safetensors"):
            LanguageModel.load(folder)

    def test_a_place_that_cannot_be_written(self, counted: NgramModel, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(RunError, match=r"cannot be saved in .*file"):
            counted.save(tmp_path / "file")


def _edit(folder: Path, **changes: object) -> None:
    path = folder / CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
