"""Lecture 7: a GPT, from the lecture's own to the options of the papers since.

::

    config.py     every option, checked; the presets
    sizes.py      which of them suits which budget
    initial.py    with which spread the matrices begin
    attention.py  spelled out and fused; groups, windows, rotary positions, query-key norm
    block.py      attention and MLP, each added to the stream
    cache.py      keys and values of what has been read
    model.py      ids in, logits out; how it grows a text
    lecture.py    the lecture's own path to attention, to read

>>> import torch
>>> from zth.models.gpt import GPTModel, preset
>>> model = GPTModel(preset("lecture", vocab_size=65, layers=1), generator=torch.Generator().manual_seed(1337))
>>> tuple(model(torch.zeros(1, 256, dtype=torch.int64)).shape)
(1, 256, 65)
"""

from zth.models.gpt.attention import Attention
from zth.models.gpt.config import PRESETS, GPTConfig, preset
from zth.models.gpt.model import GPTModel

__all__ = ["PRESETS", "Attention", "GPTConfig", "GPTModel", "preset"]
