"""Check of 5.4: the questions are in questions.py, the wrong steps and trainings in wrong.py."""

from __future__ import annotations

from functools import partial

import torch

from zth.backprop import fused
from zth.compare import Tolerance
from zth.workbook.check import Limits, Mistake, Part
from zth.workbook.l05_backprop.e04_train import questions, wrong
from zth.workbook.l05_backprop.e04_train.questions import NAMES

LIMITS = Limits(seconds=60)

PARTS = [
    Part(
        name="train_step",
        shown="train_step(parameters, {1}, {2}, {3})",
        ask=questions.one_step,
        cases=questions.batches,
    ),
    Part(name="calibrate", shown="calibrate(parameters, {1})", ask=questions.statistics, cases=questions.contexts),
    Part(
        name="train",
        shown="train(parameters, {1}, {2}, {3})",
        ask=questions.trained,
        cases=questions.trainings,
        tolerance=Tolerance(absolute=100.0),  # losses differ from draw to draw: mistakes are known by the rest
        accept=questions.accept,
    ),
]

MISTAKES = [
    Mistake(
        name="autograd after all",
        says="Autograd is switched off here, so backward() and torch.autograd.grad end with an error. Write the "
        "gradients yourself, as in 5.1.",
        instead={"train_step": wrong.by_autograd},
    ),
    Mistake(
        name="nothing moved",
        says="The loss is right, but the parameters came back as they were. Subtract lr times the gradient.",
        instead={"train_step": wrong.step(moved=())},
    ),
    Mistake(
        name="gradients returned",
        says="Those are the gradients. Return the parameters after the step: p - lr * dp.",
        instead={"train_step": wrong.gradients_returned},
    ),
    Mistake(
        name="uphill",
        says="The parameters went up the gradient, and the loss with them: subtract lr times the gradient.",
        instead={"train_step": wrong.step(rate=lambda lr: -lr)},
    ),
    Mistake(
        name="lr ignored",
        says="The step was made with a rate of 0.1, whatever lr was given. Use lr, so that the rate can fall.",
        instead={"train_step": wrong.step(rate=lambda _: 0.1)},
    ),
    Mistake(
        name="loss after the step",
        says="The parameters are right. The loss is that of the forward pass, before the step.",
        instead={"train_step": wrong.step(loss_after=True)},
    ),
    Mistake(
        name="C: the last use wins",
        says="Where a character stood more than once in the batch, only its last place arrived in C. `dC[xb] = demb` "
        "and `dC[xb] += demb` both write each row once; use dC.index_add_, np.add.at, or a loop.",
        instead={"train_step": wrong.step(dC=wrong.last_use_alone)},
    ),
    Mistake(
        name="C left as it was",
        says="Everything is right except C, which did not move: the embeddings are trained, too.",
        instead={"train_step": wrong.step(moved=[name for name in NAMES if name != "C"])},
    ),
    Mistake(
        name="gain and bias left as they were",
        says="bngain and bnbias did not move. They are parameters, and have gradients of their own.",
        instead={"train_step": wrong.step(moved=NAMES[:5])},
    ),
    Mistake(
        name="W2 updated too early",
        says="All that comes after dh is wrong, as if W2 had been updated before dh was computed. Compute all seven "
        "gradients first, and update at the very end.",
        instead={"train_step": wrong.step(W2_behind=wrong.updated)},
    ),
    Mistake(
        name="W1 updated too early",
        says="C alone is wrong, as if W1 had been updated before dembcat was computed. Compute all seven gradients "
        "first, and update at the very end.",
        instead={"train_step": wrong.step(W1_behind=wrong.updated)},
    ),
    Mistake(
        name="updated on the way back",
        says="W2 was updated before dh was computed, and W1 before dembcat: the way back used the weights of after "
        "the step. Compute all seven gradients first, and update at the very end.",
        instead={"train_step": wrong.step(W1_behind=wrong.updated, W2_behind=wrong.updated)},
    ),
    Mistake(
        name="variance over n in the forward pass",
        says="The loss is a little off: BatchNorm took the variance over n. It is over n - 1; torch's var does so by "
        "itself, NumPy's needs ddof=1.",
        instead={"train_step": wrong.step(correction=0)},
    ),
    Mistake(
        name="variance over n everywhere",
        says="That is a net with torch's own BatchNorm, variance over n forward and backward. It would train as "
        "well, but the lecture has Bessel's correction, n - 1, in both.",
        instead={"train_step": wrong.step(correction=0, dhprebn=partial(fused.dhprebn, bessel=False))},
    ),
    Mistake(
        name="Bessel forgotten on the way back",
        says="The loss is right, the gradient through BatchNorm is not: the variance's term has n - 1, as 5.3 found.",
        instead={"train_step": wrong.step(dhprebn=partial(fused.dhprebn, bessel=False))},
    ),
    Mistake(
        name="BatchNorm: the direct road alone",
        says="dhprebn is bngain * bnvar_inv * dhpreact, as if mean and variance were constants. They are made of "
        "all n examples: 5.3 has two more terms.",
        instead={"train_step": wrong.step(dhprebn=lambda dy, gain, _raw, inv: gain * inv * dy)},
    ),
    Mistake(
        name="eps forgotten",
        says="Where the variance is small, the 1e-5 shows: bnvar_inv = (bnvar + 1e-5)**-0.5.",
        instead={"train_step": wrong.step(eps=0)},
    ),
    Mistake(
        name="tanh without its slope",
        says="dh went through tanh as it was. The slope of tanh is 1 - h**2: dhpreact = (1 - h**2) * dh.",
        instead={"train_step": wrong.step(through_tanh=lambda h, _: torch.ones_like(h))},
    ),
    Mistake(
        name="tanh's slope from hpreact",
        says="The slope of tanh is 1 - tanh(x)**2, with what came out: 1 - h**2, not 1 - hpreact**2.",
        instead={"train_step": wrong.step(through_tanh=lambda _, hpreact: 1 - hpreact**2)},
    ),
    Mistake(
        name="division by n forgotten",
        says="All gradients are n times too large: the loss is a mean, so dlogits is divided by n.",
        instead={"train_step": wrong.step(dlogits=lambda logits, yb: len(yb) * fused.dlogits(logits, yb))},
    ),
    Mistake(
        name="minus 1 forgotten",
        says="dlogits is the probabilities alone. The right character has minus 1: dlogits[range(n), yb] -= 1.",
        instead={"train_step": wrong.step(dlogits=lambda logits, yb: logits.softmax(1) / len(yb))},
    ),
    Mistake(
        name="gain and bias not summed",
        says="bngain and bnbias came back with n rows. They were broadcast to n rows, so their gradients are sums "
        "over the rows: sum(0, keepdim=True).",
        instead={"train_step": wrong.step(over_rows=lambda table: table)},
    ),
    Mistake(
        name="calibrated over n",
        says="The variance was taken over N. As in training it is over N - 1.",
        instead={"calibrate": wrong.statistics(of=partial(wrong.mean_and_var, correction=0))},
    ),
    Mistake(
        name="calibrated: standard deviation",
        says="You return the standard deviation. Return the variance; 1e-5 is added to it later.",
        instead={"calibrate": wrong.statistics(of=lambda x: (x.mean(0, keepdim=True), x.std(0, keepdim=True)))},
    ),
    Mistake(
        name="calibrated on a batch",
        says="Those are the statistics of the first 32 contexts. Take all of them: that is what calibration is for.",
        instead={"calibrate": wrong.statistics(seen=lambda X: X[:32])},
    ),
    Mistake(
        name="calibrated as a mean over batches",
        says="You took the mean of the statistics of batches of 32. Between the batches the mean moves, too: take "
        "mean and variance over all contexts at once.",
        instead={"calibrate": wrong.statistics(of=wrong.means_over_batches)},
    ),
    Mistake(
        name="calibrated without b1",
        says="The mean lacks b1: hprebn is embcat @ W1 + b1.",
        instead={"calibrate": wrong.statistics(with_bias=False)},
    ),
    Mistake(
        name="calibrated: an axis lost",
        says="The numbers are right, but the shape should be (1, 200): keepdim=True.",
        instead={"calibrate": wrong.statistics(of=lambda x: (x.mean(0), x.var(0)))},
    ),
    Mistake(
        name="the untrained net returned",
        says="The function answers as the net did before training. If your train_step returns new parameters, keep "
        "them: loss, parameters = train_step(parameters, ...).",
        instead={"train": wrong.training(trained=False)},
    ),
    Mistake(
        name="always the same batch",
        says="The net has learnt a few examples by heart: on other names it is worse than guessing. Draw a new batch "
        "in every step.",
        instead={"train": wrong.training(one_batch=True)},
    ),
    Mistake(
        name="a table instead of the net",
        says="With n_steps = 0 the function must give the logits of the net that came in, but its logits are the "
        "same whatever `parameters` are. A table of counts predicts names, too; here a net is to be trained.",
        instead={"train": wrong.table},
    ),
    Mistake(
        name="n_steps ignored",
        says="With n_steps = 0 the function must give the logits of the net that came in. Yours was trained all the "
        "same: make n_steps steps, not a number of your own.",
        instead={"train": wrong.training(always=questions.N_STEPS)},
    ),
    Mistake(
        name="probabilities instead of logits",
        says="The function gives probabilities. Return the logits, h @ W2 + b2: the softmax is in the loss.",
        instead={"train": wrong.training(answer=wrong.probabilities)},
    ),
    Mistake(
        name="the asked batch's own statistics",
        says="A context's logits depend on the other contexts in its batch: BatchNorm still uses the statistics of "
        "the contexts at hand. Use those that you calibrated on the training examples.",
        instead={"train": wrong.training(answer=wrong.with_the_batchs_own)},
    ),
]
