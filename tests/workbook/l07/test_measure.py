"""workbook/l07_gpt/measure.py and its helpers: the lecture's path, the heads' habits, the cache, and a short run."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from zth.data import fetch, plays, sources
from zth.data.sources import Corpus
from zth.errors import DataError, MissingPartError
from zth.models.gpt import Attention, GPTConfig, GPTModel, preset
from zth.runs import Record, read
from zth.seeds import stream
from zth.train.long_text import LongText
from zth.workbook.l07_gpt import generation, maps, path
from zth.workbook.l07_gpt import measure as lecture
from zth.workbook.measure import Lab, experiments, find, measure


@pytest.fixture
def nano() -> GPTModel:
    """All its matrices random: at the beginning the usual ones end in zeros."""
    options = preset("nano", vocab_size=65, init="gpt2", output_init="same")
    return GPTModel(options, generator=stream(1, "init"))


def small(vocab_size: int, seed: int) -> GPTModel:
    options = preset("nano", vocab_size=vocab_size, block_size=32)
    return GPTModel(options, generator=stream(seed, "init"))


def text_of(words: str) -> Corpus:
    return Corpus(name="tiny", kind="text", edition="tiny", sha256="0", origin="a test", _read=lambda: words)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A nano model, few steps, a text of a few words, and a model of one layer for the lecture's."""
    words = "ROMEO:\nBut, soft! what light through yonder window breaks?\n" * 100
    monkeypatch.setattr(Lab, "corpus", lambda _lab, _name: text_of(words))
    monkeypatch.setattr(lecture, "fresh", small)
    monkeypatch.setitem(lecture.STEPS, "quick", 60)
    monkeypatch.setitem(lecture.STEPS, "full", 60)
    monkeypatch.setattr(lecture, "preset", lambda name, **_: preset(name, vocab_size=65, layers=1, block_size=16))
    monkeypatch.setattr(lecture, "LENGTH", 60)


def run(preset_: str, root: Path) -> Record:
    return read(measure(find("7"), preset=preset_, seed=42, root=root).folder)  # type: ignore[arg-type]


def test_the_short_run_tells_everything(tmp_path: Path, quick: None) -> None:
    record = run("quick", tmp_path)
    figures = {figure.name: figure for figure in record.figures}
    assert figures["loss before training"].ok
    assert figures["GPT: dev"].value < figures["bigram: dev"].value < figures["loss before training"].value
    assert figures["GPT: dev"].reference is None  # the lecture's is for 5,000 steps on a GPU
    apart = [figure for figure in record.figures if "apart" in figure.name or "difference" in figure.name]
    assert len(apart) == 4
    assert all(figure.ok and figure.value > 0 for figure in apart)
    assert [block["kind"] for block in record.blocks].count("plot") == 2
    written = next(block for block in record.blocks if block.get("title", "").startswith("What it writes"))
    assert written["rows"][0] == ["ROMEO:"]
    assert record.blocks[-1]["markdown"].startswith("**Answer.** After 60 steps")


def test_in_full_the_lectures_loss_stands_beside(tmp_path: Path, quick: None) -> None:
    figure = next(figure for figure in run("full", tmp_path).figures if figure.name == "GPT: dev")
    assert (figure.reference, figure.better) == (1.48, "lower")


def test_without_any_text_the_run_says_so_and_goes_on(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_lab: Lab, _name: str) -> Corpus:
        raise MissingPartError("There is no text.", "Install the plays.")

    monkeypatch.setattr(Lab, "corpus", nothing)
    record = run("quick", tmp_path)
    assert record.status == "done"
    said = " ".join(block.get("markdown", "") for block in record.blocks)
    assert "nothing was trained here" in said
    assert "Install the plays." in said
    names = [figure.name for figure in record.figures]
    assert "GPT: dev" not in names
    assert "the model above: log-probabilities apart" not in names  # there is none above
    assert "parameters of the lecture's GPT" in names


def test_no_network_and_no_plays_is_what_that_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `load` raises there is what the run catches."""

    def refuse(_progress: object = None) -> Path:
        raise DataError("Tiny Shakespeare could not be downloaded: no connection.", "Fetch it.")

    monkeypatch.delenv("ZTH_DATA", raising=False)
    monkeypatch.setenv("ZTH_CACHE", str(tmp_path))
    monkeypatch.setattr(fetch, "download", refuse)
    monkeypatch.setattr(plays, "PACKAGE", "no_such_package")
    with pytest.raises(MissingPartError, match="could not be downloaded"):
        sources.load("shakespeare")


def test_the_lectures_model_has_the_lectures_parameters() -> None:
    assert preset("lecture", vocab_size=lecture.LECTURE_VOCABULARY).n_parameters == lecture.N_PARAMETERS


def test_model_and_recipe_are_those_of_zth_train() -> None:
    assert lecture.fresh(65, 1).options == GPTConfig(vocab_size=65)
    config = lecture.recipe(123)
    usual = {**GPTModel.text_recipe, "steps": 123}
    assert {name: getattr(config, name) for name in usual} == usual


def test_the_tour_comes_to_it_before_its_exercises() -> None:
    ids = [each.id for each in experiments()]
    seventh = [each for each in ids if each.startswith("7")]
    assert seventh[:2] == ["7", "7.1"]
    assert ids[-len(seventh) :] == seventh


def test_every_step_of_the_path_gives_the_same_numbers() -> None:
    x = torch.randn(2, 6, path.C, generator=stream(3, "x"))
    wanted = torch.stack([x[:, : t + 1].sum(1) / (t + 1) for t in range(6)], dim=1)
    for name, way in path.averages().items():
        assert torch.allclose(way(x), wanted, atol=1e-5), name
    first, *others = path.attentions(3).values()
    assert all(torch.allclose(other(x), first(x), atol=path.APART) for other in others)
    assert not torch.allclose(first(x), wanted, atol=0.1)


def test_weights_are_of_every_layer_and_leave_no_trace(nano: GPTModel) -> None:
    ids = torch.randint(65, (3, 16), generator=stream(1, "ids"))
    weights = maps.weights_of(nano, ids)
    assert weights.shape == (2, 3, 2, 16, 16)
    assert torch.allclose(weights.sum(-1), torch.ones(2, 3, 2, 16), atol=1e-5)
    assert float(weights.triu(1).abs().max()) == 0
    layers = [part for part in nano.modules() if isinstance(part, Attention)]
    assert len(layers) == 2
    assert all(layer.weights is None and not layer.keep_weights for layer in layers)


def test_habits_are_the_share_where_they_look() -> None:
    T = 40
    looks = {"itself": torch.eye(T), "the character before": torch.eye(T).roll(1, 0), "far back": torch.zeros(T, T)}
    looks["far back"][:, 0] = 1  # from 17 on
    weights = torch.stack(list(looks.values()))[None, None]  # one layer, one text, three heads
    gaps = torch.zeros(1, T, dtype=torch.bool)
    gaps[0, 10] = True
    shares = maps.habits(weights, gaps)
    assert shares["itself"].tolist() == [[1, 0, 0]]
    assert shares["the character before"].tolist() == [[0, 1, 0]]
    assert shares["far back"][0].tolist() == pytest.approx([0, 0, (T - 17) / (T - maps.SETTLED)])
    assert shares["two characters before"].max() == 0
    assert shares["the last space or line break"].max() == 0
    everywhere = torch.full((1, 1, 1, T, T), 1 / T)
    assert maps.habits(everywhere, gaps)["the last space or line break"].item() == pytest.approx(1 / T)


def test_each_head_is_shown_once_and_the_future_is_not() -> None:
    shares = {name: torch.full((2, 2), 0.5) for name in ("a", "b", "c", "d", "e")}
    assert len({(layer, head) for _, layer, head in maps.typical(shares)}) == 4  # there are no more
    line = torch.full((2, 2, 3, 3), 1 / 3).tril()
    panels = maps.maps(line, shares)
    assert panels[0].weights[2].tolist() == pytest.approx([1 / 3] * 3)
    figure = maps.drawn(panels, "a \n")
    assert list(figure.data[1].z[1]) == [0.333, 0.333, None]
    assert figure.layout.xaxis.ticktext == ("a", "␣", "⏎")
    assert len(figure.data) == 5


def test_with_the_cache_and_without_the_numbers_are_the_same(nano: GPTModel) -> None:
    found = generation.compare(nano, seed=1, n_new=2, rounds=1)
    assert 0 < found.apart < 1e-4
    assert found.times == found.cached / found.without
    ids = torch.randint(65, (1, 16), generator=stream(1, "ids"))
    one_by_one = torch.cat([nano.log_probs(ids[:, : t + 1]) for t in range(16)])
    assert torch.allclose(generation.step_by_step(nano, ids), one_by_one, atol=1e-4)


def test_a_bigram_is_never_surprised_without_end() -> None:
    text = LongText.of(text_of("ab" * 45 + "aabb" * 3))  # dev has aa and bb, train has not
    assert 0 < lecture.bigram_loss(text) < math.log(2) + 3
