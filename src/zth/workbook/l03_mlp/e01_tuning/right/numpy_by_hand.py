"""NumPy alone: the gradients by hand, the rate falling in a line, lists of numbers in return."""

import numpy as np


def examples(words, block_size):
    text = np.frombuffer("".join("`" * block_size + word for word in words).encode() + b"`" * block_size, np.uint8)
    ids = text.astype(np.int64) - ord("`")  # the character before "a"
    rows = np.lib.stride_tricks.sliding_window_view(ids, block_size + 1)
    lengths = np.array([len(word) for word in words])
    starts = np.concatenate([[0], np.cumsum(lengths + block_size)[:-1]])
    places = np.concatenate([np.arange(start, start + n + 1) for start, n in zip(starts, lengths)])
    return rows[places, :-1], rows[places, -1]


def rates(low, high, n):
    return np.exp(np.linspace(np.log(low), np.log(high), n))


def best(trials):
    return np.nanargmin([trial["dev"] for trial in trials])


class Net:
    def __init__(self, T, E, H, rng):
        self.C = rng.standard_normal((27, E), dtype=np.float32)
        self.W1 = rng.standard_normal((T * E, H), dtype=np.float32) * np.float32(1.5 / (T * E) ** 0.5)
        self.b1 = np.zeros(H, np.float32)
        self.W2 = rng.standard_normal((H, 27), dtype=np.float32) * np.float32(0.01)
        self.b2 = np.zeros(27, np.float32)

    def forward(self, X):
        x = self.C[X].reshape(len(X), -1)
        h = np.tanh(x @ self.W1 + self.b1)
        z = h @ self.W2 + self.b2
        p = np.exp(z - z.max(1, keepdims=True))
        return x, h, p / p.sum(1, keepdims=True)

    def step(self, X, Y, rate):
        x, h, p = self.forward(X)
        p[np.arange(len(Y)), Y] -= 1
        dz = p * np.float32(rate / len(Y))
        ds = (dz @ self.W2.T) * (1 - h * h)
        dx = (ds @ self.W1.T).reshape(*X.shape, -1)
        one_hot = np.eye(27, dtype=np.float32)[X.ravel()]
        self.W2 -= h.T @ dz
        self.b2 -= dz.sum(0)
        self.W1 -= x.T @ ds
        self.b1 -= ds.sum(0)
        self.C -= one_hot.T @ dx.reshape(X.size, -1)


def train(words, seed):
    rng = np.random.default_rng(seed)
    X, Y = examples(words, 4)
    net, steps = Net(4, 8, 80, rng), 8000
    for i in range(steps):
        rows = rng.integers(len(Y), size=64)
        net.step(X[rows], Y[rows], 0.6 * (1 - i / steps) + 0.01)
    return 4, lambda contexts: net.forward(np.asarray(contexts))[2].tolist()
