"""Lecture 1 in a dozen lines: the gradient of a softmax's loss, from floats that remember how they were made.

Run it: python examples/softmax_by_hand.py
"""

from zth.autograd import Value
from zth.autograd.functional import cross_entropy

logits = [Value(x) for x in (0.0, 3.0, -2.0, 1.0)]
loss = cross_entropy(logits, 3)
loss.backward()
print(f"loss {loss.data:.4f}")
print("gradient", [round(logit.grad, 4) for logit in logits])
