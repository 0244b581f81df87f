"""What a study found: the best options, what mattered, and how it is told in a run folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zth.errors import RunError
from zth.models.protocol import model_class
from zth.models.space import Space
from zth.runs import Run
from zth.train.config import TrainConfig
from zth.train.tune_journal import load, quiet
from zth.train.tune_ledger import Ledger, Trial
from zth.train.tune_plots import Plot, plots
from zth.train.tune_space import Options, distributions, from_plain, make_configs


@dataclass(frozen=True, kw_only=True)
class Study:
    """What was tried, and what came of it."""

    family: str
    base: TrainConfig
    fixed: Options
    space: Space
    vocab_size: int
    seed: int
    trials: list[Trial]
    block_size: int | None = None
    """Where one long text is read in blocks: how long those are that the steps of `base` count."""

    @classmethod
    def read(cls, journal: Path) -> Study:
        """From its file, also while others work on it. Raises RunError where that is no study of `tune`'s."""
        opened = load(journal)
        about = opened.user_attrs["about"]
        try:
            return cls(
                family=about["family"],
                base=TrainConfig(**about["base"]),
                fixed=dict(about["fixed"]),
                space=from_plain(about["space"]),
                vocab_size=about["vocab_size"],
                seed=about["seed"],
                trials=Ledger(opened, {}, seed=0).trials(),
                block_size=about.get("block_size"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(
                f"{journal} was written by another version of zth: {error}.", "Begin a new study."
            ) from error

    @property
    def done(self) -> list[Trial]:
        """Those that were trained to their end, best first."""
        return sorted((trial for trial in self.trials if trial.state == "done"), key=lambda trial: trial.dev)

    @property
    def best(self) -> Trial:
        """The one of the lowest dev loss. Raises RunError before any trial is done."""
        if not self.done:
            failed = next((trial.error for trial in self.trials if trial.error), "")
            why = f"the first that failed: {failed}" if failed else "the budget was too small"
            raise RunError(f"No trial of the study is done: {why}", "Give it more time, or fewer --steps a trial.")
        return self.done[0]

    @property
    def best_options(self) -> Options:
        """The best trial's, the fixed ones with them: of the model and of the training."""
        return {**self.fixed, **self.best.options}

    def model_config(self) -> Any:
        """The best trial's model, for `zth.models.protocol.build`."""
        return self._configs()[0]

    def train_config(self, *, steps: int | None = None) -> TrainConfig:
        """The best trial's training, as it was or with another number of steps."""
        config = self._configs()[1]
        return config if steps is None else TrainConfig(**{**asdict(config), "steps": steps})

    def importances(self) -> dict[str, float]:
        """Option -> its share in what makes a trial good, largest first; empty for few trials."""
        return importances(self.trials, self.space)

    def plots(self) -> list[Plot]:
        """Each with title, figure and caption, in the order of telling."""
        return plots(self.trials, self.space, self.importances())

    def command(self, data: str = "names", *, kind: str = "") -> list[str]:
        """What trains the best configuration, as the study did; `kind` is that of the text, where it must be said."""
        model, train = (asdict(config) for config in self._configs())
        in_blocks = self.block_size is not None
        recipe = getattr(model_class(self.family), "text_recipe" if in_blocks else "recipe", None)
        said = {name: value for name, value in model.items() if name in self.best_options}
        if recipe is not None:  # None: it learns by counting
            standard = asdict(TrainConfig(**recipe))
            said.update({name: value for name, value in train.items() if value != standard[name]})
            said.update({"steps": train["steps"]} if in_blocks else {})  # else they would depend on the text's length
        words = [word for name, value in said.items() for word in _flag(name, value)]
        text = [data, "--kind", kind] if kind else [data]
        return ["zth", "train", *text, "--model", self.family, *words, "--seed", str(self.seed)]

    def write(self, run: Run, *, command: Sequence[str] | None = None, n_best: int = 10) -> None:
        """Figures, the best trials, the command and the plots into a run folder."""
        states = [trial.state for trial in self.trials]
        spent = sum(trial.seconds for trial in self.trials if math.isfinite(trial.seconds))
        run.figure("best dev loss", self.best.dev, unit="nats", better="lower")
        first = next((trial for trial in self.trials if trial.number == 0 and trial.state == "done"), None)
        if first is not None:
            run.figure("dev loss of the defaults", first.dev, unit="nats")
        run.figure("trials", len(states))
        run.figure("pruned", states.count("pruned"))
        run.figure("failed", states.count("failed"))
        run.figure("minutes of training", spent / 60, unit="min")
        run.text(f"The best configuration, trained again: `{' '.join(command or self.command())}`")
        names = list(self.space)
        rows = [[t.number, t.dev, *(t.options.get(name) for name in names), t.seconds] for t in self.done[:n_best]]
        run.table("The best trials", ["trial", "dev", *names, "seconds"], rows)
        for plot in self.plots():
            run.plot(plot.title, plot.figure, plot.caption)

    def _configs(self) -> tuple[Any, TrainConfig]:
        return make_configs(
            self.family, self.base, self.best_options, vocab_size=self.vocab_size, block_size=self.block_size
        )


def importances(trials: Sequence[Trial], space: Space) -> dict[str, float]:
    """Option -> its share, most important first: how much the best tenth differs from all trials in it (PED-ANOVA).

    A pruned trial counts with the loss that it was last seen with: only ranks matter, and it ranks low either way.
    Empty below 10 trials, where the best tenth is less than one.
    """
    import optuna

    seen = [trial for trial in trials if math.isfinite(trial.dev) and trial.state in ("done", "pruned")]
    if len(seen) < 10:
        return {}
    with quiet():
        study = optuna.create_study()
        for trial in seen:
            study.add_trial(
                optuna.create_trial(params=trial.options, distributions=distributions(space), value=trial.dev)
            )
        return dict(optuna.importance.get_param_importances(study))


def _flag(name: str, value: Any) -> list[str]:
    """An option as `zth train` takes it."""
    flag = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}"] if value else [f"--no-{flag}"]
    return [f"--{flag}", str(value)]
