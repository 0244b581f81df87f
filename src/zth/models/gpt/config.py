"""What a GPT is built from: every option, checked, and the presets.

Letters: C the width, H query heads, D = C / H the size of a head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from zth.errors import ConfigError, did_you_mean
from zth.models.net import NetConfig
from zth.models.space import Between, OneOf, Space

Positions = Literal["learned", "rotary", "none"]
Norm = Literal["layernorm", "rmsnorm"]
Nonlinearity = Literal["relu", "gelu", "gelu-tanh", "relu2", "swiglu"]
Biases = Literal["none", "lecture", "gpt2"]
DropoutAt = Literal["branches", "lecture", "gpt2"]
Init = Literal["gpt2", "fan-in"]
OutputInit = Literal["same", "scaled", "zero"]


@dataclass(frozen=True, kw_only=True)
class GPTConfig(NetConfig):
    """The defaults are the preset "laptop"; `preset` gives the others.

    Raises ConfigError for sizes under 1, names that do not exist, and combinations that make no sense.

    >>> GPTConfig(width=100, heads=3)
    Traceback (most recent call last):
    zth.errors.ConfigError: width 100 does not divide into 3 heads. Try width=99.
    """

    block_size: int = 128
    """How many characters back it looks."""
    layers: int = 4
    """Blocks of attention and MLP, one behind the other."""
    heads: int = 4
    """Of attention, in each block."""
    width: int = 128
    """Numbers for each position: C. A head has width / heads of them."""
    kv_heads: int | None = None
    """Keys and values that the heads share in groups (Ainslie et al. 2023): 1 is multi-query attention (Shazeer
    2019), None gives each head its own."""
    positions: Positions = "rotary"
    """A learned vector for each place, queries and keys rotated by their place (Su et al. 2021), or nothing."""
    norm: Norm = "rmsnorm"
    """LayerNorm takes the mean away and divides by the deviation; RMSNorm divides by the root mean square alone."""
    norm_weights: bool = False
    """Whether the norms multiply with weights of their own."""
    norm_embedding: bool = True
    """One norm more, behind the embedding."""
    mlp: Nonlinearity = "relu2"
    """swiglu (Shazeer 2020) has a gate: two matrices in, one out. relu2 is relu squared (So et al. 2021)."""
    mlp_width: int | None = None
    """Its hidden units; None is 4 * width, and for swiglu 8/3 of it, so that the parameters stay about as many."""
    qk_norm: bool = True
    """RMSNorm without weights on each query and key (Henry et al. 2020)."""
    biases: Biases = "none"
    """Which Linears and LayerNorms add one: "lecture" all but queries, keys and values; "gpt2" all but the last."""
    tie_weights: bool = False
    """The embedding table is the last layer too (Press and Wolf 2017)."""
    window: int | None = None
    """A position attends to itself and the window - 1 before it (Beltagy et al. 2020); None is all of the block."""
    softcap: float | None = 15.0
    """Logits are softcap * tanh(logits / softcap), as in Gemma 2; None leaves them alone."""
    dropout: float = 0.0
    """While training, the share of numbers that are left out by chance."""
    dropout_at: DropoutAt = "branches"
    """"branches": what attention and MLP add; "lecture": the attention weights too; "gpt2": the embeddings as well.
    Dropout on attention weights rules out the fast kernel on a CPU."""
    init: Init = "fan-in"
    """All N(0, 0.02**2), as GPT-2 and the lecture; or embeddings N(0, 1), matrices N(0, 1/fan_in)."""
    output_init: OutputInit = "zero"
    """The matrices that write into the residual stream: like the others ("same", the lecture's), divided by
    sqrt(2 * layers) (GPT-2's), or zero, and then the last layer is zero too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_names()
        for name in ("kv_heads", "mlp_width", "window"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ConfigError(f"{name} must be a whole number from 1 up; got {value!r}.", "Leave it out.")
        if self.vocab_size < 2:
            raise ConfigError("vocab_size must be at least 2; got 1.", "There is nothing to predict among one.")
        if self.width % self.heads:
            near = max(self.width // self.heads, 1) * self.heads
            raise ConfigError(f"width {self.width} does not divide into {self.heads} heads.", f"Try width={near}.")
        if self.heads % self.n_kv_heads:
            raise ConfigError(
                f"{self.heads} heads cannot share {self.n_kv_heads} kv_heads.", f"Use a divisor of {self.heads}."
            )
        if self.positions == "rotary" and self.head_size % 2:
            raise ConfigError(
                f"Rotary positions turn pairs of numbers; a head has {self.head_size}.",
                f"Try width={2 * self.width}, or positions='learned'.",
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be from 0 up and below 1; got {self.dropout}.", "Lecture 7 takes 0.2.")
        if self.softcap is not None and not 0 < self.softcap < float("inf"):
            raise ConfigError(f"softcap must be above 0; got {self.softcap}.", "Try 15, or None for no cap.")

    def _check_names(self) -> None:
        for name, known in NAMES.items():
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"There is no {name} {value!r}.", did_you_mean(str(value), known))

    @property
    def head_size(self) -> int:
        """D"""
        return self.width // self.heads

    @property
    def n_kv_heads(self) -> int:
        return self.heads if self.kv_heads is None else self.kv_heads

    @property
    def n_hidden(self) -> int:
        """The MLP's hidden units."""
        if self.mlp_width is not None:
            return self.mlp_width
        if self.mlp == "swiglu":  # 3 matrices of 8/3 C are as many numbers as 2 of 4 C; in whole eighths
            return max(1, round(self.width / 3)) * 8
        return 4 * self.width

    @property
    def reach(self) -> int:
        """How many ids the last position's logits depend on, were the block without end: each layer looks back once.

        >>> GPTConfig(window=32, layers=4).reach, GPTConfig(block_size=256).reach
        (125, 256)
        """
        return self.block_size if self.window is None else 1 + self.layers * (self.window - 1)

    @property
    def endless(self) -> bool:
        """Whether what lies before the block cannot be seen anyway, nor where the block begins: then a text may go on
        through the same cache for ever, and the logits are those of its last `block_size` ids."""
        return self.window is not None and self.positions != "learned" and self.reach <= self.block_size

    @property
    def n_parameters(self) -> int:
        """Numbers to learn, before anything is built.

        >>> preset("lecture", vocab_size=65).n_parameters, preset("gpt2").n_parameters
        (10788929, 124439808)
        """
        C, D, V = self.width, self.head_size, self.vocab_size
        n_qkv = C + 2 * self.n_kv_heads * D
        n_up = self.n_hidden * (2 if self.mlp == "swiglu" else 1)
        some, all_but_last = self.biases != "none", self.biases == "gpt2"
        n_norm = C * self.norm_weights * (2 if self.norm == "layernorm" and some else 1)
        block = C * n_qkv + n_qkv * all_but_last + C * C + C * some  # attention
        block += C * n_up + n_up * some + self.n_hidden * C + C * some + 2 * n_norm
        ends = V * C + self.block_size * C * (self.positions == "learned") + n_norm * (1 + self.norm_embedding)
        last = 0 if self.tie_weights else C * V + V * (self.biases == "lecture")
        return self.layers * block + ends + last


NAMES = {
    "positions": get_args(Positions),
    "norm": get_args(Norm),
    "mlp": get_args(Nonlinearity),
    "biases": get_args(Biases),
    "dropout_at": get_args(DropoutAt),
    "init": get_args(Init),
    "output_init": get_args(OutputInit),
}

_OLD_WAY: dict[str, Any] = {
    "positions": "learned",
    "norm": "layernorm",
    "norm_weights": True,
    "norm_embedding": False,
    "qk_norm": False,
    "softcap": None,
    "init": "gpt2",
}
_GPT2: dict[str, Any] = {
    **_OLD_WAY,
    "vocab_size": 50257,
    "block_size": 1024,
    "mlp": "gelu-tanh",
    "biases": "gpt2",
    "tie_weights": True,
    "dropout": 0.1,
    "dropout_at": "gpt2",
    "output_init": "scaled",
}

PRESETS: dict[str, dict[str, Any]] = {
    "laptop": {},
    "nano": {"layers": 2, "heads": 2, "width": 32, "block_size": 16},
    "lecture": {
        **_OLD_WAY,
        "layers": 6,
        "heads": 6,
        "width": 384,
        "block_size": 256,
        "mlp": "relu",
        "biases": "lecture",
        "dropout": 0.2,
        "dropout_at": "lecture",
        "output_init": "same",
    },
    "gpt2": {**_GPT2, "layers": 12, "heads": 12, "width": 768},
    "gpt2-medium": {**_GPT2, "layers": 24, "heads": 16, "width": 1024},
    "gpt2-large": {**_GPT2, "layers": 36, "heads": 20, "width": 1280},
    "gpt2-xl": {**_GPT2, "layers": 48, "heads": 25, "width": 1600},
}
"""Name -> what differs from the defaults. "lecture" is lecture 7's script letter for letter; "laptop" is fast and
good on two cores; "nano" is for tests; the others have the shapes of the GPT-2 that OpenAI published."""


def preset(name: str, **changes: Any) -> GPTConfig:
    """A config by name, with changes. Raises ConfigError for an unknown name.

    >>> preset("lecture", vocab_size=65, layers=3).layers
    3
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}.", did_you_mean(name, PRESETS))
    return GPTConfig(**(PRESETS[name] | changes))


SPACE: Space = {
    "block_size": OneOf((64, 128, 256)),
    "layers": Between(low=2, high=6, log=False),
    "heads": OneOf((2, 4, 8)),
    "width": OneOf((64, 128, 192, 256)),
    "dropout": Between(low=0.0, high=0.3, log=False),
    "positions": OneOf(("rotary", "learned")),
    "mlp": OneOf(("relu2", "gelu", "swiglu")),
    "tie_weights": OneOf((False, True)),
}
"""What a tuner may try; every combination is allowed."""
