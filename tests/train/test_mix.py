"""zth mix: the run folder of a mixture against its models asked one by one, and what cannot be mixed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from zth.data.sources import load, names
from zth.errors import RunError
from zth.models import LanguageModel, MixtureModel, evaluate
from zth.report.compare import collect, compare
from zth.runs import Record, metrics, read
from zth.sample import sample
from zth.train import TrainConfig
from zth.train.examples import Text
from zth.train.job import Job
from zth.train.long_text import LongText, whole_loss
from zth.train.mix import TABLE, mix
from zth.train.origin import load_vocabulary

VERSE = 30 * "So we'll go no more a roving\nSo late into the night,\n\n"
NANO = {"layers": 1, "heads": 2, "width": 8, "block_size": 8}


def train(text: Text | LongText, family: str, root: Path, seed: int = 42, steps: int = 30, **options: Any) -> Path:
    config = TrainConfig(steps=steps, lr=0.02, batch_size=8)
    return Job(text=text, family=family, options=options, config=config, seed=seed).start(root).folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts, and in runs/ what was trained on them, by name."""
    root = tmp_path_factory.mktemp("made")
    (root / "one.txt").write_text("\n".join(names()[:300]))
    (root / "two.txt").write_text("\n".join(names()[300:600]))
    (root / "verse.txt").write_text(VERSE)
    one, two = (Text.of(load(root / f"{name}.txt")) for name in ("one", "two"))
    verse = LongText.of(load(root / "verse.txt", kind="text"))
    for name, folder in {
        "gru": train(one, "gru", root, hidden=12, embedding=6),
        "mlp": train(one, "mlp", root, hidden=12, embedding=6),
        "gpt": train(one, "gpt", root, **{**NANO, "block_size": 4}),  # shorter than the names
        "kn": train(one, "kneser-ney", root, order=3),
        "counts": train(one, "ngram", root, order=4, k=0.0),
        "two": train(two, "kneser-ney", root, order=3),
        "verse": train(verse, "gpt", root, **NANO),
        "verse2": train(verse, "gpt", root, seed=43, **NANO),
        "wide": train(verse, "gpt", root, **{**NANO, "block_size": 16}),
        "lines": train(Text.of(verse.corpus), "ngram", root, order=2, k=0.1),
    }.items():
        folder.rename(root / name)
    return root


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def mixed(made: Path, runs: Path, *folders: str, **more: Any) -> Record:
    run = mix([made / name for name in folders], runs, command=["zth", "mix"], **more)
    return read(run.folder)


def figure(record: Record, name: str) -> float:
    (value,) = [figure.value for figure in record.figures if figure.name == name]
    return value


def rows(record: Record) -> list[list[Any]]:
    (table,) = [block for block in record.blocks if block.get("title") == TABLE]
    found: list[list[Any]] = table["rows"]
    return found


def test_is_better_than_each_and_its_losses_are_the_models(made: Path, runs: Path) -> None:
    parts = ("gru", "mlp", "gpt", "kn")
    record = mixed(made, runs, *parts)
    alone = [LanguageModel.load(made / name) for name in parts]
    weights = [row[2] for row in rows(record)]
    assert sum(weights) == pytest.approx(1)
    examples = Text.of(load(made / "one.txt")).examples("gru", block_size=16)
    model = MixtureModel(alone, weights)
    for part, pair in (("train", examples.train), ("dev", examples.dev), ("test", examples.test)):
        assert figure(record, f"{part} loss") == pytest.approx(evaluate(model, *pair), abs=1e-9)
    each = [evaluate(model, *examples.dev) for model in alone]
    assert [row[3] for row in rows(record)] == pytest.approx(each, abs=1e-5)
    assert figure(record, "dev loss") < min(each)
    assert all(row[4] >= figure(record, "dev loss") - 1e-5 for row in rows(record)), "less models, no lower loss"


def test_the_folder_is_a_training_as_any_other(made: Path, runs: Path) -> None:
    record = mixed(made, runs, "gru", "kn")
    folder = record.folder
    model, vocabulary = LanguageModel.load(folder), load_vocabulary(folder)
    drawn = (folder / "samples.txt").read_text().splitlines()
    assert drawn == sample(model, vocabulary, n=20, seed=42)
    assert (record.kind, record.status, record.name) == ("train", "done", "one.txt-mixture")
    assert record.meta["config"]["mixed"] == [str(made / "gru"), str(made / "kn")]
    seconds = [metrics(each)[-1]["seconds"] for each in (made / "gru", made / "kn", folder)]
    assert seconds[2] == pytest.approx(seconds[0] + seconds[1])
    (comparison,) = compare(collect([made / "gru", made / "kn", folder])[0])
    best = comparison.trainings[0]
    assert (best.model, best.dev, best.steps) == ("mixture", figure(record, "dev loss"), None)
    again = mix([folder, made / "mlp"], runs, command=[])
    assert figure(read(again.folder), "dev loss") <= figure(record, "dev loss") + 1e-5, "a mixture in a mixture"


def test_equal_weights(made: Path, runs: Path) -> None:
    record = mixed(made, runs, "gru", "mlp", "kn", equal=True)
    assert [row[2] for row in rows(record)] == pytest.approx([1 / 3] * 3)
    assert figure(record, "dev loss") > figure(mixed(made, runs, "gru", "mlp", "kn"), "dev loss")


def test_a_model_that_finds_names_impossible_is_no_harm(made: Path, runs: Path) -> None:
    record = mixed(made, runs, "counts", "kn")
    assert rows(record)[0][3] == "inf"
    assert figure(record, "dev loss") <= rows(record)[1][3]


def test_one_long_text(made: Path, runs: Path) -> None:
    record = mixed(made, runs, "verse", "verse2")
    text = LongText.of(load(made / "verse.txt", kind="text"))
    model = LanguageModel.load(record.folder)
    dev = whole_loss(model, text.data.dev, 8)
    assert figure(record, "dev loss") == pytest.approx(dev, abs=1e-9)
    assert dev <= min(row[3] for row in rows(record)) + 0.02  # weighed on blocks that lie evenly
    assert {each.name for each in record.figures} >= {"dev bits per character", "train loss"}
    assert len((record.folder / "samples.txt").read_text()) > 500


def test_a_dev_part_that_is_shorter_than_a_block(tmp_path: Path, runs: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text(VERSE[:600])
    text = LongText.of(load(path, kind="text"))
    assert len(text.data.dev) < 64
    folders = [train(text, "gpt", runs, seed=seed, **{**NANO, "block_size": 64}) for seed in (42, 43)]
    record = read(mix(folders, runs, command=[]).folder)
    model = LanguageModel.load(record.folder)
    assert figure(record, "dev loss") == pytest.approx(whole_loss(model, text.data.dev, 64), abs=1e-9)


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (("kn",), "takes two trainings or more; got 1"),
        (("kn", "gru", "kn"), "kn is named twice"),
        (("kn", "two"), "learnt from another text than"),
        (("verse", "lines"), "has another vocabulary than"),
        (("verse", "wide"), "reads blocks of 16 characters, .* of 8"),
        (("kn", "nowhere"), "not a run folder"),
        (("kn", "one.txt"), "not a run folder|cannot be read"),
    ],
)
def test_what_cannot_be_mixed(folders: tuple[str, ...], words: str, made: Path, runs: Path) -> None:
    with pytest.raises(RunError, match=words):
        mixed(made, runs, *folders)
    assert not runs.exists(), "nothing is left behind"


def changed(made: Path, tmp_path: Path, **changes: Any) -> Path:
    """A copy of the kn run with other values in run.json."""
    copy = tmp_path / "copy"
    shutil.copytree(made / "kn", copy)
    meta = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**meta, **changes}))
    return copy


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "interrupted"}, "is not done \\(interrupted\\)"),
        ({"kind": "compare"}, "is a run of zth compare"),
        ({"data": []}, "is no training as zth train leaves it"),
        ({"config": {}}, "is no training as zth train leaves it"),
    ],
)
def test_runs_that_are_no_trainings(
    changes: dict[str, Any], words: str, made: Path, runs: Path, tmp_path: Path
) -> None:
    copy = changed(made, tmp_path, **changes)
    with pytest.raises(RunError, match=words):
        mix([made / "gru", copy], runs, command=[])


def test_a_text_that_has_changed(made: Path, runs: Path, tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("\n".join(names()[:300]))
    folders = [train(Text.of(load(text)), "ngram", tmp_path / "own", order=n) for n in (2, 3)]
    text.write_text("\n".join(names()[:299]))
    with pytest.raises(RunError, match=r"mine\.txt is no longer the text"):
        mix(folders, runs, command=[])
