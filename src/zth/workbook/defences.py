"""What is promised about an answer's process on this machine, and what is not: one list for the doctor, the marks'
evidence, the tests and docs/security.md.

A promise is *kept* where the kernel holds it. What a servant could put up, it tells itself (`walls.raise_walls`);
here that becomes sentences. Nothing is promised because it usually works.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from zth.workbook.walls import DISK_MB, TASKS


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One thing that an answer cannot do, and what holds it, or what is missing."""

    name: str
    says: str
    kept: bool
    by: str
    """What holds it; where it is not kept, what this machine lacks."""

    def __str__(self) -> str:
        """
        >>> print(Promise(name="disk", says="at most 64 MB of files in all", kept=False, by="needs namespaces"))
        NOT promised: at most 64 MB of files in all (needs namespaces)
        """
        return f"{'' if self.kept else 'NOT promised: '}{self.says} ({self.by})"


@cache
def namespaces() -> tuple[str, ...]:
    """What to put before a command, so that it runs without a network and sees only its own processes.

    () where this machine does not let us. util-linux's `unshare` does it, which every Linux distribution has.
    """
    tool = shutil.which("unshare") if sys.platform == "linux" else None
    if tool is None:
        return ()
    user = () if os.getuid() == 0 else ("--map-root-user",)
    command = (tool, *user, "--net", "--pid", "--ipc", "--fork", "--kill-child", "--mount-proc")
    try:
        done = subprocess.run([*command, "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return command if done.returncode == 0 else ()


def promises(stand: Mapping[str, Any]) -> list[Promise]:
    """The walls that stand round a servant -> what they promise.

    >>> none = {promise.name: promise for promise in promises({})}
    >>> none["marks"].kept, none["network"].kept, none["network"].by
    (True, False, 'needs namespaces or libseccomp')
    """
    landlock, own = int(stand.get("landlock", 0)), bool(stand.get("namespaces"))
    seccomp, disk, tasks = bool(stand.get("seccomp")), bool(stand.get("disk")), int(stand.get("tasks", 0))
    held = [("an empty network of its own", own), ("no sockets (seccomp)", seccomp)]
    signals = [("processes of its own", own), (f"Landlock {landlock}", landlock >= 6)]
    files, read = [(f"Landlock {landlock}", landlock >= 3)], [(f"Landlock {landlock}", landlock >= 1)]
    modes = [("system calls refused (seccomp)", seccomp), ("a user of its own", bool(stand.get("user")))]
    lives = [*signals, ("a user of its own", bool(stand.get("user")))]  # who ends its keeper may outlive it
    few = [("limits", 0 < tasks <= TASKS)]
    memory = [("limits, the keeper's watch, no files in memory (seccomp)", bool(stand.get("memory")) and seccomp)]
    small = [("a disk in memory", disk)]
    return [
        _promise("marks", "only the judge compares and writes", [("processes apart", True)], ""),
        _promise(
            "time", "an answer and what it started are ended at its time limit", lives, "namespaces or Landlock 6"
        ),
        _promise("files", "reads Python and programs, writes in its own folder, nothing else", files, "Landlock 3"),
        _promise("modes", "changes no mode, owner or time outside", modes, "libseccomp"),
        _promise("solutions", "zth and exercise packs can be neither imported nor read", read, "Landlock"),
        _promise("network", "no connection to anywhere", held, "namespaces or libseccomp"),
        _promise("signals", "signals nobody outside", signals, "namespaces or Landlock 6"),
        _promise("processes", f"at most {TASKS} processes and threads", few, "namespaces and Linux 5.14, or root"),
        _promise("memory", "all its processes together within the limit", memory, "libseccomp"),
        _promise("disk", f"at most {DISK_MB} MB of files in all", small, "namespaces"),
    ]


def _promise(name: str, says: str, holders: list[tuple[str, bool]], needs: str) -> Promise:
    by = ", ".join(text for text, holds in holders if holds)
    return Promise(name=name, says=says, kept=bool(by), by=by or f"needs {needs}")
