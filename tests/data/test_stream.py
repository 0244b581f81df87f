"""data/stream.py: the same ids from memory, from disk and from shards; every dev character scored once."""

from __future__ import annotations

import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import zth.data.stream
from zth.compare import EXACT, same
from zth.data.sources import load
from zth.data.split import split_text
from zth.data.stream import (
    IGNORED,
    Blocks,
    Ids,
    all_windows,
    open_shards,
    split_ids,
    text_data,
    windows_in_order,
    write_ids,
)
from zth.data.vocab import Vocabulary
from zth.errors import ConfigError, DataError, VocabularyError

TEXT = "To be, or not to be, that is the question:\nWhether 'tis nobler in the mind to suffer\n" * 4


def in_shards(array: np.ndarray, cuts: list[int]) -> Ids:
    return Ids(np.split(array, sorted(cuts)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZTH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class TestIds:
    @given(
        st.lists(st.integers(0, 40), max_size=4),
        st.lists(st.integers(0, 30), min_size=1, max_size=6),
        st.integers(1, 10),
    )
    @settings(max_examples=60, deadline=None)
    def test_rows_over_shards_are_those_of_one_array(self, cuts, starts, width) -> None:
        array = (np.arange(40) * 7 % 23).astype(np.uint8)
        wanted = np.stack([array[start : start + width] for start in starts])
        got = in_shards(array, cuts).rows(np.array(starts), width)
        assert got.dtype == np.int64
        assert same(got, wanted, EXACT)

    @given(st.lists(st.integers(0, 40), max_size=4), st.integers(0, 40), st.integers(0, 40))
    @settings(max_examples=60, deadline=None)
    def test_parts_are_slices(self, cuts, start, stop) -> None:
        array = (np.arange(40) * 7 % 23).astype(np.uint16)
        part = in_shards(array, cuts).part(start, stop)
        assert same(part.array(), array[start:stop], EXACT)
        assert len(part) == len(array[start:stop])
        assert same(part.counts(23), np.bincount(array[start:stop], minlength=23), EXACT)

    def test_sent_to_another_process_a_mapped_part_is_mapped_again(self, tmp_path: Path) -> None:
        array = (np.arange(50_000) * 7 % 300).astype(np.uint16)
        paths = [tmp_path / "a.bin", tmp_path / "b.bin"]
        for path, half in zip(paths, np.split(array, 2), strict=True):
            path.write_bytes(half.tobytes())
        part = open_shards(paths).part(17, 49_990)
        sent = pickle.dumps(part)
        assert len(sent) < 1000, "places, not ids"
        assert same(pickle.loads(sent).array(), array[17:49_990], EXACT)
        in_memory = Ids([array]).part(5, 9)
        assert same(pickle.loads(pickle.dumps(in_memory)).array(), array[5:9], EXACT)

    def test_a_part_shares_the_memory(self) -> None:
        array = np.arange(10, dtype=np.uint8)
        assert np.shares_memory(Ids([array]).part(2, 5).shards[0], array)


@given(
    st.text("ab\né😀.z", max_size=30),
    st.sampled_from(["ab\n.z", "ab\né.z😀", "ab.z\n" + "".join(map(chr, range(300, 600)))]),
)
@settings(max_examples=60, deadline=None)
def test_pieces_are_encoded_as_the_vocabulary_does(piece: str, known: str) -> None:
    vocabulary = Vocabulary.of_text(known)
    if not set(piece) <= set(known):
        with pytest.raises(VocabularyError):
            zth.data.stream._encoded(piece, vocabulary)
        return
    ids = zth.data.stream._encoded(piece, vocabulary)
    assert ids.dtype == (np.uint8 if len(vocabulary) <= 256 else np.uint16)
    assert ids.tolist() == vocabulary.encode(piece)


class TestTextData:
    def test_is_the_lectures_split(self, file: Path) -> None:
        data = text_data(load(file))
        train, dev = split_text(TEXT)
        assert data.vocabulary == Vocabulary.of_text(TEXT)
        assert data.vocabulary.decode(data.train.array()) == train
        assert data.vocabulary.decode(data.dev.array()) == dev
        assert (data.only_in_dev, data.about_only_in_dev) == ({}, "")
        assert data.train.shards[0].dtype == np.uint8

    def test_from_the_cache_is_the_same(self, file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        wanted = text_data(load(file))
        assert not cache.exists()  # a short text leaves nothing on disk
        monkeypatch.setattr(zth.data.stream, "IN_MEMORY", 10)
        monkeypatch.setattr("zth.data.own.PIECE", 16)
        told = []
        for _ in range(2):
            data = text_data(load(file), progress=lambda done, n: told.append((done, n)))
            assert same(data.train.array(), wanted.train.array(), EXACT)
            assert same(data.dev.array(), wanted.dev.array(), EXACT)
        (written,) = (cache / "ids").iterdir()
        assert written.stat().st_size == len(TEXT)
        assert told[-1] == (len(TEXT), len(TEXT))
        n_told = len(told)
        written.write_bytes(written.read_bytes()[:-5])  # cut short: written again
        assert same(text_data(load(file)).dev.array(), wanted.dev.array(), EXACT)
        assert written.stat().st_size == len(TEXT)
        assert len(told) == n_told  # and the second time it was only opened

    def test_of_a_folder_with_other_alphabets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "texts"
        folder.mkdir()
        first, second = "".join(map(chr, range(0x4E00, 0x4E00 + 400))), "Żółć 🙂" * 10
        (folder / "a.txt").write_text(first, encoding="utf-8")
        (folder / "b.txt").write_text(second, encoding="utf-8")
        monkeypatch.setattr(zth.data.stream, "IN_MEMORY", 10)
        data = text_data(load(folder))
        text = first + "\n" + second
        assert data.vocabulary.decode(data.train.array()) + data.vocabulary.decode(data.dev.array()) == text
        assert data.train.shards[0].dtype == np.uint16

    def test_says_which_characters_occur_in_dev_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "text.txt"
        path.write_text("ab" * 45 + "ab!?!ab!ab", encoding="utf-8")
        data = text_data(load(path))
        assert data.only_in_dev == {"!": 3, "?": 1}
        assert data.about_only_in_dev == (
            "2 characters occur in dev alone ('!', '?'): 4 of 10 dev characters that training cannot teach."
        )

    @pytest.mark.parametrize("n", [0, 1, 5, 10])
    def test_refuses_what_is_too_short(self, n: int) -> None:
        with pytest.raises(DataError, match=rf"{n} characters cannot be split .* Use a text of 20 characters"):
            split_ids(Ids([np.zeros(n, np.uint8)]), Vocabulary.of_text("a"))
        assert len(split_ids(Ids([np.zeros(20, np.uint8)]), Vocabulary.of_text("a")).dev) == 2

    @pytest.mark.parametrize("fraction", [0, 1, -1, 2])
    def test_refuses_other_fractions(self, fraction: float) -> None:
        with pytest.raises(ConfigError, match="dev_fraction must lie between 0 and 1"):
            split_ids(Ids([np.zeros(50, np.uint8)]), Vocabulary.of_text("a"), dev_fraction=fraction)

    def test_a_cache_that_cannot_be_written(self, file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zth.data.stream, "IN_MEMORY", 10)
        cache.write_text("a file where the folder should be")
        with pytest.raises(DataError, match=r"ids of text.txt \(\d+ bytes\) cannot be written .* Set ZTH_CACHE"):
            text_data(load(file))

    def test_memory_does_not_grow_with_the_text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(zth.data.stream, "IN_MEMORY", 2**16)
        monkeypatch.setattr(zth.data.stream, "COUNTED", 2**16)
        monkeypatch.setattr("zth.data.own.PIECE", 2**16)
        path = tmp_path / "long.txt"
        path.write_text(TEXT * 12_000, encoding="utf-8")  # 4 MB
        corpus = load(path)
        tracemalloc.start()
        data = text_data(corpus)
        blocks = Blocks(data.train, block_size=64, batch_size=8, seed=1)
        for step in range(3):
            blocks.batch(step)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(data.train) > 3_600_000
        assert peak < 3_000_000  # 4 MB as Python ints would be 32 MB and more


class TestBlocks:
    IDS = Ids([np.arange(500, dtype=np.uint16)])

    def test_are_neighbours_from_anywhere(self) -> None:
        x, y = Blocks(self.IDS, block_size=8, batch_size=2000, seed=1).batch(0)
        assert (x.shape, y.shape, x.dtype) == ((2000, 8), (2000, 8), torch.int64)
        assert torch.equal(y, x + 1)
        assert torch.equal(x, x[:, :1] + torch.arange(8))
        assert (x.min(), y.max()) == (0, 499)  # both ends are reached: 2000 draws of 492 places
        assert x[:, 0].unique().numel() > 450

    def test_depend_on_seed_and_step_alone(self) -> None:
        first, again, other = (Blocks(self.IDS, block_size=8, batch_size=4, seed=seed) for seed in (1, 1, 2))
        steps = [0, 1, 255, 256, 1000]
        wanted = [first.batch(step)[0] for step in steps]
        assert all(torch.equal(again.batch(step)[0], x) for step, x in list(zip(steps, wanted, strict=True))[::-1])
        assert not torch.equal(other.batch(0)[0], wanted[0])
        assert not torch.equal(wanted[0], wanted[1])
        assert not torch.equal(wanted[0], wanted[3])

    def test_of_a_text_of_exactly_one_block(self) -> None:
        x, y = Blocks(Ids([np.arange(9)]), block_size=8, batch_size=3, seed=1).batch(0)
        assert x.tolist() == [list(range(8))] * 3
        assert y[:, -1].tolist() == [8] * 3

    @pytest.mark.parametrize(
        ("options", "error", "words"),
        [
            ({"block_size": 500}, DataError, r"has 500 characters; a block of 500 needs 501\. .* block_size=249"),
            ({"block_size": 0}, ConfigError, "block_size=0"),
            ({"batch_size": 0}, ConfigError, "batch_size=0"),
        ],
    )
    def test_refusals(self, options, error, words) -> None:
        with pytest.raises(error, match=words):
            Blocks(self.IDS, **({"block_size": 8, "batch_size": 4, "seed": 1} | options))


class TestWindows:
    @given(st.integers(2, 60), st.integers(1, 20), st.integers(1, 5))
    @settings(max_examples=80, deadline=None)
    def test_score_each_id_but_the_first_once(self, n: int, block_size: int, n_rows: int) -> None:
        pairs = []
        for x, y in windows_in_order(Ids([np.arange(n)]), block_size, n_rows=n_rows):
            assert x.shape == y.shape
            assert 1 <= len(x) <= n_rows
            kept = y != IGNORED
            assert (x[~kept] == 0).all()
            assert torch.equal(y[kept], x[kept] + 1)
            pairs += y[kept].tolist()
        assert pairs == list(range(1, n))

    def test_all_at_once_are_those_in_turn(self) -> None:
        ids = Ids([np.arange(50)])
        x, y = all_windows(ids, 8)
        in_turn = list(windows_in_order(ids, 8, n_rows=3))
        assert torch.equal(x, torch.cat([part for part, _ in in_turn]))
        assert torch.equal(y, torch.cat([part for _, part in in_turn]))
        assert x.shape == (7, 8)

    def test_refusals(self) -> None:
        with pytest.raises(DataError, match="A text of 1 characters leaves nothing to predict"):
            next(windows_in_order(Ids([np.zeros(1)]), 8))
        with pytest.raises(ConfigError, match="begin at 1; got 0"):
            next(windows_in_order(Ids([np.zeros(9)]), 0))

    def test_the_mark_is_the_models(self) -> None:
        from zth.models import IGNORED as OF_MODELS

        assert IGNORED == OF_MODELS


class TestShards:
    def test_files_are_one_text(self, tmp_path: Path) -> None:
        vocabulary = Vocabulary.of_text(TEXT)
        paths = [tmp_path / name for name in ("0.bin", "1.bin", "2.bin")]
        for path, text in zip(paths, (TEXT[:100], "", TEXT[100:]), strict=True):
            write_ids([text[:30], text[30:]], vocabulary, path)
        ids = open_shards(paths, np.uint8)
        assert vocabulary.decode(ids.array()) == TEXT
        assert len(ids.shards) == 2

    def test_refuses_what_is_no_shard(self, tmp_path: Path) -> None:
        path = tmp_path / "0.bin"
        with pytest.raises(DataError, match="cannot be read: No such file"):
            open_shards([path])
        path.write_bytes(b"abc")
        with pytest.raises(DataError, match="has 3 bytes: not a whole number of uint16 ids"):
            open_shards([path])

    def test_nothing_is_left_of_a_file_that_failed(self, tmp_path: Path) -> None:
        with pytest.raises(VocabularyError):
            write_ids(["ab", "c"], Vocabulary.of_text("ab"), tmp_path / "0.bin")
        assert list(tmp_path.iterdir()) == []


def test_rows_of_many_steps_are_those_of_each() -> None:
    blocks = Blocks(Ids([np.arange(200)]), block_size=4, batch_size=3, seed=1)
    rows = blocks.rows(250, 260)  # over the end of a chunk
    for step, row in enumerate(rows, 250):
        assert blocks.batch(step)[0][:, 0].tolist() == row.tolist()
