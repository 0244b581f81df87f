"""`zth train`: a model from a text."""

from __future__ import annotations

import math
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Group, Parameter
from rich.markup import escape

from zth.cli.board import Board, Show, Stop, asked_to_stop
from zth.cli.corpus import corpus_of, reading, text_name
from zth.cli.options import MODEL_HELP, family_of, field_docs, flag, flags, run_inner, value_of
from zth.cli.report import figures_table
from zth.cli.terminal import JsonOption, err, out, print_json
from zth.data.sources import Corpus
from zth.data.tally import Kind
from zth.errors import ConfigError, RunError, ZthError, did_you_mean
from zth.models.protocol import config_class, model_class, trainable
from zth.report import summary
from zth.runs import Run, figure_row, read
from zth.texts import printable
from zth.train.checkpoint import Checkpoint
from zth.train.chosen import chosen, default_family, fitted
from zth.train.config import TrainConfig
from zth.train.distributed import Lost, World, joined
from zth.train.job import Job
from zth.train.long_text import read_for
from zth.train.origin import Origin
from zth.train.resume import follow_resumed, resume
from zth.train.running import Progress
from zth.train.telling import SAMPLES_FILE

SWITCHES = ("--find-lr",)
"""Flags of this command that take no value."""
SHAPE = ("layers", "heads", "width")
"""Who gives one of these chooses the size of a net, so that --minutes does not."""

app = App(
    name="train",
    help="Train a model on names, or on a text of yours.",
    help_flags=[],  # which flags there are depends on the model: the inner app shows them
    version_flags=[],
    help_epilogue="",
)

EPILOGUE = """Examples:
    zth train names                                  the MLP, in half a minute
    zth train names --model wavenet --minutes 5      as good as five allow
    zth train my.txt                                 a text of yours
    zth train shakespeare --minutes 5                the GPT, on one long text
    zth train my.txt --from runs/FOLDER              finetune: begin with a trained model
    zth train names --model mlp --find-lr            which learning rate?
    zth train --resume runs/FOLDER                   go on after Ctrl-C
"""


@app.default
def train_(*tokens: Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]) -> int:
    """Train a model on names, or on a text of yours."""
    with joined() as world:
        return _train_in(world, tokens) if world.leads else _silently(lambda: _train_in(world, tokens))


def _silently(follow: Callable[[], int]) -> int:
    """What rank 0 says and decides is enough, also about Ctrl-C; that a process has gone each tells for itself."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    out().quiet = err().quiet = True
    try:
        return follow()
    except Lost:
        raise
    except (ZthError, KeyboardInterrupt) as error:
        return 2 if isinstance(error, ZthError) else 130
    finally:
        out().quiet = err().quiet = False


def _train_in(world: World, tokens: Sequence[str]) -> int:
    family_of(tokens, "train")
    _refuse_together(tokens)
    with world.together():
        origin = _origin(tokens)
        corpus = None if value_of(tokens, "--resume") is not None else corpus_of(tokens, SWITCHES)
    world.agree(
        {"the text": corpus.sha256 if corpus else "", "the model that --from names": origin.sha256 if origin else ""}
    )
    family = family_of(tokens, "train", origin.family if origin else default_family(corpus) if corpus else "mlp")
    if origin:
        origin.checked(family, {})
    return run_inner(
        "train",
        "Train a model on names, or on a text of yours, into a run folder.",
        EPILOGUE,
        _command(family, corpus, world, origin, _budget(tokens)),
        tokens,
        lambda error: _wrong(error, family),
    )


def _refuse_together(tokens: Sequence[str]) -> None:
    """Raises ConfigError for flags that contradict each other."""
    given = {token.split("=")[0] for token in tokens if token.startswith("--")}
    if {"--steps", "--minutes"} <= given:
        raise ConfigError("Got both --steps and --minutes.", "Give one of them: the other follows from it.")
    if {"--find-lr", "--minutes"} <= given:
        raise ConfigError("Got --minutes with --find-lr, which takes a thousand steps.", "Leave out --minutes.")
    minutes = _minutes(tokens)
    if minutes is not None and not 0 < minutes < math.inf:
        raise ConfigError(f"minutes must be above 0; got {minutes}.", "Try --minutes 1.")
    text = text_name(tokens, SWITCHES)
    others = [*sorted(given - {"--resume", "--json", "--help"}), *([] if text is None else [text])]
    if "--resume" in given and others:
        raise ConfigError(
            f"Got {others[0]} with --resume, which goes on with the options of before.", f"Leave out {others[0]}."
        )


def _origin(tokens: Sequence[str]) -> Origin | None:
    """The training that --from names: its model says which flags there are. Raises RunError for none."""
    folder = value_of(tokens, "--from")
    if folder is None:
        return None
    if not folder or folder.startswith("-"):
        raise ConfigError("--from needs the run folder of a trained model.", "As in: zth train my.txt --from runs/X")
    if text_name(tokens, SWITCHES) is None and "--help" not in tokens:
        raise ConfigError("--from needs a text to finetune on.", f"As in: zth train my.txt --from {folder}")
    return Origin.of(Path(folder))


def _minutes(tokens: Sequence[str]) -> float | None:
    """What --minutes says, for choosing what it does not; whether it is a number at all is asked later."""
    try:
        return float(value_of(tokens, "--minutes") or "")
    except ValueError:
        return None


def _budget(tokens: Sequence[str]) -> float | None:
    """The minutes that a size is to suit; None where people say the size themselves."""
    return None if any(value_of(tokens, flag(name)) is not None for name in SHAPE) else _minutes(tokens)


def _command(
    family: str, corpus: Corpus | None, world: World, origin: Origin | None = None, budget: float | None = None
) -> Callable[..., int]:
    """The command with the flags of one family: those of its config and, where it is a net, of TrainConfig.

    What is left out is chosen to fit the corpus and the minutes.
    """
    options_group, train_group = Group(f"The model: {family}", sort_key=2), Group("The training", sort_key=3)
    fitting, recipe = fitted(family, corpus, origin, budget)
    options_class = flags("Options", options_group, (config_class(family), fitting, ("vocab_size",)))
    training_class = flags("Training", train_group, *([(TrainConfig, recipe, ())] if recipe is not None else []))

    plain_options, plain_training = options_class(), training_class()

    def train(
        data: str = "names",  # noqa: ARG001 (corpus_of has read it)
        /,
        *,
        model: str = family,  # noqa: ARG001 (family_of has read it)
        options: Any = plain_options,
        training: Any = plain_training,
        kind: Kind | None = None,  # noqa: ARG001 (corpus_of has read it)
        minutes: float | None = None,
        seed: int = 42,
        runs: Path = Path("runs"),
        from_: Path | None = None,  # noqa: ARG001 (_origin has read it)
        resume: Path | None = None,
        find_lr: bool = False,
        as_json: bool = False,
    ) -> int:
        """Train a model on names, or on a text of yours, into a run folder.

        Parameters
        ----------
        data
            A name from `zth data list`, or a file or folder of yours.
        kind
            lines (one item a line) or text (one long text), where it is not what the text seems to be.
        minutes
            Train for about so long: the steps are counted from the speed that this machine has now. Reading the
            text and the last evaluation come on top. For one long text the size of the net suits the minutes.
        seed
            Seeds the initial weights, the batches and the samples.
        runs
            Where run folders go.
        from_
            Finetune: begin with the weights of the model in this run folder, with its options and its characters,
            to which those that are new are added. A lower rate and fewer steps are then the default.
        resume
            Go on with the training in this run folder; all other options are then as they were.
        find_lr
            Do not train: sweep the learning rate over a thousand steps, as in lecture 3, and suggest one.
        as_json
            Print the figures as JSON.
        """
        if resume is not None:
            return _resume(resume, world, as_json=as_json)
        if world.size > 1 and (recipe is None or find_lr):
            what = "--find-lr" if find_lr else f"counting, as {family} does,"
            raise ConfigError(f"{what} is work for one process; got {world.size}.", "Run it without torchrun.")
        if recipe is None and minutes is not None:
            raise ConfigError(f"--minutes is of no use here: {family} learns by counting.", "Leave it out.")
        assert corpus is not None
        settings = asdict(training)
        if minutes is not None:  # the steps are counted later
            settings["steps"] = max(settings["steps"], settings["warmup_steps"])
        config = TrainConfig(**settings)
        with world.together():
            job = replace(_job(corpus, family, asdict(options), config, minutes, seed, origin), world=world)
        return _find(job, runs, as_json=as_json) if find_lr else _train(job, runs, as_json=as_json)

    hints: dict[str, Any] = {
        "data": str,
        "model": Annotated[str, Parameter(help=MODEL_HELP, show_default=False)],
        "options": Annotated[options_class, Parameter(name="*")],
        "training": Annotated[training_class, Parameter(name="*", parse=recipe is not None)],
        "kind": Kind | None,
        "minutes": float | None,
        "seed": int,
        "runs": Path,
        "from_": Annotated[Path | None, Parameter(name="--from")],
        "resume": Path | None,
        "find_lr": Annotated[bool, Parameter(negative="")],
        "as_json": JsonOption,
        "return": int,
    }
    train.__annotations__ = hints
    return train


def _wrong(error: cyclopts.CycloptsError, family: str) -> ConfigError:
    """What cyclopts found wrong, and whose option it would be."""
    error.verbose = False
    said = str(error).strip().split("\n")[0]
    if isinstance(error, cyclopts.UnknownOptionError):
        name = (error.token.keyword or error.token.value).split("=")[0]
        plain = name.removeprefix("--").removeprefix("no-").replace("-", "_")
        owners = [each for each in trainable() if plain in field_docs(config_class(each)) and plain != "vocab_size"]
        if owners:
            return ConfigError(
                f"{name} is an option of {', '.join(owners)}; {family} has none of that name.",
                f"See its own: zth train --model {family} --help",
            )
        if plain in field_docs(TrainConfig):
            return ConfigError(f"{name} is of no use here: {family} learns by counting.", "Leave it out.")
        return ConfigError(f"There is no option {name}.", did_you_mean(name, _known_flags(family)))
    return ConfigError(said, f"See: zth train --model {family} --help")


def _known_flags(family: str) -> list[str]:
    known = [field.name for field in (*fields(config_class(family)), *fields(TrainConfig))]
    known.remove("vocab_size")  # the text's
    return [
        flag(name)
        for name in (*known, "model", "kind", "minutes", "seed", "runs", "from", "resume", "find_lr", "json")
    ]


def _job(
    corpus: Corpus,
    family: str,
    options: dict[str, Any],
    config: TrainConfig,
    minutes: float | None,
    seed: int,
    origin: Origin | None,
) -> Job:
    """Everything read and checked."""
    with reading("Encoding") as told:
        text = read_for(corpus, family, origin.vocabulary if origin else None, progress=told)
    return Job(text=text, family=family, options=options, config=config, minutes=minutes, seed=seed, origin=origin)


def _train(job: Job, root: Path, *, as_json: bool) -> int:
    command = ["zth", *sys.argv[1:]]
    begun = job.world.begun()
    if begun is not None:
        err().print(f"torchrun has started the processes again; they go on in {escape(str(begun))}.", soft_wrap=True)
        return _resume(begun, job.world, as_json=as_json)
    if not job.world.leads:
        job.follow()
        return 0
    if not as_json:
        for line in chosen(job):
            err().print(line, markup=False, soft_wrap=True)
    return _run(lambda show, stop: replace(job, show=show, stop=stop).start(root, command=command), as_json=as_json)


def _resume(folder: Path, world: World, *, as_json: bool) -> int:
    if not world.leads:
        follow_resumed(world)
        return 0
    return _run(lambda show, stop: resume(folder, show=show, stop=stop, world=world), as_json=as_json)


def _run(train: Callable[[Show, Stop], Run], *, as_json: bool) -> int:
    """Train with a bar, and say what came of it, or how to go on."""
    board = Board()
    try:
        with asked_to_stop(board) as stop, board:
            run = train(board.show, stop)
    except KeyboardInterrupt:
        if board.latest is None:
            raise
        _print_stopped(board.latest)
        return 130
    except Lost as error:
        if board.latest is None:
            raise
        raise Lost(error.problem, f"Go on from what was saved: zth train --resume {board.latest.folder}") from error
    if as_json:
        print_json({"run": str(run.folder), "figures": [figure_row(figure) for figure in run.figures]})
    else:
        _print_run(run)
    return 0


def _print_stopped(latest: Progress) -> None:
    """Where a resumed training begins: at what was saved, which a second Ctrl-C may have cut short."""
    try:
        step = Checkpoint.load(latest.folder).step
    except RunError:
        err().print("\nStopped before anything was saved.")
        return
    told = f"\nStopped; saved at step {step:,} of {latest.steps:,}. Go on with:"
    err().print(f"{told}\n    [bold]zth train --resume {escape(str(latest.folder))}[/]", soft_wrap=True)


def _print_run(run: Run) -> None:
    out().print(figures_table(summary([read(run.folder)])))
    lines = (run.folder / SAMPLES_FILE).read_text(encoding="utf-8").splitlines()
    out().print("\n[bold]Drawn from it[/]")
    for line in lines[:12]:
        out().print("  " + printable(line), markup=False, emoji=False, overflow="ellipsis", no_wrap=True)
    folder = escape(str(run.folder))
    out().print(f"\n[bold]zth sample {folder}[/]   more of it", soft_wrap=True)
    out().print(f"[bold]zth compare {folder} ...[/]   beside other trainings", soft_wrap=True)
    out().print("[bold]zth report[/]   its page", soft_wrap=True)


def _find(job: Job, root: Path, *, as_json: bool) -> int:
    """The learning-rate finder, into a run folder of its own."""
    command = ["zth", *sys.argv[1:]]
    corpus = job.text.corpus
    if getattr(model_class(job.family), "recipe", None) is None:
        raise ConfigError(f"{job.family} learns by counting: it has no learning rate.", "Try --model mlp.")
    with Run.create(
        kind="find-lr",
        name=f"{corpus.name}-{job.family}",
        title=f"Which learning rate? {job.family} on {corpus.name}",
        root=root,
        seed=job.seed,
        command=command,
        config={"model": job.family, "options": dict(job.options), "train": asdict(job.config)},
    ) as run:
        run.data(corpus.edition, corpus.sha256)
        with err().status("Sweeping ..."):
            sweep = job.sweep()
        run.figure("suggested learning rate", sweep.suggestion)
        run.plot(
            "Loss of each batch while the rate grows",
            sweep.figure(),
            "Left the steps are too short to learn, right of the valley too long; the dotted line is the suggestion.",
        )
    if as_json:
        print_json({"run": str(run.folder), "lr": sweep.suggestion})
        return 0
    lr = f"{sweep.suggestion:.2g}"
    out().print(f"Suggested learning rate for {job.config.optimizer}: [bold]{lr}[/]")
    out().print(f"[dim]{escape(str(run.folder))}[/]   the picture: [bold]zth report[/]", soft_wrap=True)
    return 0
