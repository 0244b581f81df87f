"""Promises are what the walls that stand can hold, and no more."""

from __future__ import annotations

import subprocess

import pytest

from zth.workbook import defences
from zth.workbook.defences import promises

ALL = {"namespaces": True, "disk": True, "user": False, "memory": True, "tasks": 64, "landlock": 7, "seccomp": True}


def _kept(**changed: object) -> set[str]:
    return {promise.name for promise in promises(ALL | changed) if promise.kept}


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ({}, set()),
        ({"landlock": 0}, {"files", "solutions"}),
        ({"landlock": 2}, {"files"}),
        ({"seccomp": False}, {"modes", "memory"}),
        ({"seccomp": False, "user": True}, {"memory"}),
        ({"namespaces": False, "disk": False, "tasks": 700}, {"disk", "processes"}),
        ({"namespaces": False, "disk": False, "tasks": 0}, {"disk", "processes"}),
        ({"namespaces": False, "disk": False, "landlock": 5}, {"disk", "signals", "time"}),
        ({"namespaces": False, "disk": False, "landlock": 5, "user": True}, {"disk", "signals"}),
        ({"namespaces": False, "disk": False, "seccomp": False}, {"disk", "memory", "modes", "network"}),
    ],
)
def test_what_is_lost_with_a_wall(changed: dict[str, object], lost: set[str]) -> None:
    assert _kept() - _kept(**changed) == lost


def test_elsewhere_only_the_judge_is_promised() -> None:
    """What a servant on macOS tells."""
    told = promises({"namespaces": False, "disk": False})
    assert [promise.name for promise in told if promise.kept] == ["marks"]
    assert all(promise.by.startswith("needs ") for promise in told if not promise.kept)


def test_namespaces_that_are_refused_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = subprocess.CompletedProcess([], 1, b"", b"write failed /proc/self/uid_map: Operation not permitted")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: refused)
    assert defences.namespaces.__wrapped__() == ()
