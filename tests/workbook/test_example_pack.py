"""The example pack, installed as pip would install it, goes the whole way of an exercise of the course."""

from __future__ import annotations

import json
import site
import sys
import tomllib
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

import zth
from zth.cli import main
from zth.workbook import pack
from zth.workbook.exercise import get

PROJECT = Path(__file__).parents[2] / "examples" / "zth-sampling"
ID = "sampling:1.1"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages of an environment that has the pack, beside all that this one has.

    The judge starts its processes from the environment's Python, and without PYTHONPATH, so it must be a real one.
    """
    root = tmp_path_factory.mktemp("env")
    venv.create(root, symlinks=True)
    (packages,) = root.glob("lib/python*/site-packages")
    told = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ((name, package),) = told["entry-points"]["zth.exercises"].items()
    info = packages / "zth_sampling-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n")
    (info / "entry_points.txt").write_text(f"[zth.exercises]\n{name} = {package}\n")
    ours = [f"import site; site.addsitedir({folder!r})" for folder in site.getsitepackages()]
    paths = [str(Path(zth.__file__).parents[1]), str(PROJECT / "src")]
    (packages / "everything.pth").write_text("\n".join([*paths, *ours]) + "\n")
    return packages


@pytest.fixture(autouse=True)
def _inside(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process as it would be if it had been started in that environment, with an empty folder around it."""
    monkeypatch.syspath_prepend(str(PROJECT / "src"))
    monkeypatch.syspath_prepend(str(environment))
    monkeypatch.setattr(sys, "executable", str(environment.parents[2] / "bin" / "python"))
    monkeypatch.chdir(tmp_path)
    pack._installed.cache_clear()
    yield
    pack._installed.cache_clear()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    return code, capsys.readouterr().out


def test_a_learner_goes_from_the_list_to_the_pass(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run(capsys, "list")
    assert code == 0
    assert ID in printed
    assert run(capsys, "start", ID)[0] == 0
    file = Path("my-zth/sampling_e1_1_who_may_be_drawn.py")
    code, printed = run(capsys, "check", ID)
    assert code == 1
    assert "`tempered` is not written yet" in printed
    assert "hint 1 of 3" in run(capsys, "hint", ID)[1]
    right = (get(ID).folder / "right" / "loops.py").read_text()
    file.write_text(right.replace("(logit - top) / temperature", "(logit - top) * temperature"))
    assert "The temperature went the wrong way" in " ".join(run(capsys, "check", ID)[1].split())
    file.write_text(right)
    assert run(capsys, "check", ID)[0] == 0
    code, printed = run(capsys, "solution", ID)
    assert code == 0
    assert "zth_sampling.cuts.top_p" in printed


def test_its_solution_is_closed_to_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "start", ID)[0] == 0
    Path("my-zth/sampling_e1_1_who_may_be_drawn.py").write_text("from zth_sampling.cuts import *\n")
    code, printed = run(capsys, "check", ID)
    assert code == 1
    assert "is closed while an answer is judged" in " ".join(printed.split())


def test_its_check_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run(capsys, "prove", ID, "--json")
    assert [(row["submission"], row["why"]) for row in json.loads(printed) if not row["ok"]] == []
    assert code == 0


def test_its_measurement_stands_on_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = run(capsys, "measure", ID, "--json")
    assert code == 0
    figures = {row["name"]: row["value"] for row in json.loads(printed)}
    real, drawn, cut = (value for name, value in figures.items() if name.startswith("judge's loss"))
    assert cut < real < drawn  # what is cut most looks more like a name than names do
    assert figures["different names: p = 0.5 / p = 1"] < 0.6
    assert run(capsys, "start", ID)[0] == 0
    assert run(capsys, "report")[0] == 0
    page = Path("report/index.html").read_text(encoding="utf-8")
    assert '<span class="n">sampling:1.1</span>' in page
    assert 'id="desk"' in page
