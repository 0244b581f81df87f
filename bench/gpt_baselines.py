"""What a GPT here is measured against: the course's own script, and nanoGPT's documented setting for a laptop.

A  `LectureScript`: gpt.py of lecture 7 (github.com/karpathy/ng-video-lecture), in the small setting of the lecture's
   notebook: 4 layers, 4 heads, width 64, block 32, batch 16, AdamW at 1e-3, no dropout. `LARGE` has the final one.
B  `NanoGPT`: github.com/karpathy/nanoGPT, its README's command for a CPU: 4 layers, 4 heads, width 128, block 64,
   batch 12, 2,000 steps, no dropout, no biases, AdamW (0.9, 0.99) with weight decay 0.1 on matrices, warm-up over 100
   steps, a cosine from 1e-3 to 1e-4, gradients clipped at 1.0.

Both are plain PyTorch, operation for operation what the two sources do in a step, and nothing of zth's; what the
sources print and estimate on the way is left out. Their loops are iterators that give each step's loss when the step
is done, so that a bench can stop the clock, measure, and go on; `whole_dev_loss` is the one measure for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# ----- A: the lecture's script ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class LectureSetting:
    """The numbers atop the script."""

    vocab_size: int = 65
    batch_size: int = 16
    block_size: int = 32
    max_iters: int = 5000
    learning_rate: float = 1e-3
    n_embd: int = 64
    n_head: int = 4
    n_layer: int = 4
    dropout: float = 0.0


SMALL = LectureSetting()
LARGE = LectureSetting(
    batch_size=64, block_size=256, learning_rate=3e-4, n_embd=384, n_head=6, n_layer=6, dropout=0.2
)


class Head(nn.Module):
    """One head of self-attention."""

    tril: Tensor

    def __init__(self, s: LectureSetting, head_size: int) -> None:
        super().__init__()
        self.key = nn.Linear(s.n_embd, head_size, bias=False)
        self.query = nn.Linear(s.n_embd, head_size, bias=False)
        self.value = nn.Linear(s.n_embd, head_size, bias=False)
        self.register_buffer("tril", torch.tril(torch.ones(s.block_size, s.block_size)))
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x: Tensor) -> Tensor:
        T = x.shape[1]
        k = self.key(x)
        q = self.query(x)
        wei = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5
        wei = wei.masked_fill(self.tril[:T, :T] == 0, float("-inf"))
        wei = F.softmax(wei, dim=-1)
        wei = self.dropout(wei)
        v = self.value(x)
        out: Tensor = wei @ v
        return out


class MultiHeadAttention(nn.Module):
    def __init__(self, s: LectureSetting) -> None:
        super().__init__()
        head_size = s.n_embd // s.n_head
        self.heads = nn.ModuleList([Head(s, head_size) for _ in range(s.n_head)])
        self.proj = nn.Linear(head_size * s.n_head, s.n_embd)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.cat([h(x) for h in self.heads], dim=-1)
        dropped: Tensor = self.dropout(self.proj(out))
        return dropped


class FeedForward(nn.Module):
    def __init__(self, s: LectureSetting) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(s.n_embd, 4 * s.n_embd),
            nn.ReLU(),
            nn.Linear(4 * s.n_embd, s.n_embd),
            nn.Dropout(s.dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out


class LectureBlock(nn.Module):
    def __init__(self, s: LectureSetting) -> None:
        super().__init__()
        self.sa = MultiHeadAttention(s)
        self.ffwd = FeedForward(s)
        self.ln1 = nn.LayerNorm(s.n_embd)
        self.ln2 = nn.LayerNorm(s.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.sa(self.ln1(x))
        out: Tensor = x + self.ffwd(self.ln2(x))
        return out


class LectureScript(nn.Module):
    """The lecture's GPTLanguageModel."""

    def __init__(self, s: LectureSetting = SMALL) -> None:
        super().__init__()
        self.block_size = s.block_size
        self.token_embedding_table = nn.Embedding(s.vocab_size, s.n_embd)
        self.position_embedding_table = nn.Embedding(s.block_size, s.n_embd)
        self.blocks = nn.Sequential(*[LectureBlock(s) for _ in range(s.n_layer)])
        self.ln_f = nn.LayerNorm(s.n_embd)
        self.lm_head = nn.Linear(s.n_embd, s.vocab_size)
        self.apply(_lecture_weights)

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        B, T = idx.shape
        tok_emb = self.token_embedding_table(idx)
        pos_emb = self.position_embedding_table(torch.arange(T))
        x = tok_emb + pos_emb
        x = self.blocks(x)
        x = self.ln_f(x)
        logits = self.lm_head(x)
        if targets is None:
            return logits, None
        B, T, C = logits.shape
        loss = F.cross_entropy(logits.view(B * T, C), targets.reshape(B * T))
        return logits, loss

    @torch.no_grad()
    def generate(self, idx: Tensor, max_new_tokens: int) -> Tensor:
        """The script has no no_grad; it is given one here, or it would be slower still."""
        for _ in range(max_new_tokens):
            idx_cond = idx[:, -self.block_size :]
            logits, _loss = self(idx_cond)
            logits = logits[:, -1, :]
            probs = F.softmax(logits, dim=-1)
            idx_next = torch.multinomial(probs, num_samples=1)
            idx = torch.cat((idx, idx_next), dim=1)
        return idx


def _lecture_weights(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)
        if module.bias is not None:
            torch.nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        torch.nn.init.normal_(module.weight, mean=0.0, std=0.02)


def train_lecture(model: LectureScript, data: Tensor, s: LectureSetting) -> Iterator[float]:
    """The script's loop, less its estimates of the loss -> each step's loss."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=s.learning_rate)
    for _ in range(s.max_iters):
        ix = torch.randint(len(data) - s.block_size, (s.batch_size,))
        xb = torch.stack([data[i : i + s.block_size] for i in ix])
        yb = torch.stack([data[i + 1 : i + s.block_size + 1] for i in ix])
        _, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        yield loss.item()


# ----- B: nanoGPT on a laptop -----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class NanoSetting:
    """The README's flags for a CPU, over config/train_shakespeare_char.py, over the defaults of train.py."""

    vocab_size: int = 65
    block_size: int = 64
    batch_size: int = 12
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 128
    dropout: float = 0.0
    bias: bool = False
    max_iters: int = 2000
    learning_rate: float = 1e-3
    min_lr: float = 1e-4
    warmup_iters: int = 100
    lr_decay_iters: int = 2000
    weight_decay: float = 1e-1
    beta1: float = 0.9
    beta2: float = 0.99
    grad_clip: float = 1.0


LAPTOP = NanoSetting()


class NanoLayerNorm(nn.Module):
    def __init__(self, n: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))
        self.bias = nn.Parameter(torch.zeros(n)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, 1e-5)


class CausalSelfAttention(nn.Module):
    def __init__(self, s: NanoSetting) -> None:
        super().__init__()
        self.c_attn = nn.Linear(s.n_embd, 3 * s.n_embd, bias=s.bias)
        self.c_proj = nn.Linear(s.n_embd, s.n_embd, bias=s.bias)
        self.resid_dropout = nn.Dropout(s.dropout)
        self.n_head, self.n_embd, self.dropout = s.n_head, s.n_embd, s.dropout

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.size()
        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        dropout = self.dropout if self.training else 0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=dropout, is_causal=True)
        y = y.transpose(1, 2).contiguous().view(B, T, C)
        out: Tensor = self.resid_dropout(self.c_proj(y))
        return out


class NanoMLP(nn.Module):
    def __init__(self, s: NanoSetting) -> None:
        super().__init__()
        self.c_fc = nn.Linear(s.n_embd, 4 * s.n_embd, bias=s.bias)
        self.gelu = nn.GELU()
        self.c_proj = nn.Linear(4 * s.n_embd, s.n_embd, bias=s.bias)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.c_fc(x)
        x = self.gelu(x)
        x = self.c_proj(x)
        out: Tensor = self.dropout(x)
        return out


class NanoBlock(nn.Module):
    def __init__(self, s: NanoSetting) -> None:
        super().__init__()
        self.ln_1 = NanoLayerNorm(s.n_embd, s.bias)
        self.attn = CausalSelfAttention(s)
        self.ln_2 = NanoLayerNorm(s.n_embd, s.bias)
        self.mlp = NanoMLP(s)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class NanoGPT(nn.Module):
    def __init__(self, s: NanoSetting = LAPTOP) -> None:
        super().__init__()
        self.block_size = s.block_size
        self.wte = nn.Embedding(s.vocab_size, s.n_embd)
        self.wpe = nn.Embedding(s.block_size, s.n_embd)
        self.drop = nn.Dropout(s.dropout)
        self.h = nn.ModuleList([NanoBlock(s) for _ in range(s.n_layer)])
        self.ln_f = NanoLayerNorm(s.n_embd, s.bias)
        self.lm_head = nn.Linear(s.n_embd, s.vocab_size, bias=False)
        self.wte.weight = self.lm_head.weight
        self.apply(_lecture_weights)  # nanoGPT's are the same: N(0, 0.02**2), biases 0
        for name, p in self.named_parameters():
            if name.endswith("c_proj.weight"):
                torch.nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * s.n_layer))

    def forward(self, idx: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        pos = torch.arange(0, idx.size(1), dtype=torch.long)
        x = self.drop(self.wte(idx) + self.wpe(pos))
        for block in self.h:
            x = block(x)
        x = self.ln_f(x)
        logits = self.lm_head(x)
        if targets is None:
            return logits, None
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1), ignore_index=-1)
        return logits, loss


def nano_lr(it: int, s: NanoSetting = LAPTOP) -> float:
    """The rate of step `it`: warm-up, then a cosine down to min_lr."""
    if it < s.warmup_iters:
        return s.learning_rate * (it + 1) / (s.warmup_iters + 1)
    if it > s.lr_decay_iters:
        return s.min_lr
    ratio = (it - s.warmup_iters) / (s.lr_decay_iters - s.warmup_iters)
    return s.min_lr + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (s.learning_rate - s.min_lr)


def train_nano(model: NanoGPT, data: Tensor, s: NanoSetting) -> Iterator[float]:
    """train.py's loop on one CPU: no autocast, no accumulation, no compilation, no estimates -> each step's loss."""
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": s.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=s.learning_rate, betas=(s.beta1, s.beta2))
    for step in range(s.max_iters):
        for group in optimizer.param_groups:
            group["lr"] = nano_lr(step, s)
        ix = torch.randint(len(data) - s.block_size, (s.batch_size,))
        x = torch.stack([data[i : i + s.block_size] for i in ix])
        y = torch.stack([data[i + 1 : i + 1 + s.block_size] for i in ix])
        _, loss = model(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), s.grad_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield loss.item()


# ----- the one measure ------------------------------------------------------------------------------------------


@torch.no_grad()
def whole_dev_loss(logits: Callable[[Tensor], Tensor], dev: Tensor, block_size: int) -> float:
    """Mean nats per character over the whole dev text, in windows of `block_size` that do not overlap.

    `logits` takes (B, T) ids to (B, T, V); the model is in evaluation mode already.
    """
    n = len(dev) - 1
    n_whole = n // block_size * block_size
    x, y = dev[:n_whole].view(-1, block_size), dev[1 : n_whole + 1].view(-1, block_size)
    batches = [*zip(torch.split(x, 64), torch.split(y, 64), strict=True)]
    if n_whole < n:
        batches.append((dev[n_whole:n][None], dev[n_whole + 1 :][None]))
    total = 0.0
    for xb, yb in batches:
        total += F.cross_entropy(logits(xb).flatten(0, 1), yb.flatten(), reduction="sum").item()
    return total / n
