"""A GPT of single numbers learns 1,000 names and makes up some: lecture 7 on lecture 1's engine, as fast as arrays.

The model and its training are one file of 170 lines, src/zth/workbook/l07_gpt/scalar_gpt.py; docs/scalar_gpt.md leads
through it.

Run it: python examples/scalar_gpt.py      (with the word "eagerly" behind it: the same losses, in half a minute)
"""

import sys
import time

from zth.data.sources import names
from zth.data.vocab import Vocabulary
from zth.seeds import python_stream
from zth.workbook.l07_gpt.scalar_gpt import ScalarGPT, Training, documents, write

vocabulary = Vocabulary.of_lines(names())
training = Training(ScalarGPT(len(vocabulary)), eager="eagerly" in sys.argv[1:])
started = time.perf_counter()
for step, ids in enumerate(documents(names(), vocabulary)[: training.steps], 1):
    training.step(ids)
    if step % 100 == 0:
        print(f"{step:5} names  loss {sum(training.losses[-100:]) / 100:.4f}")
print(f"{time.perf_counter() - started:.1f} s")
training.compiled.store()
rng = python_stream(42, "sampling")
print(*(write(training.model, vocabulary, rng) for _ in range(10)))
