"""The wrong answers that people give to 7.4.

Letters: B texts, T positions, G key-value heads, D the size of a head, C the width.
"""

import torch
import torch.nn.functional as F

from zth.train.muon import NEWTON_SCHULZ
from zth.workbook.check import Mistake
from zth.workbook.l07_gpt.e04_one_more_feature.solution import rms_norm, rotary
from zth.workbook.l07_gpt.e04_one_more_feature.wrong_ways import (
    apart,
    attention_by,
    by_svd,
    centred,
    iterated,
    mean_square,
    only,
    same,
    silu_gate,
    tiled,
    turning,
    with_mask,
    with_norm,
    with_repeat,
    with_rotary,
)

_ROTARY = [
    Mistake(
        name="one angle for all pairs",
        says="All pairs are turned alike, by t radians. Pair i has its own speed, base**(-2i / D): the first is fast "
        "and tells neighbours apart, the last is slow and tells far from near.",
        instead=with_rotary(turning(speeds=lambda D, _base: torch.ones(D // 2).double())),
    ),
    Mistake(
        name="the exponent without its 2",
        says="The speeds are base**(-i / D). It is -2i / D for pair i: torch.arange(0, D, 2) / D holds them.",
        instead=with_rotary(turning(speeds=lambda D, base: base ** (-torch.arange(D // 2) / D).double())),
    ),
    Mistake(
        name="the 2 counted twice",
        says="torch.arange(0, D, 2) is 2i already; your exponent has another 2 before it. It is -2i / D.",
        instead=with_rotary(turning(speeds=lambda D, base: base ** (-2 * torch.arange(0, D, 2) / D).double())),
    ),
    Mistake(
        name="the exponent without its minus",
        says="The later pairs are turned faster and faster. The exponent is negative: base**(-2i / D).",
        instead=with_rotary(turning(speeds=lambda D, base: base ** (torch.arange(0, D, 2) / D).double())),
    ),
    Mistake(
        name="halves in the place of neighbours",
        says="You paired number i with number i + D/2. That is a sound convention too, and some libraries have it, "
        "but here pairs are neighbours: x[..., 0::2] and x[..., 1::2], put back by stack(..., dim=-1).flatten(-2).",
        instead=with_rotary(turning(halves=True)),
    ),
    Mistake(
        name="turned the other way",
        says="The turn goes clockwise: the signs of the two sines are exchanged. (a, b) becomes (a cos - b sin, a "
        "sin + b cos).",
        instead=with_rotary(turning(signs=(1, -1))),
    ),
    Mistake(
        name="no minus in the turn",
        says="With two plus signs it is not a rotation: lengths change. (a, b) becomes (a cos - b sin, a sin + b "
        "cos).",
        instead=with_rotary(turning(signs=(1, 1))),
    ),
    Mistake(
        name="all places turned alike",
        says="The scores are as if nothing had been turned: within a head all places have the same angles. They must "
        "grow with the place, t * speed; places are axis 2 of (B, H, T, D). torch.outer(torch.arange(T), speeds) "
        "makes the (T, D/2) angles.",
        instead=only("rotary", lambda x, _base=10_000.0: x),
    ),
    Mistake(
        name="the base fixed",
        says="The base is always 10,000. Take the argument `base`.",
        instead={"rotary": lambda x, _base=10_000.0: rotary(x)},
    ),
]

_NORM_AND_MLP = [
    Mistake(
        name="the mean subtracted",
        says="That is LayerNorm: it takes the mean away first. RMSNorm divides, and that is all.",
        instead=with_norm(centred),
    ),
    Mistake(
        name="divided by the deviation",
        says="You divided by the standard deviation, which takes the mean away inside. Divide by sqrt(mean(x**2) + "
        "eps).",
        instead=with_norm(lambda x, eps=1e-5: x / (x.var(-1, keepdim=True, correction=0) + eps).sqrt()),
    ),
    Mistake(
        name="divided by the length",
        says="You divided by the square root of the sum of squares, so rows come out with length 1. Use the mean "
        "of the squares: then a number has a size of about 1, however wide the row is.",
        instead=with_norm(lambda x, eps=1e-5: x / (x.square().sum(-1, keepdim=True) + eps).sqrt()),
    ),
    Mistake(
        name="no root",
        says="You divided by the mean square itself. Take its root.",
        instead=with_norm(lambda x, eps=1e-5: x / (mean_square(x) + eps)),
    ),
    Mistake(
        name="eps outside the root",
        says="eps belongs under the root: sqrt(mean(x**2) + eps). Outside it counts far less for small rows.",
        instead=with_norm(lambda x, eps=1e-5: x / (mean_square(x).sqrt() + eps)),
    ),
    Mistake(
        name="eps fixed",
        says="eps is always 1e-5. Take the argument `eps`.",
        instead=only("rms_norm", lambda x, _eps=1e-5: rms_norm(x)),
    ),
    Mistake(
        name="eps forgotten",
        says="Without eps a row of zeros is 0 / 0, nan. Add it to the mean of squares, under the root.",
        instead=with_norm(lambda x, _eps=1e-5: x / mean_square(x).sqrt()),
    ),
    Mistake(
        name="one mean for everything",
        says="The mean went over all axes, so positions and texts share one. Each row by itself: mean(-1, "
        "keepdim=True).",
        instead=with_norm(lambda x, eps=1e-5: x / (x.square().mean() + eps).sqrt()),
    ),
    Mistake(
        name="not squared",
        says="That is the plain relu. Square it.",
        instead=only("squared_relu", torch.relu),
    ),
    Mistake(
        name="squared without the relu",
        says="Negative numbers were squared too. They become 0: first relu, then the square.",
        instead=only("squared_relu", torch.square),
    ),
    Mistake(
        name="the sign kept",
        says="Negative numbers come out as minus their square. They become 0: x.relu().square().",
        instead=only("squared_relu", lambda x: x * x.abs()),
    ),
    Mistake(
        name="the gate in the second half",
        says="The halves are exchanged. The first one is the gate, and goes through silu; the second stays as it is.",
        instead=only("swiglu", lambda x: silu_gate(*reversed(x.chunk(2, dim=-1)))),
    ),
    Mistake(
        name="sigmoid in the place of silu",
        says="That is the GLU of 2016, sigmoid(gate) * rest. Here it is silu: gate * sigmoid(gate) * rest.",
        instead=only("swiglu", lambda x: F.glu(torch.cat(x.chunk(2, dim=-1)[::-1], dim=-1))),
    ),
    Mistake(
        name="gelu in the place of silu",
        says="That is GeGLU, its sister. The gate here is silu(x) = x * sigmoid(x).",
        instead=only("swiglu", lambda x: F.gelu(x.chunk(2, dim=-1)[0]) * x.chunk(2, dim=-1)[1]),
    ),
    Mistake(
        name="silu on both halves",
        says="Both halves went through silu. Only the gate, the first, does.",
        instead=only("swiglu", lambda x: F.silu(x.chunk(2, dim=-1)[0]) * F.silu(x.chunk(2, dim=-1)[1])),
    ),
    Mistake(
        name="gate and rest in turns",
        says="You took x[..., 0::2] and x[..., 1::2]. Here it is halves, x.chunk(2, dim=-1); neighbours were for "
        "rotary.",
        instead=only("swiglu", lambda x: silu_gate(x[..., 0::2], x[..., 1::2])),
    ),
]

_ATTENTION = [
    Mistake(
        name="groups in turns",
        says="The heads came out as 0, 1, 0, 1: `repeat` puts copies of the whole one after the other. The heads "
        "of a group are neighbours, 0, 0, 1, 1: repeat_interleave(n_heads // G, dim=1).",
        instead=with_repeat(tiled),
    ),
    Mistake(
        name="repeated n_heads times",
        says="Each was repeated n_heads times, which makes G * n_heads. There are n_heads in the end: n_heads // G "
        "times.",
        instead=with_repeat(lambda kv, n_heads: kv.repeat_interleave(n_heads, dim=1)),
    ),
    Mistake(
        name="positions repeated",
        says="The positions were repeated, axis 2. The heads are axis 1 of (B, G, T, D).",
        instead=with_repeat(lambda kv, n_heads: kv.repeat_interleave(n_heads // kv.shape[1], dim=2)),
    ),
    Mistake(
        name="the window one too long",
        says="A position sees `window` positions before it, and itself: one too many. Itself counts: t - s < window.",
        instead=with_mask(lambda T, window: (apart(T) >= 0) & (apart(T) <= window)),
    ),
    Mistake(
        name="the window one too short",
        says="The window is one too short: with window=1 a position must still see itself. triu(1 - window).",
        instead=with_mask(lambda T, window: (apart(T) >= 0) & (apart(T) < window - 1)),
    ),
    Mistake(
        name="the window without the causal mask",
        says="The window reaches to both sides, so a position sees what it has to predict. Both must hold: s <= t, "
        "and t - s < window.",
        instead=with_mask(lambda T, window: apart(T).abs() < window),
    ),
    Mistake(
        name="the causal mask without the window",
        says="That is the causal mask alone: everything before t is seen. Hide what lies more than window - 1 "
        "places back.",
        instead=with_mask(lambda T, _window: apart(T) >= 0),
    ),
    Mistake(
        name="pieces in the place of a sliding window",
        says="The text was cut into pieces of `window`, so the first of a piece sees only itself. The window slides: "
        "each position sees the window - 1 before it.",
        instead=with_mask(lambda T, w: (apart(T) >= 0) & (torch.arange(T)[:, None] // w == torch.arange(T) // w)),
    ),
    Mistake(
        name="the mask turned around",
        says="Rows and columns are exchanged: the row is the position t that asks, and s <= t.",
        instead=with_mask(lambda T, window: (apart(T) <= 0) & (apart(T) > -window)),
    ),
    Mistake(
        name="True where nothing may be seen",
        says="True and False are exchanged. Here True says that s may be seen.",
        instead=with_mask(lambda T, window: (apart(T) < 0) | (apart(T) >= window)),
    ),
    Mistake(
        name="values turned too",
        says="The values were turned as well. Only queries and keys are: their products tell places apart. What "
        "flows should not depend on where it stood.",
        instead=only("attention", attention_by(on_values=rotary)),
    ),
    Mistake(
        name="values normalised too",
        says="The values went through rms_norm. Only queries and keys do, since it is the scores that should stay "
        "small.",
        instead=only("attention", attention_by(on_values=rms_norm)),
    ),
    Mistake(
        name="keys not normalised",
        says="Only the queries went through rms_norm; the keys do too.",
        instead=only("attention", attention_by(norm_keys=same)),
    ),
    Mistake(
        name="no query-key norm",
        says="Queries and keys were not normalised: each goes through rms_norm before (or after) it is turned.",
        instead=only("attention", attention_by(norm=same)),
    ),
    Mistake(
        name="one norm for all heads",
        says="The norm went over all heads of a position together. Each query and each key by itself, over its D "
        "numbers.",
        instead=only("attention", attention_by(norm=lambda x: x / (x.square().mean((1, 3), True) + 1e-5).sqrt())),
    ),
    Mistake(
        name="keys not turned",
        says="Only the queries were turned, so their places count from the beginning of the text. Turn the keys too: "
        "then the difference of the places is what counts.",
        instead=only("attention", attention_by(turn_keys=same)),
    ),
    Mistake(
        name="nothing turned",
        says="Queries and keys were not turned: the scores do not know the places. rotary(rms_norm(q)), and k as "
        "well.",
        instead=only("attention", attention_by(turn=same)),
    ),
    Mistake(
        name="no scale",
        says="The scores are not divided by sqrt(D). That stays, with the norm too.",
        instead=only("attention", attention_by(scale=lambda _D: 1.0)),
    ),
    Mistake(
        name="divided by D",
        says="The scores were divided by D. The norm does not change that: it is sqrt(D).",
        instead=only("attention", attention_by(scale=lambda D: 1 / D)),
    ),
    Mistake(
        name="keys and values grouped differently",
        says="The keys of a group went to one set of heads, its values to another. Repeat both by repeat_heads.",
        instead=only("attention", attention_by(repeat_values=tiled)),
    ),
    Mistake(
        name="masked after the softmax",
        says="The softmax saw what is hidden, and the mask came after it: the weights no longer sum to 1. Put -inf "
        "into the scores.",
        instead=only("attention", attention_by(weigh=lambda scores, seen: scores.softmax(-1) * seen)),
    ),
    Mistake(
        name="filled with 0",
        says="What is hidden got the score 0, and exp(0) is 1: it still has a weight. Fill with -inf.",
        instead=only("attention", attention_by(weigh=lambda scores, seen: (scores * seen).softmax(-1))),
    ),
]

_ENDS = [
    Mistake(
        name="not divided by the cap",
        says="That is cap * tanh(logits): every logit above 2 is at the cap. Divide first, cap * tanh(logits / cap), "
        "and small ones stay as they are.",
        instead=only("softcap", lambda logits, cap: cap * logits.tanh()),
    ),
    Mistake(
        name="not multiplied by the cap",
        says="That stays between -1 and 1. Multiply by the cap again.",
        instead=only("softcap", lambda logits, cap: (logits / cap).tanh()),
    ),
    Mistake(
        name="cut off hard",
        says="That cuts off at the cap: beyond it there is no gradient. tanh bends smoothly: cap * tanh(logits / "
        "cap).",
        instead=only("softcap", lambda logits, cap: logits.clamp(-cap, cap)),
    ),
    Mistake(
        name="the cap fixed",
        says="The cap is always 15. Take the argument `cap`.",
        instead=only("softcap", lambda logits, _cap: 15 * (logits / 15).tanh()),
    ),
    Mistake(
        name="the table reshaped, not transposed",
        says="`view(C, V)` has the right shape and the wrong numbers: it cuts the rows of ids into pieces. "
        "Transpose: x @ table.T.",
        instead=only("tied_logits", lambda x, table: x @ table.reshape(table.shape[1], table.shape[0])),
    ),
    Mistake(
        name="probabilities in the place of logits",
        says="Those are probabilities. Logits are asked for: leave the softmax away.",
        instead=only("tied_logits", lambda x, table: (x @ table.T).softmax(-1)),
    ),
    Mistake(
        name="logits divided by sqrt(C)",
        says="The logits were divided by sqrt(C). That is for attention's scores; here it is x @ table.T.",
        instead=only("tied_logits", lambda x, table: x @ table.T / table.shape[1] ** 0.5),
    ),
    Mistake(
        name="cosines in the place of logits",
        says="The rows of the table were brought to length 1. The length of a row counts: it says how common its id "
        "is.",
        instead=only("tied_logits", lambda x, table: x @ F.normalize(table, dim=-1).T),
    ),
    Mistake(
        name="not divided by its size first",
        says="The iteration began with G itself. Where a singular value is above about 1.2 it explodes. Begin with G "
        "over the square root of the sum of its squares: no singular value of that is above 1.",
        instead=only("orthogonalise", iterated(begin=same)),
    ),
    Mistake(
        name="divided by its largest number",
        says="You divided by the largest entry; singular values can still be above 1. Divide by the square root of "
        "the sum of all squares.",
        instead=only("orthogonalise", iterated(begin=lambda G: G / G.abs().max())),
    ),
    Mistake(
        name="rows brought to length 1",
        says="Each row was divided by its own length: that changes the directions. One number for the whole matrix.",
        instead=only("orthogonalise", iterated(begin=lambda G: F.normalize(G, dim=-1))),
    ),
    Mistake(
        name="one round",
        says="That is X after one round. There are five.",
        instead=only("orthogonalise", iterated(rounds=1)),
    ),
    Mistake(
        name="the last term left out",
        says="The term c (X X^T)^2 X is missing.",
        instead=only("orthogonalise", iterated(factors=(*NEWTON_SCHULZ[:2], 0.0))),
    ),
    Mistake(
        name="the textbook's factors",
        says="Those are the classical 1.5 and -0.5. They lead to 1 exactly, and slowly; Muon's factors, 3.4445, "
        "-4.7750 and 2.0315, bring small singular values up fast.",
        instead=only("orthogonalise", iterated(factors=(1.5, -0.5, 0.0))),
    ),
    Mistake(
        name="U V^T exactly",
        says="That is U V^T itself, which the iteration comes close to. It is slow for large matrices, and other "
        "numbers are asked for: the five rounds, whose singular values end between about 0.7 and 1.2.",
        instead=only("orthogonalise", by_svd),
    ),
]

MISTAKES: list[Mistake] = [*_ROTARY, *_NORM_AND_MLP, *_ATTENTION, *_ENDS]
