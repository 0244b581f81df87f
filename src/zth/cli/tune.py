"""`zth tune`: which options give the lowest dev loss, found within a budget."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Group, Parameter
from rich.markup import escape
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from zth.cli.corpus import corpus_of
from zth.cli.options import MODEL_HELP, family_of, flag, flags, run_inner, value_of
from zth.cli.terminal import JsonOption, err, out, print_json
from zth.data.sources import Corpus
from zth.data.tally import Kind
from zth.errors import ConfigError, did_you_mean
from zth.models.protocol import config_class
from zth.runs import Run, figure_row
from zth.train.chosen import default_family, fitted
from zth.train.config import TrainConfig
from zth.train.long_text import in_blocks
from zth.train.tune import BASE, Show, Study
from zth.train.tune_job import TuneJob, resume, winner_command
from zth.train.tune_space import parse_range

MINUTES = 5.0
"""The budget where none is stated."""
N_SHOWN = 5
"""Trials that are printed; the page has more."""
OWN_FLAGS = (
    *("--model", "--trials", "--minutes", "--steps", "--try", "--workers", "--pruner"),
    *("--study", "--resume", "--seed", "--kind", "--runs", "--json"),
)

app = App(
    name="tune",
    help="Look for the options with the lowest dev loss, within a budget.",
    help_flags=[],  # which flags there are depends on the model: the inner app shows them
    version_flags=[],
    help_epilogue="",
)

EPILOGUE = """Examples:
    zth tune names                                 the MLP, in five minutes
    zth tune names --batchnorm none --minutes 10   without BatchNorm
    zth tune names --try hidden=100..400           another range
    zth tune my.txt --minutes 20                   the GPT, on one long text
    zth tune names --study shared.journal          in two terminals: both at it
    zth tune --resume runs/FOLDER                  go on after Ctrl-C
"""


@app.default
def tune_(*tokens: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]) -> int:
    """Look for the options with the lowest dev loss, within a budget."""
    family_of(tokens, "tune")
    corpus = None if value_of(tokens, "--resume") is not None else corpus_of(tokens, ())
    family = family_of(tokens, "tune", default_family(corpus) if corpus else "mlp")
    return run_inner(
        "tune",
        "Look for the options with the lowest dev loss, within a budget. An option that is given is not tried.",
        EPILOGUE,
        _command(
            family, corpus, {token.split("=")[0] for token in tokens if token.startswith("--") or token == tokens[0]}
        ),
        tokens,
        lambda error: _wrong(error, family),
    )


def _command(family: str, corpus: Corpus | None, given: set[str]) -> Callable[..., int]:
    """The command with the flags of one family. Fields that are not given are None: the tuner may try them."""
    fitting = fitted(family, corpus)[1]
    one_text = corpus is not None and in_blocks(corpus, family)
    left_out = {field.name: None for field in (*fields(config_class(family)), *fields(TrainConfig))}
    recipe = dict(fitting) if fitting is not None else None
    training = [(TrainConfig, left_out, ("steps",))] if recipe is not None else []
    model_class_ = flags(
        "Options", Group(f"The model: {family}", sort_key=2), (config_class(family), left_out, ("vocab_size",))
    )
    training_class = flags("Training", Group("The training", sort_key=3), *training)
    plain_options, plain_training = model_class_(), training_class()

    def tune(
        data: str = "names",  # noqa: ARG001 (corpus_of has read it)
        /,
        *,
        model: str = family,  # noqa: ARG001 (family_of has read it)
        options: Any = plain_options,
        training: Any = plain_training,
        trials: int | None = None,
        minutes: float | None = None,
        steps: int | None = None,
        kind: Kind | None = None,  # noqa: ARG001 (corpus_of has read it)
        tries: list[str] | None = None,
        workers: int | None = None,
        pruner: str = "median",
        study: Path | None = None,
        resume: Path | None = None,
        seed: int = 42,
        runs: Path = Path("runs"),
        as_json: bool = False,
    ) -> int:
        """Look for the options with the lowest dev loss, within a budget. An option that is given is not tried.

        Parameters
        ----------
        data
            A name from `zth data list`, or a file or folder of yours.
        trials
            The budget: so many trials.
        minutes
            The budget: so much time, all in. Where neither is given: 5.
        steps
            Of a trial, with the default batch size and block; larger ones get fewer, and as many characters. Default:
            10,000; of one long text so many that a dozen trials for each worker fit into the minutes.
        kind
            lines (one item a line) or text (one long text), where it is not what the text seems to be.
        tries
            What to try for an option, as in hidden=100..400 or batch_size=32,64; may be given several times.
        workers
            Processes that share the work, one thread each. Default: one for each core.
        pruner
            What gives up trials that promise nothing: median, halving or none.
        study
            A file for the study; several commands with the same file work on it together.
        resume
            Go on with the study in this run folder; --trials and --minutes give it more.
        seed
            Seeds the tuner, the initial weights and the batches.
        runs
            Where run folders go.
        as_json
            Print what was found as JSON.
        """
        if resume is not None:
            return _resume(resume, trials, minutes, given, as_json=as_json)
        if trials is None and minutes is None:
            minutes = MINUTES
        fixed = {
            name: value for each in (options, training) for name, value in asdict(each).items() if value is not None
        }
        assert corpus is not None
        usual_steps = (recipe or {})["steps"] if one_text else BASE.steps
        job = TuneJob(
            corpus=corpus,
            family=family,
            base=TrainConfig(**{**(recipe or {}), "steps": usual_steps if steps is None else steps}),
            fit_steps=steps is None,
            fixed=fixed,
            space=_ranges(tries or []),
            trials=trials,
            minutes=minutes,
            workers=workers,
            pruner=pruner,
            seed=seed,
            study=study,
        )
        command = ["zth", *sys.argv[1:]]
        return _run(
            lambda show, begun: replace(job, show=show, begun=begun).start(runs, command=command), as_json=as_json
        )

    hints: dict[str, Any] = {
        "data": str,
        "model": Annotated[str, Parameter(help=MODEL_HELP, show_default=False)],
        "options": Annotated[model_class_, Parameter(name="*")],
        "training": Annotated[training_class, Parameter(name="*", parse=recipe is not None)],
        "trials": int | None,
        "minutes": float | None,
        "steps": int | None,
        "kind": Kind | None,
        "tries": Annotated[list[str] | None, Parameter(name="--try", negative="")],
        "workers": int | None,
        "pruner": str,
        "study": Path | None,
        "resume": Path | None,
        "seed": int,
        "runs": Path,
        "as_json": JsonOption,
        "return": int,
    }
    tune.__annotations__ = hints
    return tune


def _ranges(tries: Sequence[str]) -> dict[str, Any]:
    """["hidden=64..512"] -> what is tried for hidden. Raises ConfigError for another way to write."""
    found = {}
    for each in tries:
        name, equals, text = each.partition("=")
        if not equals or not text:
            raise ConfigError(f"--try wants an option and what to try; got {each!r}.", "As in --try hidden=100..400")
        found[name.strip().removeprefix("--").replace("-", "_")] = parse_range(text)
    return found


def _wrong(error: cyclopts.CycloptsError, family: str) -> ConfigError:
    error.verbose = False
    if isinstance(error, cyclopts.UnknownOptionError):
        name = (error.token.keyword or error.token.value).split("=")[0]
        own = [flag(field.name) for field in (*fields(config_class(family)), *fields(TrainConfig))]
        return ConfigError(f"{family} has no option {name}.", did_you_mean(name, [*own, *OWN_FLAGS]))
    return ConfigError(str(error).strip().split("\n")[0], f"See: zth tune --model {family} --help")


def _resume(folder: Path, trials: int | None, minutes: float | None, given: set[str], *, as_json: bool) -> int:
    others = sorted(given - {"--resume", "--trials", "--minutes", "--json"})
    if others:
        raise ConfigError(
            f"Got {others[0]} with --resume, which goes on with the options of before.", f"Leave out {others[0]}."
        )
    return _run(
        lambda show, begun: resume(folder, trials=trials, minutes=minutes, show=show, begun=begun), as_json=as_json
    )


def _run(work: Callable[[Show, Callable[[Path], object]], tuple[Run, Study]], *, as_json: bool) -> int:
    """Tune with a bar, and say what came of it, or how to go on."""
    folders: list[Path] = []
    try:
        with _shown() as show:
            run, study = work(show, folders.append)
    except KeyboardInterrupt:
        if not folders:
            raise
        err().print(
            f"\nStopped. Go on with:\n    [bold]zth tune --resume {escape(str(folders[-1]))}[/]", soft_wrap=True
        )
        return 130
    if as_json:
        print_json(_found(run, study))
    else:
        _print_study(run, study)
    return 0


def _found(run: Run, study: Study) -> dict[str, Any]:
    return {
        "run": str(run.folder),
        "dev": study.best.dev,
        "options": study.best_options,
        "importances": study.importances(),
        "command": winner_command(run, study),
        "winner": _winner(run),
        "figures": [figure_row(figure) for figure in run.figures],
    }


def _print_study(run: Run, study: Study) -> None:
    states = [trial.state for trial in study.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("done", "pruned", "failed") if state in states)
    out().print(_table(study))
    shares = [f"{name} {share:.0%}" for name, share in study.importances().items() if share >= 0.01]
    if shares:
        out().print(f"\n[bold]What mattered most[/]  {escape(', '.join(shares))}")
    out().print(f"\n[bold]The best one, to train again[/]\n{escape(_line(study, run))}", soft_wrap=True)
    winner = _winner(run)
    if winner is not None:
        out().print(f"\n[bold]zth sample {escape(winner)}[/]   what it writes", soft_wrap=True)
        out().print(f"[bold]zth compare {escape(winner)} ...[/]   beside other trainings", soft_wrap=True)
    out().print(f"\n[dim]{counts}; {escape(str(run.folder))}[/]   all plots: zth report", soft_wrap=True)


def _line(study: Study, run: Run) -> str:
    return shlex.join(winner_command(run, study))


def _winner(run: Run) -> str | None:
    """The run folder of the best trial's model."""
    winner = run.meta["config"].get("winner")
    return str(winner["run"]) if winner else None


def _table(study: Study) -> Table:
    """The best trials; the options run down the page, so that a narrow terminal shows them all."""
    best = study.done[: N_SHOWN if out().width >= 72 else 2]
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("trial", overflow="fold")
    for trial in best:
        table.add_column(str(trial.number), justify="right", no_wrap=True)
    table.add_row("[bold]dev loss[/]", *[f"[bold]{trial.dev:.4f}[/]" for trial in best])
    for name in study.space:
        table.add_row(escape(name), *[escape(_short(trial.options.get(name))) for trial in best])
    table.add_row("[dim]seconds[/]", *[f"[dim]{trial.seconds:.0f}[/]" for trial in best])
    return table


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@contextmanager
def _shown() -> Iterator[Show]:
    """A bar on standard error; where that is no terminal, a line now and then."""
    columns = (BarColumn(bar_width=24), TextColumn("{task.description}", markup=False))
    told = time.monotonic()
    with Bar(*columns, console=err(), transient=True, disable=not err().is_terminal) as bar:
        task = bar.add_task("Starting ...", total=None)

        def show(what: str, done: int, total: int) -> None:
            nonlocal told
            bar.update(task, description=what, completed=done, total=total)
            if not err().is_terminal and time.monotonic() - told > 10:
                told = time.monotonic()
                err().print(what, soft_wrap=True)

        yield show
