"""6.2: the solution against the library and torch, the measured story, and how real wrong files are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from zth.compare import EXACT, FLOAT32, FLOAT64, same
from zth.models import WaveNetConfig, WaveNetModel
from zth.runs import read
from zth.seeds import stream
from zth.workbook.exercise import get
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.l06_wavenet.e02_dilated_convolutions import check, solution, ways
from zth.workbook.measure import measure

EXERCISE = get("6.2")


def test_the_experiment_finds_equal_logits_in_less_time(tmp_path: Path) -> None:
    record = read(measure(EXERCISE, preset="quick", seed=42, root=tmp_path).folder)
    figures = {figure.name: figure for figure in record.figures}
    held = [figure for figure in figures.values() if figure.reference is not None]
    assert len(held) == 5
    assert [figure.name for figure in held if not figure.ok] == []
    assert [block["kind"] for block in record.blocks].count("plot") == 2
    table = next(block for block in record.blocks if block.get("title", "").startswith("A text of 512"))
    assert table["rows"][-1][:3] == [64, "63 / 6", "1,215,872 / 173,440"]
    # 7 times fewer multiplications, some 9 times as fast where it was measured
    assert figures["context 64, a text of 512 ids: tree / convolutions"].value > 2


@pytest.mark.parametrize("block_size", [2, 8, 16])
def test_the_solution_is_the_librarys_with_its_batchnorms_folded(block_size: int) -> None:
    g = stream(1, "net")
    model = WaveNetModel(WaveNetConfig(block_size=block_size, hidden=20), generator=g).double()
    for _ in range(5):
        model(torch.randint(27, (64, block_size), generator=g))
    ids = torch.randint(27, (3, 11), generator=g)
    assert same(solution.all_positions(ids, solution.of_model(model)), model.eval().logits_everywhere(ids), FLOAT64)


@pytest.mark.parametrize(("x", "W", "b", "dilation"), check._layers())
def test_dilated_is_torchs_convolution(x: torch.Tensor, W: torch.Tensor, b: torch.Tensor, dilation: int) -> None:
    padded = F.pad(x.transpose(1, 2), (dilation, 0), mode="replicate")
    wanted = F.conv1d(padded, W.view(2, -1, W.shape[1]).permute(2, 1, 0), b, dilation=dilation).transpose(1, 2)
    assert same(solution.dilated(x, W, b, dilation), wanted, FLOAT32)


@pytest.mark.parametrize("double", [False, True])
def test_all_positions_are_the_windows_of_the_stub(double: bool) -> None:
    stub: dict[str, object] = {}
    exec((EXERCISE.folder / "stub.py").read_text(), stub)
    for ids, parameters in check._nets(double=double):
        wanted = stub["by_windows"](ids, parameters)  # type: ignore[operator]
        assert same(solution.all_positions(ids, parameters), wanted, FLOAT64 if double else FLOAT32)


@pytest.mark.parametrize("block_size", [2, 8, 32])
def test_multiplications_are_those_that_torch_counts(block_size: int) -> None:
    options = WaveNetConfig(block_size=block_size)
    model = WaveNetModel(options, generator=stream(1, "net")).eval()
    counts = []
    for run in (
        lambda: model(torch.zeros(10, block_size, dtype=torch.int64)),
        lambda: model.logits_everywhere(_ids(10)),
    ):
        with FlopCounterMode(display=False) as counter:
            run()
        counts.append(counter.get_total_flops() // 2)  # an addition comes with each
    tree, convolution = ways.multiplications(options)
    assert counts[0] == 10 * tree
    last = options.hidden * options.vocab_size
    assert counts[1] == 10 * convolution + convolution - last  # the dot in front has nodes, but no logits


def _ids(T: int) -> torch.Tensor:
    return torch.zeros(1, T, dtype=torch.int64)


def test_lines_and_windows_of_names() -> None:
    ids, targets = ways.lines(["emma", "ava"])
    assert ids.tolist() == [[0, 5, 13, 13, 1], [0, 1, 22, 1, 0]]
    assert targets.tolist() == [[5, 13, 13, 1, 0], [1, 22, 1, 0, -1]]
    assert ways.windows_of(ids[:1], 4)[2].tolist() == [0, 0, 5, 13]
    groups = ways.by_length(["emma", "ava", "anna"])
    assert [tuple(group.shape) for group in groups] == [(1, 4), (2, 5)]
    assert same(groups[1][0], ids[0], EXACT)


@pytest.mark.parametrize(
    ("style", "old", "new", "mistake"),
    [
        ("lecture_style", "[before, x]", "[x, before]", "the pair turned around"),
        ("lecture_style", "        dilation *= 2\n", "", "dilation 1 on every level"),
        ("lecture_style", "dilation = 1\n", "dilation = 2\n", "dilations from 2"),
        ("lecture_style", "x[:, 1:]", "x[:, :-1]", "one position late"),
        (
            "lecture_style",
            "first = x[:, :1].expand",
            "first = torch.zeros(1, 1, 1).expand",
            "zeros before the beginning",
        ),
        ("lecture_style", "torch.cat([first, x], dim=1)[:, :T]", "torch.roll(x, dilation, 1)", "rolled around"),
        (
            "conv1d",
            "torch.stack([first.T, second.T], dim=2)",
            "W.T.reshape(W.shape[1], -1, 2)",
            "W dealt out in turns",
        ),
        ("conv1d", ', mode="replicate")', ")", "zeros before the beginning"),
        ("numpy_halves", "((0, 0), (1, 0))", "((0, 0), (0, 1))", "the dot behind the ids"),
        (
            "numpy_halves",
            "        x = np.tanh(dilated(x, W, b, 2**level))",
            "        x = dilated(x, W, b, 2**level)",
            "tanh forgotten",
        ),
    ],
)
def test_slips_in_a_real_file_are_named(slip, style: str, old: str, new: str, mistake: str) -> None:
    failure = slip(EXERCISE, style, old, new).first_failure
    assert failure is not None
    assert failure.mistake == mistake


def test_who_lays_out_windows_runs_out_of_memory_and_is_told_why(tmp_path: Path, jail: Jail) -> None:
    text = EXERCISE.stub.read_text() + "\n\n" + (EXERCISE.folder / "right" / "lecture_style.py").read_text()
    path = tmp_path / EXERCISE.file_name
    path.write_text(text + "\n\nall_positions = by_windows\n")
    verdict = judge(EXERCISE, path, jail)
    assert [part.state for part in verdict.parts] == ["passed", "passed", "passed", "raised"]
    assert verdict.parts[-1].mistake == "windows after all"
