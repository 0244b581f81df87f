"""A net and examples in, a trained net out; and, for the command `zth train`, a run folder.

::

    config.py     TrainConfig: how a net is trained
    schedule.py   the learning rate of each step
    batches.py    which examples each step learns from
    optim.py      SGD and AdamW, spelled out
    backends.py   a step by autograd or by the engine
    pieces.py     a batch in pieces: for several processes, or one after another
    distributed.py  several processes that train one net, started by torchrun
    average.py    an exponential average of the weights
    loop.py       fit(): the loop; Trainer: one that can stop and go on
    finder.py     the learning-rate finder of lecture 3
    muon.py       Muon for matrices, AdamW for the rest
    examples.py   a text as examples for a model, line by line
    long_text.py  one long text, in blocks
    chosen.py     what zth train chooses where nothing is said
    checkpoint.py a training on disk, to go on with
    owned.py      one process at a time writes to a run folder
    origin.py     a trained model to begin with: finetuning
    job.py        zth train: text, model, loop, run folder
    running.py    the training itself: its lines, looks and checkpoints
    resume.py     zth train --resume
    telling.py    what the folder says of the model: losses, samples
    mix.py        zth mix: trained models -> one, weighed on dev
    plots.py      the loss curve, the finder's sweep
    tune.py ...   zth tune

In memory::

    from zth.train import TrainConfig, fit
    config = TrainConfig(steps=200_000, batch_size=32, optimizer="sgd", lr=0.1, schedule="step")
    losses = fit(model, (X, Y), config, seed=42)      # in place -> (steps,) float64

**What the run folder of a training holds** (run.json's "kind" is "train", "name" the text's name and the model's, as
in "names-mlp"), besides what every run folder has (zth.runs):

    run.json          config = {
                          "data": "names",               # a known corpus, or the absolute path of a text of one's own
                          "kind": "lines",               # "lines" or "text"
                          "model": "mlp",                # a key of zth.models.protocol.FAMILIES
                          "options": {...},              # all fields of the model's config dataclass
                          "train": {...} or null,        # all fields of TrainConfig; null for models that count
                          "backend": "engine",           # what did the steps; null for models that count
                          "n_parameters": 11897}         # numbers learnt (of counts: those kept)
                      with `--from` also "from": {"run": ..., "title": ..., "sha256": ..., "editions": [...]},
                      the training whose weights it began with; vocabulary.json then has the characters of both
    metrics.jsonl     one line now and then: {"step": 1000, "loss": 2.31, "lr": 0.1, "seconds": 0.9, "dev": 2.34}
                      loss: mean of the batches' losses since the line before, in nats; dev: left out where it was not
                      evaluated; seconds: of training so far, without evaluation. Models that count write one line.
    figures.json      named "train loss", "dev loss", "test loss" (unit "nats"; better is "lower"), of the model as it
                      is kept, and "parameters", "steps", "seconds"
    model.json, model.safetensors     the model: zth.models.protocol.LanguageModel.load(folder)
    vocabulary.json   zth.data.vocab.Vocabulary.from_json
    samples.txt       twenty lines drawn from it, or a passage
    checkpoint.safetensors   while it is not done: what `zth train --resume` goes on with

One long text (kind "text") trains a gpt in blocks: then "backend" is "autograd", the dev losses of metrics.jsonl are
those of a bounded part, "dev loss" is that of the whole last tenth, there is no "test loss", and "dev bits per
character" (unit "bits") stands beside it. All other models learn from it line by line.
"""

from zth.train.config import TrainConfig
from zth.train.loop import Trainer, fit
from zth.train.optim import SGD, AdamW
from zth.train.schedule import rates

__all__ = ["SGD", "AdamW", "TrainConfig", "Trainer", "fit", "rates"]
