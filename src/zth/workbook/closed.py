"""What an answer may read, and which packages are closed to it: those that hold solutions.

Closed are zth itself and the packages of other exercise packs. A solution is mostly an import of one of their
objects, so importing them would be the whole answer. The import system refuses their names, with a sentence to act
on; that the *files* cannot be read is Landlock's part (see `walls`), and holds for whoever goes round it.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/nix/store")
"""Programs and libraries, which every user of the machine may read."""
FILES = (
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/os-release"),
    *("/etc/passwd", "/etc/group", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/dev/random", "/dev/urandom"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup"),
)
"""What the C library, OpenMP and torch look up: names of users, cores, memory."""


class Closed(MetaPathFinder):
    """Refuses the packages of these names. It stands first in `sys.meta_path`."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """None for a package that is open; raises ImportError for one that is closed."""
        if fullname.split(".")[0] in self.names:
            raise ImportError(f"`{fullname}` is closed while an answer is judged: write it yourself", name=fullname)


def close(names: Sequence[str]) -> None:
    """From now on these packages cannot be imported; what this process has imported of them works on."""
    for name in [name for name in sys.modules if name.split(".")[0] in names]:
        del sys.modules[name]
    sys.meta_path.insert(0, Closed(names))


def readable(names: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Names of closed packages -> (what an answer may read, folders of which it may see what is in them).

    The first is Python, what is installed beside it, and the system's programs, without the closed packages.
    """
    roots = _shortest([*SYSTEM, *_python()])
    beside = [path for path in _shortest(sys.path) if not any(root in (path, *path.parents) for root in roots)]
    folders = [*sys.path, *_packages()]
    forms = [Path(folder, form) for folder in folders for name in names for form in (name, f"{name}.py")]
    holes = {Path(os.path.realpath(form)) for form in forms if form.exists()}
    own = [] if "zth" in names else [Path(os.path.realpath(__file__)).parents[1]]
    tops = [*roots, *own, *(package for path in beside for package in _packages_in(path))]
    paths = [path for top in tops for path in without(top, holes)]
    return [*paths, *(Path(file) for file in FILES if Path(file).exists())], [
        path for path in (*roots, *beside) if path.is_dir()
    ]


def _python() -> list[str]:
    """Where this Python and what is installed for it lies."""
    kept = ("stdlib", "platstdlib", "purelib", "platlib", "scripts", "include", "platinclude")
    prefixes = dict.fromkeys([sys.prefix, sys.base_prefix])
    inside = [f"{prefix}/{name}" for prefix in prefixes for name in ("bin", "lib", "lib64", "include", "pyvenv.cfg")]
    installed = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    return [*inside, *installed, *(sysconfig.get_path(name) for name in kept)]


def _packages() -> list[str]:
    """Where other Pythons of this machine may hold the same packages, as far as it is known where those are."""
    known = [str(path) for root in ("/usr", "/usr/local") for path in Path(root, "lib").glob("python3*/*-packages")]
    return [*known, *site.getsitepackages([sys.prefix, sys.base_prefix])]


def _packages_in(folder: Path) -> list[Path]:
    """Of a folder of somebody's own that is imported from (an editable install): its packages, and nothing beside."""
    return [Path(os.path.realpath(init.parent)) for init in folder.glob("*/__init__.py")] if folder.is_dir() else []


def _shortest(paths: Iterable[str]) -> list[Path]:
    """Those that exist, links followed, without those that lie in another.

    >>> _shortest(["/usr/lib", "/usr", "/no/such/place"])
    [PosixPath('/usr')]
    """
    real = dict.fromkeys(Path(os.path.realpath(path)) for path in paths if os.path.exists(path))  # noqa: PTH110
    return [path for path in real if not any(other in path.parents for other in real)]


def without(root: Path, holes: set[Path]) -> Iterator[Path]:
    """`root`, or, where there are holes in it, what lies in it beside them.

    >>> usr, python = Path("/usr"), Path("/usr/bin")
    >>> python in without(usr, {python}), Path("/usr/lib") in without(usr, {python}), list(without(usr, set()))
    (False, True, [PosixPath('/usr')])
    """
    if root in holes:
        return
    inside = {hole for hole in holes if root in hole.parents}
    if not inside:
        yield root
        return
    for child in root.iterdir():
        if not child.is_symlink():  # what it points to has its own place
            yield from without(child, inside)
