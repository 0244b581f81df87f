"""Backpropagation by hand (lecture 5): gradients from formulas; nothing here calls torch's autograd.

::

    atoms.py     lecture 5's net with every intermediate named, and one function for each of the 26 gradients
    fused.py     the same gradients for whole layers: cross-entropy and BatchNorm in one expression each
    step.py      a complete train step of lecture 5.4 that one can read
    program.py   layers as lists of NumPy calls on buffers made once
    updates.py   what a step ends with: SGD and AdamW on one flat array
    openblas.py  NumPy's products: on one thread, and which kernels do them
    engine.py    any Sequential of zth.layers as such a program: the fast way to train the nets of lectures 3 to 6

Each is the judge of the next: autograd of `atoms`, `atoms` of `fused`, `step` of `engine`.
"""
