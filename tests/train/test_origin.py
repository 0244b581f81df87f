"""Finetuning: weights that follow their characters, what is refused, and trainings that stop and go on."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from zth.data.sources import load
from zth.data.vocab import Vocabulary
from zth.errors import ConfigError, DataError, RunError, VocabularyError
from zth.models.protocol import LanguageModel, build, config_class
from zth.runs import Run, metrics, read
from zth.seeds import stream
from zth.train import TrainConfig, Trainer, running
from zth.train import job as file
from zth.train.chosen import FINETUNE_LR, FINETUNE_STEPS, chosen, fitted
from zth.train.examples import Text
from zth.train.job import Job
from zth.train.long_text import LongText, read_for
from zth.train.origin import Origin, load_vocabulary, vocabulary_axes
from zth.train.resume import resume

NANO = {"layers": 1, "heads": 2, "width": 16, "block_size": 8, "output_init": "same"}
VERSE = "So we'll go no more a roving\nSo late into the night,\n\n"
FAMILIES: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": 12, "embedding": 4, "batchnorm": "everywhere", "direct": True},
    "wavenet": {"hidden": 12, "embedding": 4, "block_size": 4},
    "rnn": {"hidden": 12, "embedding": 4},
    "gru": {"hidden": 12, "embedding": 4},
    "gpt": NANO,
    "gpt, tied and learned": {**NANO, "tie_weights": True, "positions": "learned", "biases": "lecture"},
}


def job(
    text: Text | LongText, family: str, options: dict[str, Any], origin: Origin | None = None, **more: Any
) -> Job:
    config = TrainConfig(**{"steps": 30, "batch_size": 8, "lr": 0.003, **more.pop("config", {})})
    return Job(text=text, family=family, options=options, config=config, origin=origin, **more)


@pytest.fixture(scope="module")
def verse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT that was trained on a verse."""
    root = tmp_path_factory.mktemp("verse")
    (root / "verse.txt").write_text(20 * VERSE)
    return job(LongText.of(load(root / "verse.txt")), "gpt", NANO, config={"lr": 0.03}).start(root).folder


@pytest.fixture
def new_text(tmp_path: Path) -> Path:
    path = tmp_path / "new.txt"
    path.write_text(20 * VERSE.replace("night", "d$y! #"))
    return path


@pytest.mark.parametrize("name", FAMILIES)
def test_logits_of_the_old_characters_stay_what_they_were(name: str, tmp_path: Path) -> None:
    """The judge: the old net itself. New characters move every id, and the logits of the old ones stay equal."""
    family, options = name.split(",")[0], FAMILIES[name]
    (tmp_path / "old.txt").write_text("\n".join(["emma", "olivia", "ava", "mia", "leo"] * 3))
    text = Text.of(load(tmp_path / "old.txt", kind="lines"))
    origin = Origin.of(job(text, family, options).start(tmp_path / "runs").folder)
    new = Vocabulary.of_lines(["$-. bcz", *text.vocabulary.characters[1:]])
    nets = [
        build(
            family,
            config_class(family)(**{**origin.options, "vocab_size": len(each)}),
            generator=stream(seed, "init"),
        )
        for seed, each in ((1, text.vocabulary), (2, new))
    ]
    for net, each in zip(nets, (text.vocabulary, new), strict=True):
        origin.into(net, each)
        net.eval()
    assert (text.vocabulary.boundary, new.boundary) == (".", "\n")
    where = torch.tensor([0, *new.encode("".join(text.vocabulary.characters[1:]))])
    ids = torch.tensor([[0, 0, 1, 4, 2, 3], [0, 3, 2, 1, 5, 4]])
    old_logits, new_logits = nets[0](ids), nets[1](where[ids])
    assert torch.allclose(new_logits[..., where], old_logits, atol=1e-5)
    assert sorted(origin.new_characters(new)) == sorted("$-. bcz")


def test_every_axis_of_the_vocabulary_is_found() -> None:
    axes = {name: found for name, found in vocabulary_axes("gpt", {**NANO, "biases": "lecture"}).items() if found}
    assert axes == {"embedding.C": (0,), "head.W": (1,), "head.b": (0,)}
    tied = vocabulary_axes("gpt", {**NANO, "tie_weights": True, "positions": "learned"})
    assert [name for name, found in tied.items() if found] == ["embedding.C"]
    mlp = vocabulary_axes("mlp", {"batchnorm": "everywhere", "direct": True})
    assert (
        len([name for name, found in mlp.items() if found]) == 7
    )  # table, last layer, direct, four of the BatchNorm


def test_what_the_new_folder_says(verse: Path, new_text: Path, tmp_path: Path) -> None:
    origin = Origin.of(verse)
    text = read_for(load(new_text), "gpt", origin.vocabulary)
    new = set("d$y!# ") - set(VERSE)
    assert set(origin.new_characters(text.vocabulary)) == new
    folder = job(text, "gpt", {"dropout": 0.1}, origin).start(tmp_path / "runs").folder
    record = read(folder)
    config = record.meta["config"]
    model = json.loads((verse / "model.json").read_text())
    assert config["from"] == {
        "run": str(verse.resolve()),
        "title": "gpt on verse.txt",
        "sha256": model["sha256"],
        "editions": ["verse.txt (your own)"],
    }
    assert config["options"] == {**model["config"], "dropout": 0.1, "vocab_size": len(text.vocabulary)}
    assert load_vocabulary(folder).characters == tuple(sorted(set(VERSE) | new))
    (told,) = [block["markdown"] for block in record.blocks if "It began with" in str(block)]
    assert f"the weights of `{verse.resolve()}` (gpt on verse.txt; learnt from verse.txt (your own))" in told
    fresh = read(job(read_for(load(new_text), "gpt"), "gpt", NANO).start(tmp_path / "fresh").folder)
    assert "from" not in fresh.meta["config"]
    assert metrics(folder)[0]["loss"] < metrics(fresh.folder)[0]["loss"] - 0.3, "it begins with what it knows"


@pytest.mark.parametrize("family", ["mlp", "gpt"])
def test_stopped_and_resumed_equals_never_stopped(
    family: str, verse: Path, new_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the training that it came from is gone by then."""
    monkeypatch.setattr(running, "LINES", 10)
    monkeypatch.setattr(running, "LOOKS", 5)
    source = tmp_path / "source"
    if family == "gpt":
        shutil.copytree(verse, source)
    else:
        old = tmp_path / "old.txt"
        old.write_text(20 * VERSE)
        job(Text.of(load(old)), "mlp", {"hidden": 12}).start(tmp_path / "old").folder.rename(source)
    origin = Origin.of(source)
    text = read_for(load(new_text), family, origin.vocabulary)
    config = {"optimizer": "muon", "clip": 1.0} if family == "gpt" else {}
    whole = job(text, family, {}, origin, config=config).start(tmp_path / "whole").folder
    asked = iter([False, False, True])
    with pytest.raises(KeyboardInterrupt):
        job(text, family, {}, origin, config=config, stop=lambda: next(asked)).start(tmp_path / "parts")
    (folder,) = (tmp_path / "parts").iterdir()
    shutil.rmtree(source)
    resume(folder)
    assert (folder / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert [row["loss"] for row in metrics(folder)] == [row["loss"] for row in metrics(whole)]
    assert read(folder).status == "done"


def test_the_optimizer_starts_anew(verse: Path, new_text: Path) -> None:
    """The first step is that of a fresh optimizer: with plain AdamW, lr for each number that has a gradient."""
    origin = Origin.of(verse)
    text = read_for(load(new_text), "gpt", origin.vocabulary)
    begun = job(text, "gpt", {}, origin)
    options, examples = begun._read()
    net = begun._net(options)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    trainer = Trainer(net, examples.train, TrainConfig(steps=1, lr=0.001, schedule="constant"), seed=1)
    trainer.run(1)
    moved = [(tensor - before[name]).abs().max().item() for name, tensor in net.state_dict().items()]
    assert math.isclose(max(moved), 0.001, rel_tol=1e-2)


def test_the_learning_rate_finder_begins_with_the_weights(
    verse: Path, new_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "find_lr", lambda net, *_, **__: net)
    origin = Origin.of(verse)
    text = read_for(load(new_text), "gpt", origin.vocabulary)
    net: Any = job(text, "gpt", {}, origin).sweep()
    assert torch.equal(net.blocks[0].attention.qkv.W, LanguageModel.load(verse).tensors()["blocks.0.attention.qkv.W"])


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("mlp", {}, "holds a gpt, not a mlp. Leave out --model."),
    ("gpt", {"width": 32}, "width is 16 in .* made for that; got 32. Leave out --width"),
    ("gpt", {"positions": "learned"}, "positions is rotary"),
    ("gpt", {"softcap": None}, "softcap is 15.0"),
    ("gpt", {"block_size": 0}, "block_size is 8"),
]


@pytest.mark.parametrize(("family", "options", "words"), REFUSED)
def test_options_that_contradict_the_weights(
    family: str, options: dict[str, Any], words: str, verse: Path, new_text: Path
) -> None:
    origin = Origin.of(verse)
    text = LongText.of(load(new_text), origin.vocabulary)
    with pytest.raises(ConfigError, match=words):
        job(text, family, options, origin)


def test_what_may_change(verse: Path) -> None:
    origin = Origin.of(verse)
    options = {"dropout": 0.3, "dropout_at": "lecture", "block_size": 5}
    assert origin.checked("gpt", options) == {**origin.options, **options}
    assert not origin.may_change("heads", 1), "the shapes are the same, what they mean is not"


def test_learned_positions_keep_their_block(new_text: Path, tmp_path: Path) -> None:
    """Each place has its row, so a text that is too short cannot have a shorter block."""
    learned = {**NANO, "positions": "learned", "block_size": 64}
    (tmp_path / "verse.txt").write_text(20 * VERSE)
    folder = job(LongText.of(load(tmp_path / "verse.txt")), "gpt", learned, config={"steps": 2}).start(
        tmp_path / "runs"
    )
    origin = Origin.of(folder.folder)
    with pytest.raises(ConfigError, match="block_size is 64"):
        origin.checked("gpt", {"block_size": 32})
    new_text.write_text(VERSE)
    corpus = load(new_text, kind="text")
    text = read_for(corpus, "gpt", origin.vocabulary)
    assert fitted("gpt", corpus, origin)[0]["block_size"] == 64
    with pytest.raises(DataError, match=r"a block of 64 needs 65\. Use a longer text: the block is that of"):
        job(text, "gpt", {}, origin).start(tmp_path / "none")


def test_rotary_positions_take_a_shorter_block(verse: Path, new_text: Path) -> None:
    new_text.write_text(VERSE[:40])
    assert fitted("gpt", load(new_text, kind="text"), Origin.of(verse))[0]["block_size"] == 4


def test_lines_and_long_texts_are_not_mixed(verse: Path, tmp_path: Path) -> None:
    origin = Origin.of(verse)
    with pytest.raises(ConfigError, match=r"One vocabulary is of one long text.*--kind text"):
        read_for(load("names"), "gpt", origin.vocabulary)
    text = read_for(load("names", kind="text"), "gpt", origin.vocabulary)
    assert text.vocabulary.boundary == ""


def test_folders_that_have_nothing_to_begin_with(verse: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run folder"):
        Origin.of(tmp_path)
    run = Run.create(kind="measure", name="7.3", root=tmp_path / "measured")
    with pytest.raises(RunError, match="is a run of zth measure, not a training"):
        Origin.of(run.folder)
    counted = job(Text.of(load("names")), "ngram", {"order": 2}).start(tmp_path / "counted").folder
    with pytest.raises(RunError, match="holds a ngram, which learns by counting"):
        Origin.of(counted)
    broken = tmp_path / "broken"
    shutil.copytree(verse, broken)
    (broken / "vocabulary.json").unlink()
    with pytest.raises(RunError, match=r"has no vocabulary\.json"):
        Origin.of(broken)
    (broken / "model.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="cut short or changed"):
        Origin.of(broken)
    (broken / "model.json").unlink()
    with pytest.raises(RunError, match="has no model yet: its training is done"):
        Origin.of(broken)


def test_a_vocabulary_that_lacks_a_character(verse: Path) -> None:
    origin = Origin.of(verse)
    net = build("gpt", config_class("gpt")(**{**origin.options, "vocab_size": 3}), generator=torch.Generator())
    with pytest.raises(VocabularyError, match="not in the vocabulary of 3 characters"):
        origin.into(net, Vocabulary.of_text("abc"))


def test_what_is_chosen_and_said(verse: Path, new_text: Path) -> None:
    origin, corpus = Origin.of(verse), load(new_text)
    text = read_for(corpus, "gpt", origin.vocabulary)
    options, training = fitted("gpt", corpus, origin)
    usual = {"lr": origin.lr, "steps": 773}  # a hundred times through the text, 16 blocks of 8
    assert 100 * int(0.9 * corpus.tally().n_characters) // 128 == usual["steps"]
    assert training is not None
    assert {name: options[name] for name in ("width", "block_size", "dropout")} == {
        "width": 16,
        "block_size": 8,
        "dropout": 0.2,
    }
    assert training["lr"] == FINETUNE_LR * usual["lr"] < usual["lr"]
    assert training["steps"] == round(FINETUNE_STEPS * usual["steps"]) == 193
    how = {"text": text, "family": "gpt", "options": options, "origin": origin}
    said = chosen(Job(**how, config=TrainConfig(**training)))  # type: ignore[arg-type]
    n_new = len(origin.new_characters(text.vocabulary))
    (began,) = [line for line in said if line.startswith(f"It begins with the weights of {verse} (gpt on verse.txt)")]
    assert f"{n_new} of {len(text.vocabulary)} characters are new to it, and start fresh: '" in began
    (gentle,) = [line for line in said if line.startswith("Finetuning:")]
    assert f"a rate of {training['lr']:g} instead of {origin.lr:g} and 193 steps instead of 773" in gentle
    own = TrainConfig(**{**training, "lr": 0.5, "steps": 7})
    assert not [line for line in chosen(Job(**how, config=own)) if line.startswith("Finetuning")]  # type: ignore[arg-type]
    timed = chosen(Job(**how, config=TrainConfig(**training), minutes=1))  # type: ignore[arg-type]
    assert [line for line in timed if "a rate of" in line and "steps instead" not in line]


def test_lines_are_finetuned_too(tmp_path: Path) -> None:
    """Names with a "." of their own: the boundary stays the boundary, and is another character now."""
    old = job(Text.of(load("names")), "gru", {"hidden": 8, "embedding": 4}, config={"steps": 60}).start(
        tmp_path / "r"
    )
    origin = Origin.of(old.folder)
    path = tmp_path / "titles.txt"
    path.write_text("\n".join(f"Dr. {name}" for name in ("ada", "emmy", "grace", "mary") for _ in range(5)))
    text = read_for(load(path), "gru", origin.vocabulary)
    assert text.vocabulary.boundary == "\n"
    assert origin.new_characters(text.vocabulary) == [" ", ".", "D"]
    assert any("start fresh: ' ', '.', 'D'" in line for line in chosen(job(text, "gru", {}, origin)))
    folder = job(text, "gru", {}, origin).start(tmp_path / "new").folder
    assert read(folder).status == "done"
    assert read(folder).meta["config"]["options"]["hidden"] == 8
