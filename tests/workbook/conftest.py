"""What the tests of all exercises share."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from zth.workbook import pack as packs_module
from zth.workbook.exercise import Exercise
from zth.workbook.jail import Jail
from zth.workbook.judge import judge
from zth.workbook.verdict import Verdict


@pytest.fixture
def slip(tmp_path: Path, jail: Jail) -> Callable[[Exercise, str, str, str], Verdict]:
    """slip(exercise, style, old, new) -> the verdict on a right answer in which `old`, which stands there once, is
    replaced by `new`: how real files go wrong, which need not be how our own mistakes are written."""

    def judged(exercise: Exercise, style: str, old: str, new: str) -> Verdict:
        text = (exercise.folder / "right" / f"{style}.py").read_text()
        assert text.count(old) == 1, old
        path = tmp_path / exercise.file_name
        path.write_text(text.replace(old, new))
        return judge(exercise, path, jail)

    return judged


TASK = "# Double it\n\nWrite `double(x)`.\n\n## Nudge\nn\n\n## Idea\ni\n\n## Line\nl\n"
DOUBLE = {
    "__init__.py": "",
    "l01_sums/README.md": "# Lecture 1: sums\n",
    "l01_sums/e01_double/task.md": TASK,
    "l01_sums/e01_double/stub.py": "def double(x):\n    raise NotImplementedError('`double` is not written yet.')\n",
    "l01_sums/e01_double/solution.py": "__all__ = ['double']\n\n\ndef double(x):\n    return 2 * x\n",
    "l01_sums/e01_double/check.py": (
        "from zth.workbook.check import Mistake, Part\n\n"
        "PARTS = [Part(name='double', ask=lambda answer, x: answer.double(x), cases=[(2,), (5,)])]\n"
        "MISTAKES = [Mistake(name='adds 2', says='That adds 2.', instead={'double': lambda x: x + 2})]\n"
    ),
}
"""A small pack: one lecture, one exercise; path inside the package -> text."""

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """install(name, files=DOUBLE, value="", distribution="") -> the package's folder: a pack as pip would leave it.

    It is found by the same road as a real one: a .dist-info folder on sys.path. Real ones are not seen meanwhile.
    """
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))

    def ours(group: str) -> list[EntryPoint]:
        found = entry_points(group=group)
        return [entry for entry in found if entry.dist is not None and entry.dist.locate_file("") == site]

    monkeypatch.setattr(packs_module, "entry_points", ours)
    packs_module._installed.cache_clear()

    def put(name: str, files: Mapping[str, str] = DOUBLE, value: str = "", distribution: str = "") -> Path:
        distribution, value = distribution or f"zth-{name}", value or f"zth_{name}"
        info = site / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[zth.exercises]\n{name} = {value}\n")
        for path, text in files.items():
            place = site / f"zth_{name}" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        importlib.invalidate_caches()
        packs_module._installed.cache_clear()
        return site / f"zth_{name}"

    before = set(sys.modules)
    yield put
    packs_module._installed.cache_clear()
    for module in set(sys.modules) - before:
        if module.startswith("zth_"):
            del sys.modules[module]
