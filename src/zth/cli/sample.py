"""`zth sample`: text from a model."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

from zth.cli.terminal import JsonOption, out, print_json
from zth.data.vocab import Vocabulary
from zth.errors import RunError
from zth.models.protocol import CONFIG_FILE, LanguageModel
from zth.runs import find
from zth.sample import sample, sample_stream
from zth.texts import printable
from zth.train.origin import load_vocabulary


def sample_(
    run: Path | None = None,
    /,
    *,
    n: int | None = None,
    seed: int = 42,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    max_length: int | None = None,
    prompt: str = "",
    stop: str = "",
    runs: Path = Path("runs"),
    as_json: JsonOption = False,
) -> int:
    """Draw lines from a trained model, or a passage where it learnt from one long text.

    Parameters
    ----------
    run
        A run folder of zth train. Default: the newest one.
    n
        How many. Default: 20 lines, or one passage, which a terminal shows as it is drawn.
    seed
        Another seed draws others.
    temperature
        Below 1 the likely gets likelier; 0 always takes the likeliest.
    top_k
        Draw each character among the k likeliest only.
    top_p
        Draw each among the likeliest only that together have this probability, as 0.9.
    max_length
        Characters drawn, at most: of a line. Default: 100, for a passage 500.
    prompt
        What every line or passage begins with; "\\n" is a line end.
    stop
        A line or passage ends before these characters, as soon as they come up; "\\n" is a line end.
    runs
        Where run folders are, to find the newest.
    as_json
        Print the lines as JSON.
    """
    folder = _newest(runs) if run is None else run
    model, vocabulary = LanguageModel.load(folder), load_vocabulary(folder)
    long = not vocabulary.boundary
    n = (1 if long else 20) if n is None else n
    how: dict[str, Any] = {
        "seed": seed,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "stop": stop.replace("\\n", "\n"),
        "max_length": (500 if long else 100) if max_length is None else max_length,
        "prompt": prompt.replace("\\n", "\n"),
        "keep": max(1, model.block_size // 2) if long else None,
    }
    if long and n == 1 and not as_json and out().is_terminal:
        return _stream(model, vocabulary, how)
    drawn = sample(model, vocabulary, n=n, **how)
    if as_json:
        print_json(drawn)
        return 0
    for number, each in enumerate(drawn):
        if long and number:
            out().print("[dim]-----[/]")
        out().print(printable(each), markup=False, emoji=False, soft_wrap=True)
    return 0


def _stream(model: LanguageModel, vocabulary: Vocabulary, how: dict[str, Any]) -> int:
    """A passage as it is drawn; Ctrl-C ends it, as one who has seen enough would."""
    pieces = sample_stream(model, vocabulary, **how)
    try:
        for piece in chain([how["prompt"]], pieces):
            out().print(printable(piece), end="", markup=False, emoji=False, soft_wrap=True)
    except KeyboardInterrupt:
        out().print()
        return 130
    out().print()
    return 0


def _newest(root: Path) -> Path:
    """The latest training under `root` that has a model."""
    folders = [record.folder for record in find(root) if record.kind == "train"]
    having = [folder for folder in folders if (folder / CONFIG_FILE).is_file()]
    if not having:
        raise RunError(f"There is no trained model in {root}.", "Train one: zth train names")
    return having[-1]
