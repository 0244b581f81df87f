"""The walls of the house (docs/architecture.md), read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src"

# Each row may import the rows above it; rooms on one row do not import each other. The first row is the ground that
# all stand on: its rooms may lean on each other.
ROWS = [
    {"errors", "texts", "files", "machine", "compare", "seeds", "runs", "processes"},
    {"autograd", "data", "layers"},
    {"models", "backprop"},
    {"sample"},
    {"train"},
    {"workbook"},
    {"notebook", "report"},
    {"cli"},
]
# What a room may not use although it stands above it.
FORBIDDEN = {
    "models": {"data", "autograd"},
    "backprop": {"data", "autograd"},
    "report": {"autograd", "data", "layers", "models", "backprop", "train", "sample", "workbook"},
}
ENTRANCES = {"__init__", "__main__"}
HEAVY = ("torch", "plotly", "pygraphviz", "pooch", "optuna")


def rooms() -> dict[str, list[Path]]:
    """Room -> its files; a room is a package or a module right under src/zth."""
    found: dict[str, list[Path]] = {}
    for path in sorted(SRC.glob("zth/**/*.py")):
        parts = path.relative_to(SRC / "zth").with_suffix("").parts
        # What a learner writes may import what it likes.
        if parts[-1] != "stub" and "right" not in parts:
            found.setdefault(parts[0], []).append(path)
    return found


def imported(path: Path) -> set[str]:
    """The rooms that a file imports, wherever in the file the import stands."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the house; write the whole name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("zth.")}


def allowed(room: str) -> set[str]:
    row = next(number for number, names in enumerate(ROWS) if room in names)
    above: set[str] = set().union(*ROWS[:row])
    same = ROWS[0] if row == 0 else {room}
    return (above | same) - FORBIDDEN.get(room, set())


def test_every_room_has_its_row() -> None:
    assert set(rooms()) - ENTRANCES == set().union(*ROWS)


@pytest.mark.parametrize("room", sorted(set().union(*ROWS)))
def test_a_room_imports_only_the_rows_above_it(room: str) -> None:
    for path in rooms()[room]:
        assert imported(path) <= allowed(room), f"{path.relative_to(SRC)} imports {imported(path) - allowed(room)}"


def test_the_arrows_can_be_broken() -> None:
    assert "workbook" not in allowed("report")
    assert "data" not in allowed("models")
    assert "autograd" not in allowed("data")
    assert imported(SRC / "zth/cli/measure.py") >= {"workbook", "report", "runs"}


def test_only_the_edges_print() -> None:
    for room, paths in rooms().items():
        for path in paths:
            if room in ("cli",):
                continue
            calls = [
                node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
            ]
            printing = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
            assert not printing, f"{path.relative_to(SRC)} prints at line {printing}"


@pytest.mark.parametrize("code", ["import zth", "import zth.autograd", "from zth.cli import main; main(['list'])"])
def test_what_is_light_stays_light(code: str, tmp_path: Path) -> None:
    heavy = f"import sys; print([name for name in {HEAVY} if name in sys.modules])"
    run = [sys.executable, "-W", "error", "-c", f"{code}\n{heavy}"]
    done = subprocess.run(run, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]"
