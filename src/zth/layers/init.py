"""Every initial scale that the lectures use, each with its variance argument.

Letters: y = x @ W is a sum of fan_in products, with W drawn from N(0, std**2) and independent of x. So

    E[y**2] = fan_in * std**2 * E[x**2]                                                                   (1)

whatever the distribution of x. Each scale below is an answer to: what should E[y**2] be, so that what comes after
this layer works? (E[x**2] is the variance where x has mean 0; a relu's output has not, and (1) holds all the same.)
The same argument read backwards, with fan_out in place of fan_in, tells how the gradients grow; in the square hidden
layers of the deep nets one scale serves both.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zth.errors import ConfigError, did_you_mean

UNIT = 1.0
"""N(0, 1), lecture 3's first way for all weights, and every lecture's for the embedding table.

By (1), E[y**2] grows fan_in times. With lecture 3's 200 hidden units in -1..1, many of them saturated, the logits
come out with a standard deviation of more than 10, the net is confidently wrong, and the first loss is near 27
instead of ln 27 = 3.2958. The hidden layer's 30 inputs of variance 1 give hpreact a standard deviation of
sqrt(30 + 1) = 5.6 (b1 counts as one input more), and |tanh| is above 0.97 where |hpreact| is above 2.09: in 7 places
of 10.

An embedding table is not summed over, it is looked up: there variance 1 stays variance 1, as the next layer wants it.
"""

LAST_LAYER = 0.01
"""The factor for the weights before the softmax (lectures 3 and 4: W2 * 0.01, b2 * 0).

Logits of variance s**2 that know nothing of the target cost ln V + (1 - 1/V) * s**2 / 2 for small s: the least is at
equal logits. (1) with 200 inputs of at most 1 gives s**2 <= 200 * 0.01**2 = 0.02, so the first loss lies within 0.01
of ln 27. Not exactly 0: then no gradient would come through this layer to the others in the first step.
"""

LAST_GAIN = 0.1
"""What the deep nets of lectures 4 and 6 multiply their last layer's 1/sqrt(fan_in) with (its gamma, where the last
layer is a BatchNorm): by (1) s**2 = 0.1**2 * E[x**2] <= 0.01, and the first loss lies within 0.005 of ln V.
"""

FIRST_TANH = 0.2
"""Lecture 4's scale for W1 (30, 200), found by looking at the histogram, before it brings up Kaiming's.

By (1) hpreact's standard deviation is 0.2 * sqrt(30) = 1.10, between 1/sqrt(fan_in)'s 1 and Kaiming's 5/3: |tanh| is
above 0.97 in 6 % of the places.
"""

FIRST_BIAS = 0.01
"""Lecture 4's scale for b1: it adds 0.01**2 to a variance near 1, so it only makes the units differ a little."""

NOT_ZERO = 0.1
"""Lecture 5's scale for b1, W2, b2 and the deviation of bngain from 1 and of bnbias from 0.

Zeros would hide mistakes: with W2 = 0 the gradient of h is 0 however one computes it, and a lost factor of bngain = 1
changes nothing. By (1) with 64 hidden units s**2 <= 64 * 0.1**2 = 0.64: still a mild first loss.
"""

ZERO = 0.0
"""All weights and biases zero, exercise 4.1. By (1) y is 0, and by (1) backwards so is every gradient that has to
come through such a layer; in a layer behind it, W's gradient is x.T @ dy with x = 0. Only the last bias has one.
"""

GAINS = {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2.0)}
"""What makes up for what a nonlinearity takes away; torch.nn.init.calculate_gain has the same. See `kaiming_std`."""


def fan_in_std(fan_in: int) -> float:
    """1/sqrt(fan_in): by (1), E[y**2] = E[x**2], so a signal neither grows nor fades (lectures 4 and 6).

    Raises ConfigError for a fan_in under 1.

    >>> fan_in_std(100)
    0.1
    """
    if fan_in < 1:
        raise ConfigError(f"fan_in must be at least 1; got {fan_in}.", "Pass the number of inputs of a unit.")
    return 1 / math.sqrt(fan_in)


def kaiming_std(fan_in: int, nonlinearity: str = "tanh") -> float:
    """gain/sqrt(fan_in) (He et al. 2015; lecture 4): 1/sqrt(fan_in), and the nonlinearity's loss made up for.

    relu, gain sqrt(2): y is symmetric about 0, so relu keeps half of E[y**2]; gain**2 = 2 makes that whole, exactly.

    tanh, gain 5/3: tanh squeezes, so with gain 1 a signal fades from layer to layer, as 1/sqrt(2 * layers) at length.
    With a gain above 1, small signals grow (tanh is the identity near 0) and large ones are cut off, so that depth
    brings the variance q of the activations to the one fixed point of q = E[tanh(gain * sqrt(q) * z)**2], z from
    N(0, 1). For 5/3 that is q = 0.424, a standard deviation of 0.65: what lecture 4's histograms settle at.

    Raises ConfigError for an unknown nonlinearity, or a fan_in under 1.

    >>> kaiming_std(200, "relu"), round(kaiming_std(30, "tanh"), 4)
    (0.1, 0.3043)
    """
    if nonlinearity not in GAINS:
        raise ConfigError(f"No gain is known for {nonlinearity!r}.", did_you_mean(nonlinearity, GAINS))
    return GAINS[nonlinearity] * fan_in_std(fan_in)


def normal(*shape: int, std: float, generator: torch.Generator) -> Tensor:
    """shape -> float32 numbers from N(0, std**2), drawn from `generator` whatever `std` is.

    So two nets that differ in scale alone get the same draws. Raises ConfigError for a std that is negative or not
    finite.

    >>> tuple(normal(2, 3, std=0.1, generator=torch.Generator().manual_seed(1)).shape)
    (2, 3)
    """
    if not 0 <= std < math.inf:
        raise ConfigError(f"std must be a finite number from 0 up; got {std}.", "Try fan_in_std(fan_in).")
    return torch.randn(*shape, generator=generator) * std
