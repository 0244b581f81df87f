"""Lecture 2 in a dozen lines: count trigrams of names, measure the loss on names not counted, make up new ones.

Run it: python examples/names_by_counting.py
"""

from zth.data.sources import names
from zth.data.split import split_lines
from zth.data.vocab import Vocabulary
from zth.data.windows import windows
from zth.models.ngram import NgramModel
from zth.models.protocol import evaluate
from zth.sample import sample

vocabulary = Vocabulary.of_lines(names())
split = split_lines(names())
model = NgramModel.fit(*windows(split.train, vocabulary, 2), vocab_size=len(vocabulary), k=0.2)
print(f"dev loss {evaluate(model, *windows(split.dev, vocabulary, 2)):.4f} nats a character")
print(sample(model, vocabulary, n=5, seed=42))
