"""Which GPT suits which budget, for one long text: docs/log.md has the trials.

A small net has seen enough sooner. A large one learns a short text by heart before it is good, so that those of many
minutes want dropout, and a text of some length.
"""

from __future__ import annotations

from zth.models.size import Size

TEXT_SIZES = (
    Size(
        minutes=0,
        options={"layers": 2, "width": 64, "heads": 2, "block_size": 64},
        recipe={"batch_size": 32, "lr": 0.04},
    ),
    Size(minutes=0.1, options={"layers": 3, "width": 64, "heads": 2}, recipe={"lr": 0.04}),
    Size(minutes=0.2, options={"layers": 3, "width": 96, "heads": 2}, recipe={"lr": 0.03}),
    Size(minutes=0.7),
    Size(
        minutes=6,
        characters=500_000,
        options={"layers": 5, "width": 192, "heads": 6, "block_size": 256, "dropout": 0.1},
    ),
)
