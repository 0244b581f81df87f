"""zth train and zth sample, as a person types them."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from zth.cli import main
from zth.cli.board import duration
from zth.data.sources import names
from zth.runs import find, metrics, read

WORDS = names()[:300]
FAST = ("--steps", "40", "--hidden", "12", "--embedding", "4")


@pytest.fixture(autouse=True)
def _in_a_fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    Path("my.txt").write_text("\n".join(WORDS))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_train_then_sample(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "train", "my.txt", "--model", "mlp", *FAST)
    assert code == 0
    (record,) = find(Path("runs"))
    assert (record.status, record.meta["config"]["options"]["hidden"]) == ("done", 12)
    for words in ("dev loss", f"zth sample {record.folder}", f"zth compare {record.folder}", "zth report"):
        assert words in out
    code, first, _ = run(capsys, "sample", str(record.folder), "--n", "3")
    assert (code, len(first.splitlines())) == (0, 3)
    assert run(capsys, "sample", "--n", "3")[1] == first, "the newest is the default, the seed is fixed"
    assert run(capsys, "sample", "--n", "3", "--seed", "7")[1] != first
    _, likeliest, _ = run(capsys, "sample", "--n", "2", "--temperature", "0", "--json")
    assert len(set(json.loads(likeliest))) == 1
    _, prompted, _ = run(capsys, "sample", "--n", "5", "--prompt", "em", "--top-k", "3")
    assert all(line.startswith("em") for line in prompted.splitlines())


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("ngram", ["--order", "2", "--k", "0.5"]),
        ("kneser-ney", []),
        ("wavenet", ["--block-size", "4", *FAST]),
        ("rnn", [*FAST]),
        ("gru", [*FAST, "--backend", "autograd"]),
        ("mlp", ["--direct", "--no-direct", "--direct", *FAST][2:]),
    ],
)
def test_every_model_trains_by_its_name(model: str, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "train", "my.txt", "--model", model, "--json", *options)
    assert code == 0
    answer = json.loads(out)
    losses = {figure["name"]: figure["value"] for figure in answer["figures"]}
    assert 1 < losses["dev loss"] < 3.4
    assert read(Path(answer["run"])).meta["config"]["model"] == model
    assert run(capsys, "sample", answer["run"], "--n", "2")[0] == 0


def test_help_has_the_flags_of_the_model(capsys: pytest.CaptureFixture[str]) -> None:
    _, mlp, _ = run(capsys, "train", "--help")
    _, ngram, _ = run(capsys, "train", "--model", "ngram", "--help")
    for words in ("--n-hidden", "--warmup-steps", "How many hidden layers", "--resume", "zth train my.txt"):
        assert words in mlp
    assert "--order" in ngram
    for flag in ("--hidden", "--lr ", "vocab"):
        assert flag not in ngram


WRONG = [
    ("--model mpl", "There is no model 'mpl' to train. Did you mean mlp?"),
    ("--model", "There is no model '' to train."),
    ("--order 3", "--order is an option of ngram, kneser-ney; mlp has none of that name."),
    ("--model=ngram --no-direct", "--no-direct is an option of mlp; ngram has none of that name."),
    ("--model ngram --lr 1", "--lr is of no use here: ngram learns by counting."),
    ("--model ngram --minutes 1", "--minutes is of no use here: ngram learns by counting."),
    ("--model ngram --find-lr", "ngram learns by counting: it has no learning rate."),
    ("--hiden 3", "There is no option --hiden. Did you mean --hidden?"),
    ("--vocab-size 3", "There is no option --vocab-size. Did you mean --block-size?"),
    ("--steps 0", "steps must be a whole number from 1 up; got 0."),
    ("--steps many", 'Invalid value for --steps: unable to convert "many" into int.'),
    ("--lr nan", "lr must be a number above 0; got nan."),
    ("--hidden 0", "hidden must be a whole number from 1 up; got 0."),
    ("--block-size 6 --model wavenet", "block_size must be 2, 4, 8, 16, ...; got 6."),
    ("--optimizer adam", 'Choose from: "sgd", "adamw", "muon".'),
    ("--minutes nan", "minutes must be above 0; got nan."),
    ("--steps 3 --minutes 1", "Got both --steps and --minutes."),
    ("--resume runs/x", "Got my.txt with --resume, which goes on with the options of before."),
    ("--model gru --backend engine", "The engine cannot train this GRUModel"),
    ("--optimizer sgd --lr 1e30 --steps 100", "The training diverged: at step 1 the loss was"),
    ("two.txt", "Unused Tokens: ['two.txt']"),
]


@pytest.mark.parametrize(("tokens", "words"), WRONG)
def test_bad_input_is_one_clear_error(tokens: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    _is_refused(["my.txt", *tokens.split()], words, capsys)


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ("--resume runs/x", "runs/x is not a run folder"),
        ("--resume runs/x --lr=1", "Got --lr with --resume"),
        ("--resume .", ". is not a run folder: it has no run.json."),
    ],
)
def test_what_cannot_be_resumed(tokens: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    _is_refused(tokens.split(), words, capsys)


def _is_refused(tokens: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "train", *tokens)
    assert code == 2
    assert words in " ".join(err.split())
    assert out == ""
    assert len(err.splitlines()) <= 5


def test_texts_that_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.txt").write_text("\n")
    Path("short.txt").write_text("a\nb\n")
    Path("binary").write_bytes(b"\0\1")
    for name, words in (
        ("empty.txt", "empty.txt is empty"),
        ("short.txt", "2 lines cannot be split"),
        ("binary", "is binary"),
        ("nowhere", "There is no file or folder nowhere"),
    ):
        code, _, err = run(capsys, "train", name)
        assert code == 2
        assert words in " ".join(err.split())


def test_samples_that_cannot_be(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["."], "not a saved model"),
        ([], "There is no folder runs."),
        (["--n", "x"], "unable to convert"),
    ):
        code, _, err = run(capsys, "sample", *arguments)
        assert code == 2
        assert words in err
    assert run(capsys, "train", "my.txt", *FAST)[0] == 0
    for tokens, words in (
        ("--prompt É", "which the model never saw"),
        ("--top-k 0", "top_k must be at least 1"),
        ("--n -1", "n must be at least 0"),
    ):
        code, _, err = run(capsys, "sample", *tokens.split())
        assert code == 2
        assert words in err
    (folder,) = Path("runs").iterdir()
    (folder / "model.safetensors").write_bytes(b"")
    code, _, err = run(capsys, "sample")
    assert code == 2
    assert "cut short or changed" in " ".join(err.split())


def test_the_learning_rate_finder(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "train", "my.txt", "--optimizer", "sgd", "--find-lr", "--hidden", "20")
    assert code == 0
    assert "Suggested learning rate for sgd: 0." in out
    (record,) = find(Path("runs"))
    assert (record.kind, record.status) == ("find-lr", "done")
    assert [block["kind"] for block in record.blocks] == ["figure", "plot"]
    _, out, _ = run(capsys, "train", "my.txt", "--find-lr", "--json")
    assert 1e-4 < json.loads(out)["lr"] < 0.1


VERSE = "So we'll go no more a roving\nSo late into the night,\n\n"
SMALL_MLP = ("--steps", "20", "--hidden", "12", "--embedding", "4")
NANO = ("--layers", "1", "--heads", "2", "--width", "16", "--steps", "20")


def test_one_long_text_trains_the_gpt(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("verse.txt").write_text(20 * VERSE + "Ω")
    code, out, err = run(capsys, "train", *NANO, "--no-tie-weights", "verse.txt")  # the text may come last
    assert code == 0
    said = " ".join(err.split())
    for words in (
        "it is one long text",
        "the last 109 (dev)",
        "alone ('Ω')",
        "looks 64 characters back, dropout 0.2",
    ):
        assert words in said
    assert "dev bits per character" in out
    (record,) = find(Path("runs"))
    settings = record.meta["config"]
    assert (settings["model"], settings["kind"], settings["train"]["optimizer"]) == ("gpt", "text", "muon")
    code, passage, _ = run(capsys, "sample", "--prompt", "So we'll", "--max-length", "200")
    assert (code, passage[:8], len(passage)) == (0, "So we'll", 209)
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    assert run(capsys, "sample", "--prompt", "So we'll", "--max-length", "200")[1] == passage, "as it is drawn"
    _, several, _ = run(capsys, "sample", "--n", "2", "--max-length", "5", "--json")
    assert [len(each) for each in json.loads(several)] == [5, 5]
    code, _, err = run(capsys, "sample", "--prompt", "é")
    assert code == 2
    assert "which the model never saw" in err


def test_finetuning(capsys: pytest.CaptureFixture[str]) -> None:
    Path("verse.txt").write_text(20 * VERSE)
    Path("new.txt").write_text(20 * VERSE.replace("night", "d$y"))
    assert run(capsys, "train", "verse.txt", *NANO, "--lr", "0.03")[0] == 0
    (origin,) = Path("runs").iterdir()
    code, _, err = run(capsys, "train", "--from", str(origin), "new.txt", "--dropout", "0.1")
    assert code == 0
    said = " ".join(err.split())
    for words in (
        f"the weights of {origin} (gpt on verse.txt); 3 of",
        "start fresh: '$', 'd', 'y'",
        "a rate of 0.0075 instead of 0.03",
    ):
        assert words in said
    folder = next(each for each in Path("runs").iterdir() if each != origin)
    settings = read(folder).meta["config"]
    assert settings["from"]["run"] == str(origin.resolve())
    assert (settings["options"]["width"], settings["options"]["dropout"], settings["train"]["lr"]) == (
        16,
        0.1,
        0.0075,
    )
    assert run(capsys, "sample", str(folder), "--prompt", "$d", "--max-length", "20")[0] == 0


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ("verse.txt --width 32", "width is 16 in"),
        ("verse.txt --model mlp", "holds a gpt, not a mlp. Leave out --model."),
        ("verse.txt --hidden 3", "--hidden is an option of"),
        ("my.txt", "One vocabulary is of one long text, the other of items, one a line. Say --kind text"),
        ("", "--from needs a text to finetune on."),
        ("verse.txt --resume runs/x", "Got --from with --resume"),
        ("verse.txt --from runs/x", "runs/x is not a run folder"),
        ("verse.txt --from", "--from needs the run folder of a trained model."),
    ],
)
def test_finetuning_that_cannot_be(tokens: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("verse.txt").write_text(20 * VERSE)
    assert run(capsys, "train", "verse.txt", *NANO)[0] == 0
    (origin,) = Path("runs").iterdir()
    _is_refused(["--from", str(origin), *tokens.split()], words, capsys)


def test_a_long_text_by_lines_and_in_blocks_are_compared_apart(capsys: pytest.CaptureFixture[str]) -> None:
    Path("verse.txt").write_text(20 * VERSE)
    assert run(capsys, "train", "verse.txt", *NANO)[0] == 0
    assert run(capsys, "train", "verse.txt", "--model", "mlp", *SMALL_MLP)[0] == 0
    assert run(capsys, "train", "verse.txt", "--kind", "lines", *SMALL_MLP)[0] == 0
    from zth.cli.compare import compare_
    from zth.report.compare import collect, compare

    by_blocks, by_lines = sorted(compare(collect([Path("runs")])[0]), key=lambda each: len(each.trainings))
    assert ([each.model for each in by_blocks.trainings], len(by_lines.trainings)) == (["gpt"], 2)
    assert by_blocks.trainings[0].test is None
    assert compare_() == 0
    assert "compare losses only within a table" in capsys.readouterr().out


def test_comparing_long_texts(capsys: pytest.CaptureFixture[str]) -> None:
    """In bits per character, with minutes; and trainings on another text in a table of their own."""
    from zth.cli.compare import compare_

    for name, text in (("verse.txt", 20 * VERSE), ("other.txt", 20 * VERSE.upper())):
        Path(name).write_text(text)
        assert run(capsys, "train", name, *NANO)[0] == 0
    assert run(capsys, "train", "verse.txt", *NANO, "--seed", "7")[0] == 0
    assert compare_() == 0
    out = capsys.readouterr().out
    for words in ("On verse.txt", "On other.txt", "minutes", "dev bits", "different texts or vocabularies"):
        assert words in out
    devs = [{each.name: each.value for each in record.figures} for record in find(Path("runs")) if record.figures]
    assert all(f"{figures['dev bits per character']:.4f}" in out for figures in devs)
    assert " test " not in out
    compare_(as_json=True)
    groups = json.loads(capsys.readouterr().out)
    assert [len(group["trainings"]) for group in groups] == [2, 1]
    for row in (row for group in groups for row in group["trainings"]):
        assert math.isclose(row["dev_bits"], row["dev"] / math.log(2))


def test_drawing_from_a_long_text(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("verse.txt").write_text(20 * VERSE)
    assert run(capsys, "train", "verse.txt", *NANO)[0] == 0
    plain = run(capsys, "sample", "--max-length", "200")[1][:-1]
    likeliest = run(capsys, "sample", "--max-length", "50", "--temperature", "0")[1]
    assert run(capsys, "sample", "--max-length", "50", "--top-p", "1e-9")[1] == likeliest
    stop = plain[60:62]
    until = plain[: plain.index(stop)]
    assert run(capsys, "sample", "--max-length", "200", "--stop", stop)[1] == until + "\n"
    line = run(capsys, "sample", "--prompt", "So\\n", "--max-length", "0")[1]
    assert line == "So\n\n", "a line end as people type it"
    many = json.loads(run(capsys, "sample", "--n", "64", "--max-length", "9", "--json")[1])
    assert [len(each) for each in many] == 64 * [9]
    assert len(set(many)) > 32
    for tokens, words in (
        ("--top-p 0", "top_p must be above 0"),
        ("--stop é", "The stop 'é' has 'é', which the model never saw"),
        ("--prompt Zq5", "has '5', 'Z', 'q', which the model never saw"),
    ):
        code, out, err = run(capsys, "sample", *tokens.split())
        assert (code, out) == (2, "")
        assert words in " ".join(err.split())
    monkeypatch.setattr("rich.console.Console.is_terminal", True)

    def interrupted(*_: object, **__: object) -> Iterator[str]:
        yield from "So"
        raise KeyboardInterrupt

    monkeypatch.setattr("zth.cli.sample.sample_stream", interrupted)
    assert run(capsys, "sample") == (130, "So\n", ""), "whoever has seen enough gets their prompt on a fresh line"


VERSES = {
    "19 characters": b"So we\n\nll go no more",
    "200 characters": (VERSE * 4)[:200].encode(),
    "line ends of Windows": (20 * VERSE).replace("\n", "\r\n").encode(),
    "one line": b"no line end " * 100,
    "a byte order mark": b"\xef\xbb\xbf" + (20 * VERSE).encode(),
}


@pytest.mark.parametrize("content", VERSES.values(), ids=list(VERSES))
def test_texts_of_any_size_and_shape(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.txt").write_bytes(content)
    code, _, err = run(capsys, "train", "own.txt", *NANO)
    assert code == 0, err
    plain = content.decode("utf-8-sig").replace("\r", "")
    assert f"own.txt: {len(plain):,} characters, {len(set(plain))} different" in " ".join(err.split())


def test_a_folder_of_texts(capsys: pytest.CaptureFixture[str]) -> None:
    Path("texts/deep").mkdir(parents=True)
    for name in ("texts/a.txt", "texts/deep/b.md"):
        Path(name).write_text(10 * VERSE)
    Path("texts/picture.png").write_bytes(b"\x89PNG\0")
    code, _, err = run(capsys, "train", "texts", *NANO)
    assert code == 0, err
    assert f"texts: {20 * len(VERSE) + 1:,} characters" in " ".join(err.split())


@pytest.mark.parametrize(
    ("content", "tokens", "words"),
    [
        ("", "", "long.txt is empty. Name a file with text in it."),
        ("a\n\nb\n\ncde", "", "9 characters cannot be split into train and dev: each part needs two. Use"),
        ("a\n\nb", "", "4 characters cannot be split into train and dev"),
        ("a\n\nb" * 20, "--block-size 100", "72 characters to learn from; a block of 100 needs 101"),
        ("\0a\n\nb", "", "is binary"),
        ("a\n\nb" * 20, "--backend engine", "engine cannot read one long text"),
        ("a\n\nb" * 20, "--kind nonsense", 'Invalid value "nonsense" for --kind'),
    ],
)
def test_long_texts_that_cannot_be(content: str, tokens: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("long.txt").write_text(content)
    code, out, err = run(capsys, "train", "long.txt", *tokens.split())
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())


def stopped_by(number: int, *tokens: str) -> Path:
    """A real training that gets a signal once it has written its first line -> its run folder."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zth", *tokens], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not list(Path().glob("runs/*/metrics.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    (folder,) = Path("runs").iterdir()
    assert process.returncode == 130, err
    assert out == ""
    assert "Stopped; saved at step" in err
    assert f"zth train --resume {folder}" in err
    assert read(folder).status == "interrupted"
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_training_on_a_long_text(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Saved, and gone on with: what comes of it is what would have come without the signal, bit for bit."""
    Path("verse.txt").write_text(20 * VERSE)
    tokens = ["train", "verse.txt", *NANO[:-1], "600", "--block-size", "8"]
    folder = stopped_by(number, *tokens)
    assert run(capsys, "train", "--resume", str(folder), "--json")[0] == 0
    whole = Path(json.loads(run(capsys, *tokens, "--json")[1])["run"])
    losses, others = ([{**row, "seconds": 0} for row in metrics(each)] for each in (folder, whole))
    assert losses == others
    for name in ("model.safetensors", "samples.txt", "vocabulary.json"):
        assert (folder / name).read_bytes() == (whole / name).read_bytes()
    figures, wanted = (
        [(row.name, row.value) for row in read(each).figures if row.name != "seconds"] for each in (folder, whole)
    )
    assert figures == wanted


def test_a_signal_saves_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    folder = stopped_by(signal.SIGINT, "train", "my.txt", "--steps", "400000", "--hidden", "12")
    meta = json.loads((folder / "run.json").read_text())
    meta["config"]["train"]["steps"] = 0
    (folder / "run.json").write_text(json.dumps(meta))
    code, _, err = run(capsys, "train", "--resume", str(folder))
    assert code == 2
    assert "damaged" in err


def test_resume(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zth.train.running.LINES", 4)
    monkeypatch.setattr("zth.train.running.LOOKS", 2)
    whole = json.loads(run(capsys, "train", "my.txt", *FAST, "--json")[1])
    asked = iter([False, False, True])
    with monkeypatch.context() as patch:
        patch.setattr("zth.cli.train.asked_to_stop", lambda _: Stops(asked))
        code, _, err = run(capsys, "train", "my.txt", *FAST, "--json")
    assert code == 130
    assert "Stopped; saved at step 20 of 40" in err
    (folder,) = [record.folder for record in find(Path("runs")) if record.status == "interrupted"]
    code, out, _ = run(capsys, "train", "--resume", str(folder), "--json")
    assert code == 0
    figures, wanted = (
        [row["value"] for row in answer["figures"] if row["name"] != "seconds"] for answer in (json.loads(out), whole)
    )
    assert figures == wanted
    losses, others = ([row["loss"] for row in metrics(Path(each))] for each in (folder, whole["run"]))
    assert losses == others


class Stops:
    """In place of _asked_to_stop: says what it is told to."""

    def __init__(self, answers: object) -> None:
        self.answers = answers

    def __enter__(self):
        return lambda: next(self.answers)

    def __exit__(self, *_: object) -> None: ...


def test_durations() -> None:
    assert [duration(s) for s in (0.2, 59.4, 59.6, 3600)] == ["0 s", "59 s", "1:00", "1:00:00"]


def test_a_folder_is_trained_on_without_its_run_folders(capsys: pytest.CaptureFixture[str]) -> None:
    """Else a training would change its own text, and could never go on."""
    Path("book").mkdir()
    Path("book/one.txt").write_text(20 * VERSE)
    for _ in range(2):
        assert run(capsys, "train", "book", "--kind", "text", *NANO, "--runs", "book/runs")[0] == 0
    first, second = (record.meta["data"] for record in find(Path("book/runs")))
    assert first == second


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ("--minutes 0", "minutes must be above 0; got 0"),
        ("--minutes nan", "minutes must be above 0; got nan"),
        ("--minutes 1 --find-lr", "Got --minutes with --find-lr"),
        ("--resume runs/x verse.txt", "Got verse.txt with --resume"),
    ],
)
def test_minutes_that_cannot_be(tokens: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("verse.txt").write_text(20 * VERSE)
    code, out, err = run(capsys, "train", *(() if "resume" in tokens else ("verse.txt",)), *tokens.split())
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())
    assert len(err.splitlines()) == 2, "before anything is read"


@pytest.mark.parametrize("tokens", ["--width 16 --heads 2 --layers 1", "--heads 1", "--warmup-steps 300"])
def test_minutes_beside_options_of_ones_own(tokens: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Who says the shape has the usual rate; and the steps are counted, so that no warm-up is longer than they."""
    Path("verse.txt").write_text(20 * VERSE)
    code, out, _ = run(capsys, "train", "verse.txt", "--minutes", "0.005", *tokens.split(), "--json")
    assert code == 0
    settings = read(Path(json.loads(out)["run"])).meta["config"]
    assert settings["train"]["lr"] == (0.04 if "warmup" in tokens else 0.02)


def test_a_training_stopped_early_has_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the first look at dev there is one to draw from, and to begin with."""
    Path("verse.txt").write_text(20 * VERSE)
    folder = stopped_by(signal.SIGINT, "train", "verse.txt", *NANO[:-1], "200000", "--block-size", "8")
    assert not any("dev" in row for row in metrics(folder))
    assert run(capsys, "sample", str(folder), "--max-length", "5")[0] == 0
