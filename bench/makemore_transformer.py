"""What a GPT on names is measured against: makemore's transformer, in plain PyTorch, and nothing of zth's.

C  `MakemoreTransformer`: github.com/karpathy/makemore, `python makemore.py -i names.txt -o names` with its defaults:
   4 layers, 4 heads, width 64, block 16, blocks as in GPT-2 (LayerNorm first, GELU by its tanh formula), batch 32,
   AdamW at 5e-4 (0.9, 0.99) with weight decay 0.01 on everything, no schedule. A thousand words, drawn by the seed,
   are the test set. A word is a row: 0 and its letters, and as targets the letters and 0; behind them targets are -1.

Operation for operation what the source does in a step, less what it prints and estimates on the way, and less its
loader: its rows are made before the clock starts, which is to its advantage.

Letters: B words, T places in a row, C the width, N rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SEED = 3407
"""makemore's default."""


@dataclass(frozen=True, kw_only=True)
class MakemoreSetting:
    """The defaults of its flags; the block is the longest name of names.txt and one more."""

    vocab_size: int = 27
    block_size: int = 16
    batch_size: int = 32
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 64
    learning_rate: float = 5e-4
    weight_decay: float = 0.01
    max_iters: int = 3000


DEFAULTS = MakemoreSetting()


class TanhGELU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))


class SelfAttention(nn.Module):
    bias: Tensor

    def __init__(self, s: MakemoreSetting) -> None:
        super().__init__()
        self.c_attn = nn.Linear(s.n_embd, 3 * s.n_embd)
        self.c_proj = nn.Linear(s.n_embd, s.n_embd)
        mask = torch.tril(torch.ones(s.block_size, s.block_size))
        self.register_buffer("bias", mask.view(1, 1, s.block_size, s.block_size))
        self.n_head, self.n_embd = s.n_head, s.n_embd

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, T, C) -> (B, heads, T, head size)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        att = att.masked_fill(self.bias[:, :, :T, :T] == 0, float("-inf"))
        att = F.softmax(att, dim=-1)
        y = att @ v
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        out: Tensor = self.c_proj(y)
        return out


class MakemoreBlock(nn.Module):
    def __init__(self, s: MakemoreSetting) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(s.n_embd)
        self.attn = SelfAttention(s)
        self.ln_2 = nn.LayerNorm(s.n_embd)
        self.c_fc = nn.Linear(s.n_embd, 4 * s.n_embd)
        self.act = TanhGELU()
        self.c_proj = nn.Linear(4 * s.n_embd, s.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.c_proj(self.act(self.c_fc(self.ln_2(x))))
        return out


class MakemoreTransformer(nn.Module):
    """Its weights begin as torch's layers begin."""

    def __init__(self, s: MakemoreSetting = DEFAULTS) -> None:
        super().__init__()
        self.wte = nn.Embedding(s.vocab_size, s.n_embd)
        self.wpe = nn.Embedding(s.block_size, s.n_embd)
        self.h = nn.ModuleList([MakemoreBlock(s) for _ in range(s.n_layer)])
        self.ln_f = nn.LayerNorm(s.n_embd)
        self.lm_head = nn.Linear(s.n_embd, s.vocab_size, bias=False)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        pos = torch.arange(0, idx.size(1), dtype=torch.long).unsqueeze(0)
        x = self.wte(idx) + self.wpe(pos)
        for block in self.h:
            x = block(x)
        x = self.ln_f(x)
        logits = self.lm_head(x)
        if targets is None:
            return logits, None
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)
        return logits, loss


def split_words(words: Sequence[str], seed: int = SEED) -> tuple[list[str], list[str]]:
    """Words to learn from, and a thousand to test by (of fewer than ten thousand a tenth), drawn by the seed."""
    n_test = min(1000, int(len(words) * 0.1))
    order = torch.randperm(len(words), generator=torch.Generator().manual_seed(seed)).tolist()
    return [words[i] for i in order[:-n_test]], [words[i] for i in order[-n_test:]]


def rows_of(words: Sequence[str], characters: str, block_size: int) -> tuple[Tensor, Tensor]:
    """(N, T) ids and (N, T) targets: a word a row."""
    ids = {character: number for number, character in enumerate(characters, 1)}
    x = torch.zeros(len(words), block_size, dtype=torch.long)
    y = torch.full((len(words), block_size), -1, dtype=torch.long)
    for n, word in enumerate(words):
        encoded = torch.tensor([ids[character] for character in word], dtype=torch.long)
        x[n, 1 : 1 + len(word)] = encoded
        y[n, : len(word)] = encoded
        y[n, len(word)] = 0
    return x, y


def train_makemore(model: MakemoreTransformer, rows: tuple[Tensor, Tensor], s: MakemoreSetting) -> Iterator[float]:
    """The loop -> each step's loss; rows are drawn with replacement."""
    X, Y = rows
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay, betas=(0.9, 0.99), eps=1e-8
    )
    for _ in range(s.max_iters):
        ix = torch.randint(len(X), (s.batch_size,))
        _, loss = model(X[ix], Y[ix])
        model.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield loss.item()


@torch.no_grad()
def mean_loss(logits: Callable[[Tensor], Tensor], rows: tuple[Tensor, Tensor]) -> float:
    """Mean nats a character, over all characters and ends of all rows, whatever row they stand in."""
    total, n = 0.0, 0
    for xb, yb in zip(torch.split(rows[0], 100), torch.split(rows[1], 100), strict=True):
        flat = yb.flatten()
        total += F.cross_entropy(logits(xb).flatten(0, 1), flat, ignore_index=-1, reduction="sum").item()
        n += int((flat != -1).sum())
    return total / n
