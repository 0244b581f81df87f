"""scripts/setup.sh: every way it can fail is one clear line and exit code 2."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a fresh clone as the set-up reads."""
    folder = tmp_path / "clone"
    (folder / "scripts").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt", "scripts/setup.sh"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def set_up(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        ["sh", str(clone / "scripts/setup.sh")],
        env={**clean, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def fake_python(folder: Path, script: str) -> str:
    path = folder / "fake-python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("zth setup: ")
    return lines[0]


def test_a_python_that_is_too_old(clone: Path) -> None:
    old = fake_python(clone, 'case "$1" in --version) echo "Python 3.9.1";; *) exit 1;; esac')
    assert "found Python 3.9.1; Python 3.11 or newer is needed" in one_line(set_up(clone, PYTHON=old))


def test_no_python_at_all(clone: Path) -> None:
    assert "Python 3.11 or newer is needed" in one_line(set_up(clone, PYTHON="/no/such/python"))


def test_no_venv_module(clone: Path) -> None:
    script = f'case "$2" in *venv*) exit 1;; esac\nexec "{sys.executable}" "$@"'
    assert "has no venv module" in one_line(set_up(clone, PYTHON=fake_python(clone, script)))


def test_a_full_disk(clone: Path) -> None:
    assert "MB free; about 1500 MB are needed" in one_line(set_up(clone, ZTH_SETUP_KB=str(10**15)))


def test_no_registry(clone: Path) -> None:
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    assert "no package registry gave what is needed" in one_line(set_up(clone, **nowhere))
    assert not (clone / ".venv/zth-stamp").exists()


def test_an_up_to_date_environment_is_left_alone(clone: Path) -> None:
    python = clone / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    assert set_up(clone, ZTH_SETUP_KB=str(10**15)).returncode == 2, "without a stamp it wants to install"
    shown = subprocess.run(
        ["sh", str(clone / "scripts/setup.sh"), "stamp"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    (clone / ".venv/zth-stamp").write_text(shown)
    done = set_up(clone, **nowhere)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with (clone / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    assert set_up(clone, ZTH_SETUP_KB=str(10**15)).returncode == 2, "a changed pyproject.toml wants to install"
