"""The walls around a servant: what it gives up before a learner's file runs. The kernel holds them, not Python.

Each wall is tried, and what could not be built is told by name instead of hidden: `raise_walls` says which stand.
From the outside in: namespaces (the keeper is started in them, see `defences`), a disk in memory, limits, another
user where we are root, Landlock, no capabilities, and a filter of system calls.
"""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zth.workbook import closed, kernel

TASKS = 64
"""Processes and threads of one answer, where the kernel can count them apart from the user's others."""
MORE_TASKS = 512
"""Where it cannot: as many more than the user had when the keeper started."""
FILES = 256
"""Files that one process may have open: what waits in a pipe is memory, too."""
DISK_MB = 64
"""Files of one answer: all together where it has a disk of its own, each one where it has not."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is the same for every servant of a keeper: made once, since it looks at many folders."""

    read_folders: tuple[str, ...]
    read_files: tuple[str, ...]
    list_folders: tuple[str, ...]
    """What is in them may be seen, and not be read: the import system looks before it opens."""
    namespaces: bool
    user: int
    """The user to become, where we are root; else 0."""
    tasks: int

    @classmethod
    def make(cls, *, closed_packages: list[str], namespaces: bool, user: int, tasks: int) -> Plan:
        """For the keeper of this process. With namespaces, what /proc shows is the keeper's family alone."""
        paths, listed = closed.readable(closed_packages)
        return cls(
            read_folders=(*(str(path) for path in paths if path.is_dir()), *(["/proc"] if namespaces else [])),
            read_files=tuple(str(path) for path in paths if not path.is_dir()),
            list_folders=tuple(str(path) for path in listed),
            namespaces=namespaces,
            user=user,
            tasks=_tasks(namespaces, user, tasks),
        )


def _tasks(namespaces: bool, user: int, tasks: int) -> int:
    """`tasks` where they can be counted apart; else as many as may be counted for this user, 0 where none can be."""
    version = tuple(int(part) for part in platform.release().split(".")[:2] if part.isdigit())
    if user or (namespaces and version >= (5, 14)):  # since then a user namespace counts for itself
        return tasks
    if namespaces:  # the kernel counts all that the user has, and we see only our own
        return 0
    import psutil

    mine = [
        process.info["num_threads"] or 1
        for process in psutil.process_iter(["uids", "num_threads"])
        if process.info["uids"] and process.info["uids"].real == os.getuid()
    ]
    return sum(mine) + MORE_TASKS


def raise_walls(plan: Plan, folder: str, memory_mb: int, seconds: float) -> dict[str, object]:
    """In a fresh child of the keeper: -> {"landlock": 7, "disk": True, ...}, each wall that stands, with its kind."""
    stand: dict[str, object] = {"namespaces": plan.namespaces}
    stand["disk"] = plan.namespaces and _try(lambda: kernel.mount_memory(folder, DISK_MB))
    os.chdir(folder)
    _settle(folder)
    limit(memory_mb, seconds, plan.tasks)
    if sys.platform != "linux":
        return stand
    stand["memory"] = True
    stand["user"] = bool(plan.user) and _try(lambda: _become(plan.user, folder))
    stand["tasks"] = 0 if is_root() else plan.tasks
    kernel.gain_nothing()
    stand["landlock"] = _landlock(plan, folder)
    if not stand["user"]:
        _try(kernel.drop_capabilities)
    stand["seccomp"] = _try(kernel.filter_system_calls)
    return stand


def _try(build: Callable[[], None]) -> bool:
    try:
        build()
    except OSError:
        return False
    return True


def _settle(folder: str) -> None:
    """What is temporary goes into the answer's own folder."""
    os.environ |= {"TMPDIR": folder, "TORCHINDUCTOR_CACHE_DIR": folder}
    tempfile.tempdir = None


def limit(memory_mb: int, seconds: float, tasks: int) -> None:
    """Address space above what is mapped now, processor seconds, file size, tasks; no core files."""
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, DISK_MB * 2**20),
        (resource.RLIMIT_NPROC, tasks or resource.RLIM_INFINITY),
        (resource.RLIMIT_NOFILE, FILES),
        # The judge's clock ends a slow answer; this one only catches a servant that has lost its judge.
        (resource.RLIMIT_CPU, int(seconds * (os.cpu_count() or 1)) + 10),
    ]
    statm = Path("/proc/self/statm")
    if statm.exists():
        mapped = int(statm.read_text().split()[0]) * resource.getpagesize()
        limits.append((resource.RLIMIT_AS, mapped + memory_mb * 2**20))
    for kind, wanted in limits:
        _, hard = resource.getrlimit(kind)
        if resource.RLIM_INFINITY in (hard, wanted):
            wanted = hard if wanted == resource.RLIM_INFINITY else wanted
        else:
            wanted = min(wanted, hard)
        resource.setrlimit(kind, (wanted, wanted))


def is_root() -> bool:
    """Whether we are the machine's root, whom no limit on processes holds; in a user namespace, 0 may be anybody."""
    try:
        _, outside, _ = Path("/proc/self/uid_map").read_text().split()[:3]
    except (OSError, ValueError):
        return os.getuid() == 0
    return os.getuid() == 0 and outside == "0"


def _become(user: int, folder: str) -> None:
    """Root -> a user whom nothing belongs to but `folder`; of root's powers it keeps that of reading."""
    os.chown(folder, user, user)
    kernel.keep_capabilities()
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    kernel.drop_capabilities(keep=[kernel.CAP_DAC_READ_SEARCH])  # Python may lie where only root can look


def _landlock(plan: Plan, folder: str) -> int:
    """Read what the plan says, write in `folder`, signal nobody outside -> the kernel's version of Landlock, or 0."""
    from landlockpy import AccessFS, LandlockError, Ruleset, Scope, abi_version

    read = AccessFS.READ_FILE | AccessFS.EXECUTE
    own = ~(AccessFS.MAKE_CHAR | AccessFS.MAKE_BLOCK | AccessFS.IOCTL_DEV | AccessFS.RESOLVE_UNIX)
    allowed = [
        *((path, read | AccessFS.READ_DIR) for path in (*plan.read_folders, "/proc/self")),
        *((path, read) for path in plan.read_files),
        *((path, AccessFS.READ_DIR) for path in plan.list_folders),
        *((path, AccessFS.READ_FILE | AccessFS.WRITE_FILE) for path in ("/dev/null", "/dev/zero", "/dev/full")),
        (folder, own),
    ]
    try:
        with Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET) as ruleset:
            for path, access in allowed:
                with contextlib.suppress(FileNotFoundError, PermissionError):  # then it stays shut
                    ruleset.allow_path(path, access)
            ruleset.restrict()
    except LandlockError:
        return 0
    return abi_version()
